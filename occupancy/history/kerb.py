"""What a bay is for over time: the use of its kerb, and whether a driver may stop there at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from occupancy.calendar import civil_at
from occupancy.day_parts import day_edges
from occupancy.model import Area, Bay, BayType, Override, Use
from occupancy.overrides import closing_of, in_force
from occupancy.registry import Registry
from occupancy.registry_problems import EXCLUSIVE_USES
from occupancy.rules import CLOSING_USES, GENERAL, access_of, rules_in_force

UNRESTRICTED = "unrestricted"
"""The use of a bay while no rule is in force there."""
UNCONTROLLED = frozenset({UNRESTRICTED, Use.FREE_PARKING.value})
"""Uses outside controlled hours: nobody pays, nothing limits the stay, nobody is kept out."""
_DAYS_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class KerbTime:
    """What a bay is for during [starts_at, ends_at)."""

    starts_at: datetime
    ends_at: datetime
    use: str
    """Of the rule in force that says most: one that keeps others out, else one that limits, else the first."""
    closed: bool
    admits: frozenset[str]
    """Drivers who may use it, as in `Access`."""


class Kerb:
    """What the bays of one area are for, by one state of its registry: make a new one when that changes."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._days: dict[
            tuple[tuple[str, ...], BayType, frozenset[Override], date], tuple[KerbTime, ...]
        ] = {}
        self._last: dict[tuple[tuple[str, ...], BayType, frozenset[Override]], KerbTime] = {}

    def at(self, bay: Bay, at: datetime) -> KerbTime | None:
        """What the bay is for at an instant; None without a registered area."""
        area = self._registry.area
        if area is None:
            return None
        alike = (bay.rule_ids, bay.bay_type, self._registry.overrides.of_bay(bay))
        last = self._last.get(alike)  # who asks goes along in time
        if last is None or not last.starts_at <= at < last.ends_at:
            day = self._day(area, bay, civil_at(area.time_zone, at).day)
            last = self._last[alike] = next(part for part in day if part.starts_at <= at < part.ends_at)
        return last

    def during(self, bay: Bay, start: datetime, end: datetime) -> Iterator[KerbTime]:
        """What the bay is for during [start, end), one after the other without a gap; nothing without an area."""
        area = self._registry.area
        if area is None:
            return
        day = civil_at(area.time_zone, start).day
        while True:
            for part in self._day(area, bay, day):
                if part.starts_at >= end:
                    return
                if part.ends_at > start:
                    lo, hi = max(part.starts_at, start), min(part.ends_at, end)
                    yield KerbTime(lo, hi, part.use, part.closed, part.admits)
            day += timedelta(days=1)

    def _day(self, area: Area, bay: Bay, day: date) -> tuple[KerbTime, ...]:
        key = (bay.rule_ids, bay.bay_type, self._registry.overrides.of_bay(bay), day)
        known = self._days.get(key)
        if known is None:
            if len(self._days) >= _DAYS_KEPT:
                self._days.clear()
            rules = [rule for rule_id in bay.rule_ids if (rule := self._registry.rules.get(rule_id))]
            edges = day_edges(area.time_zone, day, rules, key[2])
            known = self._days[key] = tuple(self._part(bay, key[2], *part) for part in pairwise(edges))
        return known

    def _part(self, bay: Bay, overrides: frozenset[Override], start: datetime, end: datetime) -> KerbTime:
        holding = in_force(overrides, start)
        access = access_of(self._registry, bay.rule_ids, bay.bay_type, start, holding)
        return KerbTime(start, end, self._use(bay, holding, start), access.closed, access.admits)

    def _use(self, bay: Bay, holding: tuple[Override, ...], at: datetime) -> str:
        if closing_of(holding):
            return Use.SUSPENDED.value
        rules = rules_in_force(self._registry, bay.rule_ids, at, holding)
        ranked = (
            next((rule for rule in rules if rule.use in CLOSING_USES), None)
            or next((rule for rule in rules if rule.use in EXCLUSIVE_USES), None)
            or min(
                (rule for rule in rules if rule.max_stay_min is not None),
                key=lambda rule: rule.max_stay_min or 0,
                default=None,
            )
            or next(iter(rules), None)
        )
        return UNRESTRICTED if ranked is None else ranked.use.value


def may_stop(part: KerbTime, bay_type: BayType | None) -> bool:
    """Whether the bay is open to the drivers that are asked about: general ones (None), or those of a physical type."""
    if part.closed:
        return False
    if bay_type is None or bay_type is BayType.STANDARD:
        return GENERAL in part.admits
    return bay_type.value in part.admits or GENERAL in part.admits
