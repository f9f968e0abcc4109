"""From registry documents to what the simulator plays. The simulator never sees the registry: it judges who
reads it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from baycast.cardiff import Rhythm
from occupancy.model import Area, Bay, BayType, Binding, Clock, DeviceId, Use, Zone, ZoneId, ZoneKind
from occupancy.registry import Registry
from occupancy.rules import access_of
from simulator.plan import (
    Admission,
    BayPlan,
    CarParkPlan,
    CityPlan,
    CounterPlan,
    GatePlan,
    Profile,
    Timetable,
)

COUNTER = "counter"
"""The gate model that stands for a car park's own system."""

NEXT_DOOR_M = 7.0
"""Bays whose middles are nearer than this stand side by side or bumper to bumper: crosstalk reaches no further."""

_DAY_MIN = 1440
_M_PER_DEGREE = 111_320.0
_BOTH_WAYS = frozenset({"in", "out"})
_NO_RHYTHM = Rhythm({}, {})


def world_plan(
    documents: Iterable[tuple[str, str, Mapping[str, object]]], *, at: datetime, rhythm: Rhythm = _NO_RHYTHM
) -> CityPlan:
    """Make the plan of the one area that the documents (kind, id, document) describe.

    Rules are read for the civil week that holds `at`, so bank holidays and declared days of that week are
    kept and those of later weeks are not. Raises `RegistryError` for a bad document, `ValueError` without an
    area.
    """
    registry = Registry()
    for kind, id, doc in documents:
        registry.put(kind, id, doc)
    area = registry.area
    if area is None:
        raise ValueError("the registry has no area document")
    timetables = _Timetables(registry, area, at)
    watched = _watched(registry, at)
    profiles = {
        zone.zone_id: Profile(rhythm.profiles.get(zone.zone_id) or _guess(registry, zone.zone_id))
        for zone in registry.zones.values()
    }
    neighbours = {
        bay_id: near for bays in registry.bays_by_zone.values() for bay_id, near in _neighbours(bays).items()
    }
    return CityPlan(
        area_id=area.area_id,
        time_zone=area.time_zone,
        event_clock=area.clock is Clock.EVENT,
        bays=tuple(
            _bay(
                registry,
                bay,
                profiles[zone_id],
                timetables.of(bay),
                watched.get(bay.bay_id),
                neighbours[bay.bay_id],
            )
            for zone_id, bays in sorted(registry.bays_by_zone.items())
            for bay in sorted(bays, key=lambda bay: bay.bay_id)
            if registry.zones[zone_id].kind is ZoneKind.STREET and _in_service(bay, at)
        ),
        car_parks=tuple(
            _car_park(registry, zone, profiles[zone.zone_id], rhythm)
            for zone in sorted(registry.zones.values(), key=lambda zone: zone.zone_id)
            if zone.kind is ZoneKind.CAR_PARK and zone.capacity is not None
        ),
    )


def _bay(
    registry: Registry,
    bay: Bay,
    profile: Profile,
    timetable: Timetable,
    device_id: DeviceId | None,
    neighbours: tuple[str, ...],
) -> BayPlan:
    if device_id is None:
        return BayPlan(bay_id=bay.bay_id, zone_id=bay.zone_id, profile=profile, timetable=timetable)
    return BayPlan(
        bay_id=bay.bay_id,
        zone_id=bay.zone_id,
        profile=profile,
        timetable=timetable,
        device_id=device_id,
        heartbeat_s=registry.sensors[device_id].expected_heartbeat_s,
        model=registry.sensors[device_id].model,
        neighbours=neighbours,
    )


def _neighbours(bays: Sequence[Bay]) -> dict[str, tuple[str, ...]]:
    """Bay -> the bays of its street whose middles are within `NEXT_DOOR_M`."""
    found: dict[str, tuple[str, ...]] = {}
    for bay in bays:
        lon_m = _M_PER_DEGREE * math.cos(math.radians(bay.lat))
        found[bay.bay_id] = tuple(
            other.bay_id
            for other in bays
            if other is not bay
            and math.hypot((other.lat - bay.lat) * _M_PER_DEGREE, (other.lon - bay.lon) * lon_m) < NEXT_DOOR_M
        )
    return found


