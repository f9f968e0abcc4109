"""What is said of the zones of one area now: who may use which bays in this minute, and how many of them are free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from occupancy.availability import car_park_availability, closed_for_sure, in_service, street_availability
from occupancy.car_park import scheduled_capacity
from occupancy.counted import CountedParks
from occupancy.model import (
    Bay,
    BayId,
    BayState,
    BayType,
    Override,
    OverrideKind,
    Zone,
    ZoneAvailability,
    ZoneId,
    ZoneKind,
)
from occupancy.overrides import closing_of, in_force, not_ended
from occupancy.page import BEGINNING
from occupancy.registry import Registry
from occupancy.rules import Access, access_of, closing_of_zone, is_open, overrides_at


class ZoneAnswers:
    """The zones as they were last judged, by the minute of the watermark."""

    def __init__(self, registry: Registry, states: Mapping[BayId, BayState], counted: CountedParks) -> None:
        self.registry = registry
        self.said: dict[ZoneId, ZoneAvailability] = {}
        self._states = states
        self._counted = counted
        self._access: dict[tuple[tuple[str, ...], BayType, tuple[Override, ...]], Access] = {}
        self._access_of: dict[BayId, Access] = {}
        self._overrides: tuple[Override, ...] = ()
        """Those in force in the minute that is judged."""
        self._lasting: frozenset[str] = frozenset()
        """Those that had not ended in it: bays are told apart by them."""
        self._closed: dict[BayId, str] = {}
        """Why the closed bays are."""
        self._minute: datetime | None = None

    def load(self, said: Mapping[ZoneId, ZoneAvailability], watermark: datetime | None) -> None:
        """Take up where an earlier process stopped."""
        self.said = dict(said)
        if watermark is not None and self.registry.area is not None:
            self._minute = _minute(watermark)
            self.registry_changed()
            self._closed = self._closures()

    @property
    def known(self) -> bool:
        """Whether rules can be asked: not before the first watermark and the registered area."""
        return self._minute is not None and self.registry.area is not None

    def access(self, bay: Bay) -> Access:
        """Who may use the bay now. Asked once a minute for all bays that are alike."""
        found = self._access_of.get(bay.bay_id)
        if found is None:
            key = (bay.rule_ids, bay.bay_type, overrides_at(self.registry, bay, self._now))
            if key not in self._access:
                self._access[key] = self._asked(key)
            found = self._access_of[bay.bay_id] = self._access[key]
        return found

    def registry_changed(self) -> None:
        """Rules or overrides are others: forget who may use which bays."""
        self._access.clear()
        self._access_of.clear()
        if self._minute is not None:
            self._overrides = in_force(self.registry.overrides.values(), self._minute)
            self._lasting = not_ended(self.registry.overrides.values(), self._minute)

    def move(self, watermark: datetime) -> bool | None:
        """The watermark has moved. None: within the minute; else whether other rules may be in force in the new one."""
        if self._minute == _minute(watermark):
            return None
        self._minute = _minute(watermark)
        return self._ask_again()

    def by_the_clock(self) -> set[ZoneId]:
        """Zones whose answer another minute may change under the same rules: opening hours, bays that come or go."""
        bays = self.registry.bays.values()
        timed = {bay.zone_id for bay in bays if bay.in_service_from or bay.in_service_to}
        return timed | {zone.zone_id for zone in self.registry.zones.values() if zone.opening}

    def closures_changed(self) -> set[BayId]:
        """The bays that are closed, or open, or closed for another reason, since this was asked last."""
        if not self.known:
            return set()
        before, self._closed = self._closed, self._closures()
        return {bay_id for bay_id, _ in self._closed.items() ^ before.items()}

    def judge(self, zones: Iterable[ZoneId], watermark: datetime | None) -> dict[ZoneId, ZoneAvailability]:
        """Say what holds for some zones now; returns what differs from what was said."""
        changed: dict[ZoneId, ZoneAvailability] = {}
        if not self.known:
            return changed
        for zone_id in zones:
            zone = self.registry.zones.get(zone_id)
            if zone is None:
                continue
            availability = self._availability(zone, watermark)
            if availability != self.said.get(zone_id):
                self.said[zone_id] = changed[zone_id] = availability
        return changed

    def _availability(self, zone: Zone, watermark: datetime | None) -> ZoneAvailability:
        found = self._observed(zone, watermark)
        if found.counts.all_closed:
            return closed_for_sure(found, self._closed_from(zone))
        return found

    def _closed_from(self, zone: Zone) -> datetime | None:
        """When the last override began of those that close a zone now; None: its rules or hours do."""
        now, registry = self._now, self.registry
        if zone.kind is ZoneKind.CAR_PARK:
            closings = [closing_of_zone(registry, zone, now)]
        else:
            bays = [bay for bay in registry.bays_by_zone.get(zone.zone_id, ()) if in_service(bay, now)]
            closings = [closing_of(overrides_at(registry, bay, now)) for bay in bays]
        return max((closing.starts_at for closing in closings if closing), default=None)

    def _observed(self, zone: Zone, watermark: datetime | None) -> ZoneAvailability:
        now = self._now
        if zone.kind is ZoneKind.CAR_PARK:
            span, as_of = self._counted.span_now(zone.zone_id, watermark)
            area = self.registry.area
            capacity = scheduled_capacity(zone, area.time_zone if area else "UTC", now)
            closing = closing_of_zone(self.registry, zone, now)
            return car_park_availability(
                zone,
                span,
                as_of,
                is_open=is_open(self.registry, zone, now),
                suspended=closing is not None and closing.kind is OverrideKind.SUSPENSION,
                capacity=capacity,
            )
        bays = self.registry.bays_by_zone.get(zone.zone_id, ())
        return street_availability(zone, bays, self._states, self.access, now, self.registry.overrides)

    @property
    def _now(self) -> datetime:
        return self._minute or BEGINNING

    def _asked(self, key: tuple[tuple[str, ...], BayType, tuple[Override, ...]]) -> Access:
        rule_ids, bay_type, overrides = key
        return access_of(self.registry, rule_ids, bay_type, self._now, overrides)

    def _ask_again(self) -> bool:
        """Ask who may use which bays in the new minute; whether anything is another than in the last one."""
        if not self.known:
            return True
        overrides = in_force(self.registry.overrides.values(), self._now)
        lasting = not_ended(self.registry.overrides.values(), self._now)
        fresh = {key: self._asked(key) for key in self._access} if overrides == self._overrides else {}
        if fresh == self._access and self._access and lasting == self._lasting:
            return False
        self._access, self._overrides, self._lasting = fresh, overrides, lasting
        self._access_of.clear()
        return True

    def _closures(self) -> dict[BayId, str]:
        return {
            bay_id: access.closed_by
            for bay_id, bay in self.registry.bays.items()
            if (access := self.access(bay)).closed
        }


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
