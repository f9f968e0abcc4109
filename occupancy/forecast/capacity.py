"""How many bays a driver may use at an instant to come, by the rules, hours and overrides in force then (L12)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from occupancy.availability import car_park_availability, street_availability
from occupancy.car_park import scheduled_capacity
from occupancy.drivers import ANYBODY, Asker, usable_by
from occupancy.forecast.issue import Place
from occupancy.forecast.kinds import Kind
from occupancy.forecast.places import kind_of_terms
from occupancy.forecast.prior import usual_share
from occupancy.forecast.profile import Week
from occupancy.forecast.usual import NOTHING_KNOWN
from occupancy.model import Bay, BayType, Group, Override, Zone, ZoneAvailability, ZoneId, ZoneKind
from occupancy.rules import Access, access_of, is_open, overrides_at
from occupancy.whole_stay import Timetable, Visit


@dataclass(frozen=True, slots=True)
class CapacityAt:
    """Bays in service at an instant: `usable` for the driver, `opened` for anybody."""

    usable: int
    opened: int
    closed: bool
    """Every bay is closed, by its rules or by the car park's hours."""
    by_place: Mapping[Place, int] = field(default_factory=dict)
    """Those usable for the driver, of each place that has any."""


class RulesAt:
    """One area's rules at one instant; bays that are alike are looked up once."""

    def __init__(self, timetable: Timetable, at: datetime) -> None:
        self._timetable = timetable
        self._registry = timetable.registry
        self._at = at
        self._known: dict[tuple[tuple[str, ...], BayType, tuple[Override, ...]], Access] = {}
        self._zones: dict[ZoneId, ZoneAvailability] = {}
        self._prior: dict[Kind, float] = {}

    def capacity(self, zone: Zone, asker: Asker = ANYBODY, stay_min: int | None = None) -> CapacityAt:
        """Return what may be used of the zone for the whole of a stay from then on; judged as the live answer is."""
        known = self._zones.get(zone.zone_id)
        if known is None:
            known = self._zones[zone.zone_id] = self._nothing_seen(zone)
        counts = known.counts
        own = usable_by(zone, known, asker, Visit(self._timetable, self._at, stay_min))
        return CapacityAt(
            usable=own.counts.capacity - own.counts.closed,
            opened=counts.capacity - counts.closed,
            closed=counts.closed == counts.capacity > 0,
            by_place=_by_place(zone, own.groups),
        )

    def prior_share(self, zone: Zone, capacity: CapacityAt) -> float:
        """Return how much is usually taken then of bays that are for the same, somewhere else."""
        taken = sum(
            bays * self._prior_of(self._kind(zone, place)) for place, bays in capacity.by_place.items()
        )
        return taken / sum(capacity.by_place.values()) if capacity.by_place else NOTHING_KNOWN

    def _kind(self, zone: Zone, place: Place) -> Kind:
        if zone.kind is ZoneKind.CAR_PARK:
            return Kind.CAR_PARK
        return kind_of_terms(self._registry, place.bay_type, place.rule_ids)

    def _prior_of(self, kind: Kind) -> float:
        area = self._registry.area
        if kind not in self._prior and area is not None:
            self._prior[kind] = usual_share(kind, Week(area, self._registry.calendar), self._at)
        return self._prior.get(kind, NOTHING_KNOWN)

    def _nothing_seen(self, zone: Zone) -> ZoneAvailability:
        if zone.kind is ZoneKind.CAR_PARK:
            area = self._registry.area
            return car_park_availability(
                zone,
                None,
                None,
                is_open=is_open(self._registry, zone, self._at),
                capacity=scheduled_capacity(zone, area.time_zone if area else "UTC", self._at),
            )
        bays = self._registry.bays_by_zone.get(zone.zone_id, ())
        return street_availability(zone, bays, {}, self._access, self._at, self._registry.overrides)

    def _access(self, bay: Bay) -> Access:
        key = (bay.rule_ids, bay.bay_type, overrides_at(self._registry, bay, self._at))
        if key not in self._known:
            self._known[key] = access_of(self._registry, bay.rule_ids, bay.bay_type, self._at, key[2])
        return self._known[key]


def _by_place(zone: Zone, groups: Iterable[Group]) -> dict[Place, int]:
    found: dict[Place, int] = {}
    for group in groups:
        bays = group.counts.capacity - group.counts.closed
        if bays:
            place = Place(zone.zone_id)
            if zone.kind is not ZoneKind.CAR_PARK:
                terms = () if group.terms is None else group.terms.rule_ids
                place = Place(zone.zone_id, group.bay_type, terms)
            found[place] = found.get(place, 0) + bays
    return found
