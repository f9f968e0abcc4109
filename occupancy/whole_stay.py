"""Whether a driver may use a place for the whole of a stay, from arrival to departure (L12).

Pure. Rules, overrides, the calendar and opening hours are read for every minute of the stay, on the area's wall clock:
a bay whose rule changes meanwhile is usable only if the driver may stay there all along. A maximum stay counts as it
does for overstays (`limits`): within the hours of its rules only, and another limit from its own beginning. To leave
and come back is no part of one stay, so `no_return_min` of a rule keeps nobody out here; it is told in its words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import TypeVar

from occupancy.calendar import civil_at
from occupancy.car_park import scheduled_capacity
from occupancy.day_parts import cut_day, day_edges
from occupancy.limits import exemptions_of
from occupancy.model import Area, BayType, Override, OverrideKind, Rule, Terms, Zone
from occupancy.overrides import in_force
from occupancy.registry import Registry
from occupancy.rules import Access, access_of, admits, closing_of_zone, is_open, rules_in_force

_DAYS_KEPT = 20_000


class Fit(StrEnum):
    """Whether bays are for a driver, and if not, why not."""

    USABLE = "usable"
    NOT_FOR_YOU = "not_for_you"
    """Reserved for others, or not for so long."""
    CLOSED = "closed"
    SUSPENDED = "suspended"
    UNKNOWN = "unknown"
    """On what terms they are used is not known (L4)."""


@dataclass(frozen=True, slots=True)
class _Bays:
    """What holds for bays that are alike during [starts_at, ends_at)."""

    starts_at: datetime
    ends_at: datetime
    access: Access
    unlimited: frozenset[str]
    """Whom the limit does not bind."""


@dataclass(frozen=True, slots=True)
class _CarPark:
    """What holds for a car park during [starts_at, ends_at); `closed` None: it is open."""

    starts_at: datetime
    ends_at: datetime
    closed: Fit | None
    capacity: int


P = TypeVar("P", _Bays, _CarPark)
K = TypeVar("K")


class Timetable:
    """What is to come in one area by one state of its registry: make a new one when that changes."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._bays: dict[tuple[BayType, tuple[str, ...], tuple[str, ...], date], tuple[_Bays, ...]] = {}
        self._car_parks: dict[tuple[str, date], tuple[_CarPark, ...]] = {}

    def fit(
        self, bay_type: BayType, terms: Terms, driver: str, arrives_at: datetime, departs_at: datetime
    ) -> Fit:
        """Whether bays of these terms are for the driver from an instant up to another; else why not."""
        area = self.registry.area
        if area is None or not self._knows(terms):
            return Fit.UNKNOWN
        if terms.in_service_to is not None and departs_at > terms.in_service_to:
            return Fit.CLOSED
        limit_min, limited_from = None, arrives_at
        for part in _parts(
            area, arrives_at, departs_at, lambda day: self._bay_day(area, bay_type, terms, day)
        ):
            refusal = _refusal(part.access, driver)
            if refusal is not None:
                return refusal
            limit = None if driver in part.unlimited else part.access.max_stay_min
            if limit != limit_min:
                limit_min, limited_from = limit, max(part.starts_at, arrives_at)
            until = min(part.ends_at, departs_at)
            if limit is not None and until - limited_from > timedelta(minutes=limit):
                return Fit.NOT_FOR_YOU
        return Fit.USABLE

    def car_park(self, zone: Zone, arrives_at: datetime, departs_at: datetime) -> tuple[Fit, int]:
        """Whether a car park is open from an instant up to another, and the least that it holds in that time."""
        area = self.registry.area
        if area is None:
            return Fit.UNKNOWN, 0
        parts = list(_parts(area, arrives_at, departs_at, lambda day: self._car_park_day(area, zone, day)))
        closed = next((part.closed for part in parts if part.closed), None)
        return closed or Fit.USABLE, min(part.capacity for part in parts)

    def _knows(self, terms: Terms) -> bool:
        """Whether the registry has what the terms name: they may be of another moment of it."""
        rules, overrides = self.registry.rules.keys(), self.registry.overrides.keys()
        return rules >= set(terms.rule_ids) and overrides >= set(terms.override_ids)

    def _bay_day(self, area: Area, bay_type: BayType, terms: Terms, day: date) -> tuple[_Bays, ...]:
        key = (bay_type, terms.rule_ids, terms.override_ids, day)
        known = self._bays.get(key)
        if known is None:
            _bound(self._bays)
            known = self._bays[key] = tuple(self._cut(area, bay_type, terms, day))
        return known

    def _cut(self, area: Area, bay_type: BayType, terms: Terms, day: date) -> Iterator[_Bays]:
        registry = self.registry
        rules: list[Rule] = [registry.rules[rule_id] for rule_id in terms.rule_ids]
        overrides: list[Override] = [registry.overrides[override_id] for override_id in terms.override_ids]
        for start, end in pairwise(day_edges(area.time_zone, day, rules, overrides)):
            over = in_force(overrides, start)
            access = access_of(registry, terms.rule_ids, bay_type, start, over)
            holding = rules_in_force(registry, terms.rule_ids, start, over)
            yield _Bays(start, end, access, frozenset(exemptions_of(holding, bay_type)))

    def _car_park_day(self, area: Area, zone: Zone, day: date) -> tuple[_CarPark, ...]:
        known = self._car_parks.get((zone.zone_id, day))
        if known is None:
            _bound(self._car_parks)
            known = tuple(self._cut_car_park(area, zone, day))
            self._car_parks[zone.zone_id, day] = known
        return known

    def _cut_car_park(self, area: Area, zone: Zone, day: date) -> Iterator[_CarPark]:
        minutes = {minute for hours in zone.opening for minute in (hours.opens_min, hours.closes_min)}
        minutes |= {minute for hours in zone.capacity_hours for minute in (hours.starts_min, hours.ends_min)}
        over = self.registry.overrides.of_zone(zone.zone_id)
        instants = {at for override in over for at in (override.starts_at, override.until) if at}
        for start, end in pairwise(cut_day(area.time_zone, day, minutes, instants)):
            closing = closing_of_zone(self.registry, zone, start)
            closed = None if is_open(self.registry, zone, start) else Fit.CLOSED
            if closing is not None and closing.kind is OverrideKind.SUSPENSION:
                closed = Fit.SUSPENDED
            yield _CarPark(start, end, closed, scheduled_capacity(zone, area.time_zone, start))


