"""How long a vehicle may stay: the limit in force for a general driver, and when it runs out for a stay.

Pure. A limit counts within the hours of its rules only: a stay that began before them counts from their beginning, and
where no limit is in force none runs out. Another limit counts from its own beginning. Bays that are alike share the
answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from occupancy.calendar import civil_at
from occupancy.day_parts import day_edges
from occupancy.model import Area, Bay, BayType, Override, Rule, Use
from occupancy.overrides import closing_of, in_force
from occupancy.registry import Registry
from occupancy.rule_versions import version_of
from occupancy.rules import rules_in_force

LOOKED_AT = timedelta(days=8)
"""How long after an arrival a limit is looked for: every weekday, and one more. A longer stay is no visit."""
_DAYS_KEPT = 20_000
_BADGE_HOLDERS_EXEMPT = frozenset({Use.PAY, Use.LIMITED_WAITING, Use.SHARED, Use.FREE_PARKING})
"""Uses of which a Blue Badge lifts the limit unless a sign says otherwise."""


@dataclass(frozen=True, slots=True)
class InForce:
    """What binds a general driver during [starts_at, ends_at); `limit_min` None: no limit."""

    starts_at: datetime
    ends_at: datetime
    rule: Rule | None
    """The one that limits; without a limit the one that closes, else the first."""
    limit_min: int | None
    exemptions: tuple[str, ...]

    @property
    def rule_id(self) -> str | None:
        return None if self.rule is None else self.rule.rule_id

    @property
    def rule_version(self) -> str | None:
        return None if self.rule is None else version_of(self.rule)


@dataclass(frozen=True, slots=True)
class RunsOut:
    """When limit and grace have run out for a stay, and until when the limit applies (None: beyond `LOOKED_AT`)."""

    limit: InForce
    over_from: datetime
    candidate_at: datetime
    over_to: datetime | None


class Limits:
    """The limits of one area by one state of its registry: make a new one when that changes."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._days: dict[tuple[tuple[str, ...], BayType, frozenset[Override], date], tuple[InForce, ...]] = {}
        self._last: dict[tuple[tuple[str, ...], BayType, frozenset[Override]], InForce] = {}
        self._have_limits: dict[tuple[str, ...], bool] = {}

    def at(self, bay: Bay, at: datetime) -> InForce | None:
        """What binds a general driver at the instant; None without a registered area."""
        area = self._registry.area
        if area is None:
            return None
        alike = (bay.rule_ids, bay.bay_type, self._registry.overrides.of_bay(bay))
        last = self._last.get(alike)  # who asks goes along in time
        if last is None or not last.starts_at <= at < last.ends_at:
            day = self._day(area, bay, civil_at(area.time_zone, at).day)
            last = self._last[alike] = next(part for part in day if part.starts_at <= at < part.ends_at)
        return last

    def runs_out(self, bay: Bay, arrived_at: datetime) -> RunsOut | None:
        """When a stay that began then exceeds a limit by more than the area's grace, if it lasts; None: never."""
        area = self._registry.area
        if area is None or not self._limited(bay):
            return None
        grace = timedelta(minutes=area.overstay_grace_min)
        found: RunsOut | None = None
        counted: InForce | None = None
        counted_from = arrived_at
        for part in self._parts(area, bay, arrived_at):
            if counted is None or part.limit_min != counted.limit_min:
                if found is not None:
                    return RunsOut(found.limit, found.over_from, found.candidate_at, part.starts_at)
                counted, counted_from = part, max(part.starts_at, arrived_at)
            if counted.limit_min is None or found is not None:
                continue
            over_from = counted_from + timedelta(minutes=counted.limit_min)
            if over_from + grace < part.ends_at:
                found = RunsOut(counted, over_from, over_from + grace, None)
        return found

    def _limited(self, bay: Bay) -> bool:
        found = self._have_limits.get(bay.rule_ids)
        if found is None:
            rules = (self._registry.rules.get(rule_id) for rule_id in bay.rule_ids)
            found = any(rule is not None and rule.max_stay_min is not None for rule in rules)
            self._have_limits[bay.rule_ids] = found
        return found

    def _parts(self, area: Area, bay: Bay, arrived_at: datetime) -> Iterator[InForce]:
        """What is in force from the arrival on, one after the other without a gap."""
        day = civil_at(area.time_zone, arrived_at).day
        looked_to = arrived_at + LOOKED_AT
        while (parts := self._day(area, bay, day))[0].starts_at <= looked_to:
            yield from (part for part in parts if part.ends_at > arrived_at)
            day += timedelta(days=1)

    def _day(self, area: Area, bay: Bay, day: date) -> tuple[InForce, ...]:
        key = (bay.rule_ids, bay.bay_type, self._registry.overrides.of_bay(bay), day)
        known = self._days.get(key)
        if known is None:
            if len(self._days) >= _DAYS_KEPT:
                self._days.clear()
            known = self._days[key] = self._cut(area, bay, key[2], day)
        return known

    def _cut(self, area: Area, bay: Bay, overrides: frozenset[Override], day: date) -> tuple[InForce, ...]:
        rules = [rule for rule_id in bay.rule_ids if (rule := self._registry.rules.get(rule_id))]
        edges = day_edges(area.time_zone, day, rules, overrides)
        return tuple(self._in_force(bay, overrides, part) for part in pairwise(edges))

    def _in_force(self, bay: Bay, overrides: frozenset[Override], part: tuple[datetime, datetime]) -> InForce:
        holding = in_force(overrides, part[0])
        if closing_of(holding) or any(rule_id not in self._registry.rules for rule_id in bay.rule_ids):
            return InForce(*part, None, None, ())
        rules = rules_in_force(self._registry, bay.rule_ids, part[0], holding)
        closed = next((rule for rule in rules if rule.use in (Use.SUSPENDED, Use.NO_PARKING)), None)
        limiting = {
            (rule.max_stay_min, rule.rule_id): rule for rule in rules if rule.max_stay_min is not None
        }
        if closed is not None or not limiting:
            return InForce(*part, closed or next(iter(rules), None), None, ())
        limit_min, _ = shortest = min(limiting)
        return InForce(*part, limiting[shortest], limit_min, exemptions_of(rules, bay.bay_type))


def exemptions_of(rules: Iterable[Rule], bay_type: BayType) -> tuple[str, ...]:
    """Whom the limits of rules in force may not bind, as driver tokens."""
    found: set[str] = set()
    for rule in rules:
        found.update(rule.exemptions)
        if rule.use in (Use.SHARED, Use.RESIDENT):
            found.update(f"permit:{code}" for code in rule.permit_areas)
        if rule.use in _BADGE_HOLDERS_EXEMPT and bay_type is BayType.STANDARD:
            found.add("blue_badge")
    return tuple(sorted(found))