def _car_park(registry: Registry, zone: Zone, profile: Profile, rhythm: Rhythm) -> CarParkPlan:
    gates = sorted(registry.gates_by_zone.get(zone.zone_id, ()), key=lambda gate: gate.device_id)
    counters = [gate for gate in gates if gate.model == COUNTER]
    return CarParkPlan(
        zone_id=zone.zone_id,
        capacity=zone.capacity or 0,
        profile=profile,
        gates=tuple(
            GatePlan(
                device_id=gate.device_id,
                ways=rhythm.ways.get(gate.device_id, _BOTH_WAYS),
                heartbeat_s=gate.expected_heartbeat_s,
            )
            for gate in gates
            if gate.model != COUNTER
        ),
        counter=CounterPlan(
            device_id=counters[0].device_id, every_s=min(300, counters[0].expected_heartbeat_s)
        )
        if counters
        else None,
        opening=tuple(
            (day * _DAY_MIN + hours.opens_min, day * _DAY_MIN + hours.closes_min)
            for hours in zone.opening
            for day in sorted(hours.days)
        ),
    )


def _watched(registry: Registry, at: datetime) -> dict[str, DeviceId]:
    """Bay -> its sensor at that time."""
    bindings: list[Binding] = [one for some in registry.bindings_by_device.values() for one in some]
    return {binding.bay_id: binding.device_id for binding in bindings if binding.holds_at(at)}


def _in_service(bay: Bay, at: datetime) -> bool:
    started = bay.in_service_from is None or bay.in_service_from <= at
    return started and (bay.in_service_to is None or at < bay.in_service_to)


def _guess(registry: Registry, zone_id: ZoneId) -> Profile:
    """The rhythm of a zone that nobody described: by what most of its bays are for."""
    uses = Counter(
        registry.rules[rule_id].use
        for bay in registry.bays_by_zone.get(zone_id, ())
        for rule_id in bay.rule_ids[:1]
        if rule_id in registry.rules
    )
    most = uses.most_common(1)[0][0] if uses else None
    if most in {Use.RESIDENT, Use.SHARED}:
        return Profile.RESIDENTIAL
    return Profile.OFFICE if most is Use.PAY else Profile.SHOPPING


class _Timetables:
    """Who may use bays when, worked out once for all bays that are alike."""

    def __init__(self, registry: Registry, area: Area, at: datetime) -> None:
        self._registry = registry
        self._zone = ZoneInfo(area.time_zone)
        local = at.astimezone(self._zone)
        self._monday = (local - timedelta(days=local.weekday())).date()
        self._made: dict[tuple[tuple[str, ...], BayType], Timetable] = {}

    def of(self, bay: Bay) -> Timetable:
        key = (bay.rule_ids, bay.bay_type)
        if key not in self._made:
            self._made[key] = self._make(*key)
        return self._made[key]

    def _make(self, rule_ids: tuple[str, ...], bay_type: BayType) -> Timetable:
        rules = [self._registry.rules[rule_id] for rule_id in rule_ids if rule_id in self._registry.rules]
        turns = {0} | {minute % _DAY_MIN for rule in rules for minute in (rule.starts_min, rule.ends_min)}
        starts: list[int] = []
        admissions: list[Admission] = []
        for day in range(7):
            for minute in sorted(turns):
                access = access_of(self._registry, rule_ids, bay_type, self._instant(day, minute))
                admission = Admission(frozenset() if access.closed else access.admits, access.max_stay_min)
                if not admissions or admission != admissions[-1]:
                    starts.append(day * _DAY_MIN + minute)
                    admissions.append(admission)
        return Timetable(tuple(starts), tuple(admissions))

    def _instant(self, day: int, minute: int) -> datetime:
        date = self._monday + timedelta(days=day)
        local = datetime(date.year, date.month, date.day, minute // 60, minute % 60, tzinfo=self._zone)
        return local.astimezone(UTC)