@dataclass(frozen=True, slots=True)
class Visit:
    """When a driver comes and how long for: rules are asked for whole minutes, and the minute of the arrival counts.

    `stay_min` None: not said, so only the minute of the arrival is looked at.
    """

    timetable: Timetable
    arrives_at: datetime
    stay_min: int | None = None

    @property
    def starts_at(self) -> datetime:
        return self.arrives_at.replace(second=0, microsecond=0)

    @property
    def departs_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=1 if self.stay_min is None else self.stay_min)

    def fit(self, bay_type: BayType, terms: Terms, driver: str) -> Fit:
        return self.timetable.fit(bay_type, terms, driver, self.starts_at, self.departs_at)

    def car_park(self, zone: Zone) -> tuple[Fit, int]:
        return self.timetable.car_park(zone, self.starts_at, self.departs_at)


def _parts(
    area: Area, arrives_at: datetime, departs_at: datetime, of_day: Callable[[date], tuple[P, ...]]
) -> Iterator[P]:
    """What holds from an instant up to another, one after the other without a gap."""
    day = civil_at(area.time_zone, arrives_at).day
    last = civil_at(area.time_zone, departs_at).day
    while day <= last:
        for part in of_day(day):
            if part.ends_at > arrives_at and part.starts_at < departs_at:
                yield part
        day += timedelta(days=1)


def _refusal(access: Access, driver: str) -> Fit | None:
    if access.closed:
        return Fit.SUSPENDED if access.suspended else Fit.CLOSED
    return None if admits(access.admits, driver) else Fit.NOT_FOR_YOU


def _bound(kept: dict[K, tuple[P, ...]]) -> None:
    if len(kept) >= _DAYS_KEPT:
        kept.clear()
