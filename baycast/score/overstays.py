"""Overstays: which true stays were longer than the limit in force, and what a contestant said of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from baycast.score.decoding import instant
from occupancy.model import Bay, BayType
from occupancy.registry import Registry
from occupancy.rules import access_of, rules_in_force
from simulator.sensor_eye import Episode

_QUARTER_MS = 900_000
_MINUTE_MS = 60_000
GRACE_MS = 10 * _MINUTE_MS
"""A stay that is over by less need not be found."""


class Limit(NamedTuple):
    """One limit in force during [start_ms, end_ms), and the drivers it does not bind."""

    start_ms: int
    end_ms: int
    limit_min: int
    free_of_it: frozenset[str]


class Claim(NamedTuple):
    """A contestant says: whoever came at `arrived_ms` had stayed too long at `confirmed_ms`."""

    arrived_ms: int
    confirmed_ms: int
    exemption_possible: bool


class Vehicle(NamedTuple):
    arrived_ms: int
    departed_ms: int
    driver: str


class Limits:
    """The limits of every kind of bay over a run, read from the rules once a quarter hour."""

    def __init__(self, registry: Registry, start_ms: int, end_ms: int) -> None:
        self._registry = registry
        self._quarters = range(start_ms // _QUARTER_MS * _QUARTER_MS, end_ms, _QUARTER_MS)
        self._known: dict[tuple[tuple[str, ...], BayType], list[Limit]] = {}

    def of(self, bay: Bay) -> list[Limit]:
        key = (bay.rule_ids, bay.bay_type)
        if key not in self._known:
            self._known[key] = self._read(*key)
        return self._known[key]

    def _read(self, rule_ids: tuple[str, ...], bay_type: BayType) -> list[Limit]:
        found: list[Limit] = []
        for at_ms in self._quarters:
            at = instant(at_ms)
            access = access_of(self._registry, rule_ids, bay_type, at)
            if access.max_stay_min is None:
                continue
            rules = rules_in_force(self._registry, rule_ids, at)
            exempt = frozenset(one for rule in rules for one in rule.exemptions)
            permits = frozenset(one for one in access.admits if one.startswith("permit:"))
            until_ms = at_ms + _QUARTER_MS
            fresh = Limit(at_ms, until_ms, access.max_stay_min, exempt | permits)
            if found and found[-1].end_ms == at_ms and found[-1][2:] == fresh[2:]:
                found[-1] = found[-1]._replace(end_ms=until_ms)
            else:
                found.append(fresh)
        return found


def over_at(limits: Iterable[Limit], start_ms: int, end_ms: int) -> tuple[int, Limit] | None:
    """When a stay became too long, and by which limit; None: it never did. Time outside the hours does not count."""
    for limit in limits:
        begins = max(start_ms, limit.start_ms)
        too_long = begins + limit.limit_min * _MINUTE_MS
        if too_long < min(end_ms, limit.end_ms):
            return too_long, limit
    return None


class OverstayMatch:
    """One contestant's rows against the truth, bay by bay."""

    def __init__(self) -> None:
        self._claims = self._right = self._true = self._found = self._no_limit = 0
        self._wrong: Counter[str] = Counter()

    def bay(
        self,
        limits: Sequence[Limit],
        vehicles: Sequence[Vehicle],
        claims: Sequence[Claim],
        misled: Sequence[Episode] = (),
    ) -> None:
        """A claim is right when the vehicle there had stayed too long by then; of an exempt one it must say that an
        exemption is possible. Vehicles that nobody can hold to the limit need not be found. `misled` is why the
        contestant may be wrong, and when."""
        hit: set[int] = set()
        for claim in claims:
            self._claims += 1
            found = _over_by(claim, limits, vehicles)
            if found is None:
                self._wrong[_cause(claim, misled)] += 1
            else:
                self._right += 1
                hit.add(found)
        for n, vehicle in enumerate(vehicles):
            over = over_at(limits, vehicle.arrived_ms, vehicle.departed_ms)
            if over and vehicle.departed_ms > over[0] + GRACE_MS and vehicle.driver not in over[1].free_of_it:
                self._true += 1
                self._found += n in hit

    def rows(self, limits: Sequence[Limit], over_from_ms: Sequence[int]) -> None:
        """Rows of any kind, published or not, by when they say that the limit ran out: there must have been one."""
        self._no_limit += sum(not _in_force(limits, at_ms) for at_ms in over_from_ms)

    def figures(self) -> dict[str, float | None]:
        return {
            "overstay_precision": self._right / self._claims if self._claims else None,
            "overstay_recall": self._found / self._true if self._true else None,
            "overstays_without_limit": self._no_limit,
        }

    def causes(self) -> dict[str, float]:
        """The share of wrong claims by what lay behind them, the largest first."""
        return {why: wrong / self._claims for why, wrong in self._wrong.most_common()}


def _over_by(claim: Claim, limits: Sequence[Limit], vehicles: Sequence[Vehicle]) -> int | None:
    """Which vehicle the claim is right about; None: it is wrong."""
    if not _in_force(limits, claim.confirmed_ms):
        return None
    there = [
        (n, vehicle)
        for n, vehicle in enumerate(vehicles)
        if vehicle.arrived_ms <= claim.confirmed_ms and vehicle.departed_ms > claim.arrived_ms
    ]
    if not there:
        return None
    n, vehicle = there[-1]
    over = over_at(limits, vehicle.arrived_ms, vehicle.departed_ms)
    if over is None or over[0] > claim.confirmed_ms:
        return None
    return None if vehicle.driver in over[1].free_of_it and not claim.exemption_possible else n


def _cause(claim: Claim, misled: Sequence[Episode]) -> str:
    """What misled the contestant the longest during the stay that it claims."""
    shared = Counter[str]()
    for episode in misled:
        lasted_ms = min(claim.confirmed_ms, episode.end_ms) - max(claim.arrived_ms, episode.start_ms)
        if lasted_ms > 0:
            shared[str(episode.why)] += lasted_ms
    return max(shared, key=shared.__getitem__, default="other")


def _in_force(limits: Sequence[Limit], at_ms: int) -> bool:
    return any(limit.start_ms <= at_ms <= limit.end_ms for limit in limits)
