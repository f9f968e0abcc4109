"""Figures from sums of hours, by the formulas of `definitions`; where too little is known there is none, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import NamedTuple

from occupancy.history.definitions import Needs, Report, of_report
from occupancy.history.lengths import Lengths, added_up

_MINUTE_US = 60_000_000
_HOUR_US = 3_600_000_000
SMALL = 3
"""Counts of vehicles up to this are shown to nobody without the right to personal data."""


class Sums(NamedTuple):
    """One period of one series: sums over its hours, as in `HourRow`. `hours`: those of it that were asked for."""

    hours: float
    in_service_us: int
    free_us: int
    occupied_us: int
    closed_us: int
    usable_us: int = 0
    some_free_us: int = 0
    all_taken_us: int = 0
    peak_us: int | None = None
    """Bay-microseconds occupied in the fullest five minutes."""
    arrivals: int = 0
    departures: int = 0
    censored: int = 0
    over_candidates: int = 0
    over_confirmed: int = 0
    over_s: int = 0
    lengths: Lengths | None = None
    """Of the stays that ended in the period with both ends known; None: there are none, or they were not asked for."""

    @property
    def stays(self) -> int:
        return 0 if self.lengths is None else self.lengths.stays

    @property
    def observed_us(self) -> int:
        return self.free_us + self.occupied_us

    @property
    def coverage(self) -> float | None:
        """Share of the bay time in service and open that was observed; None: there was none."""
        return _share(self.observed_us, self.in_service_us - self.closed_us)

    @property
    def watched(self) -> float | None:
        """Share of the time in which some bay was open and it is known whether one was free; None: there was none."""
        return _share(self.some_free_us + self.all_taken_us, self.usable_us)


def together(parts: Iterable[Sums]) -> Sums:
    """The sums over several periods of one series."""
    parts = tuple(parts)
    peaks = [part.peak_us for part in parts if part.peak_us is not None]
    lengths = [part.lengths for part in parts if part.lengths is not None]
    return Sums(
        hours=sum(part.hours for part in parts),
        in_service_us=sum(part.in_service_us for part in parts),
        free_us=sum(part.free_us for part in parts),
        occupied_us=sum(part.occupied_us for part in parts),
        closed_us=sum(part.closed_us for part in parts),
        usable_us=sum(part.usable_us for part in parts),
        some_free_us=sum(part.some_free_us for part in parts),
        all_taken_us=sum(part.all_taken_us for part in parts),
        arrivals=sum(part.arrivals for part in parts),
        departures=sum(part.departures for part in parts),
        censored=sum(part.censored for part in parts),
        over_candidates=sum(part.over_candidates for part in parts),
        over_confirmed=sum(part.over_confirmed for part in parts),
        over_s=sum(part.over_s for part in parts),
        peak_us=max(peaks, default=None),
        lengths=added_up(lengths) if lengths else None,
    )


class Figure(NamedTuple):
    """A number, or why there is none: `coverage`, `few`, or `none` where nothing happened that it could be made of."""

    value: float | int | None
    missing: str | None = None


def figures(report: Report, sums: Sums, *, least_coverage: float, personal: bool) -> dict[str, Figure]:
    """The figures of a report for one period, by name. `personal`: small counts of vehicles are given, too."""
    coverage, watched = sums.coverage, sums.watched
    enough = {
        Needs.NOTHING: True,
        Needs.COVERAGE: coverage is not None and coverage >= least_coverage,
        Needs.WATCHED: watched is not None and watched >= least_coverage,
    }
    found: dict[str, Figure] = {}
    for name, needs, value_of, vehicles in _recipe(
        report
    ):  # for each row of a year: hence no call more than it takes
        if not enough[needs]:
            found[name] = _UNOBSERVED
        elif vehicles is not None and not personal and 0 < vehicles(sums) <= SMALL:
            found[name] = _FEW
        else:
            value = value_of(sums)
            found[name] = _NOTHING if value is None else Figure(value)
    return found


_Value = Callable[[Sums], float | int | None]
_UNOBSERVED, _FEW, _NOTHING = Figure(None, "coverage"), Figure(None, "few"), Figure(None, "none")
_VEHICLES: dict[str, Callable[[Sums], int]] = {
    "arrivals": lambda sums: sums.arrivals,
    "turnover": lambda sums: sums.arrivals,
    "arrivals_per_hour": lambda sums: sums.arrivals,
    "departures": lambda sums: sums.departures,
    "censored_stays": lambda sums: sums.censored,
    "overstay_candidates": lambda sums: sums.over_candidates,
    "over_min": lambda sums: sums.over_candidates,
    "overstays_confirmed": lambda sums: sums.over_confirmed,
}
"""How many vehicles a figure is made of; any other is made of the stays."""
_VALUES: dict[str, _Value] = {
    "in_service_min": lambda sums: sums.in_service_us / _MINUTE_US,
    "occupied_min": lambda sums: sums.occupied_us / _MINUTE_US,
    "free_min": lambda sums: sums.free_us / _MINUTE_US,
    "unknown_min": lambda sums: (sums.in_service_us - sums.observed_us - sums.closed_us) / _MINUTE_US,
    "closed_min": lambda sums: sums.closed_us / _MINUTE_US,
    "occupancy_pct": lambda sums: _percent(sums.occupied_us, sums.observed_us),
    "peak_occupied": lambda sums: None if sums.peak_us is None else sums.peak_us / (5 * _MINUTE_US),
    "some_free_pct": lambda sums: _percent(sums.some_free_us, sums.some_free_us + sums.all_taken_us),
    "full_min": lambda sums: sums.all_taken_us / _MINUTE_US,
    "arrivals": lambda sums: sums.arrivals,
    "departures": lambda sums: sums.departures,
    "turnover": lambda sums: _share(sums.arrivals * _HOUR_US, sums.observed_us),
    "arrivals_per_hour": lambda sums: _share(sums.arrivals, sums.hours),
    "stays": lambda sums: sums.stays,
    "censored_stays": lambda sums: sums.censored,
    "mean_stay_min": lambda sums: None if sums.lengths is None else sums.lengths.sum_s / sums.stays / 60,
    "median_stay_min": lambda sums: None if sums.lengths is None else sums.lengths.share(0.5),
    "p85_stay_min": lambda sums: None if sums.lengths is None else sums.lengths.share(0.85),
    "p95_stay_min": lambda sums: None if sums.lengths is None else sums.lengths.share(0.95),
    "overstay_candidates": lambda sums: sums.over_candidates,
    "overstays_confirmed": lambda sums: sums.over_confirmed,
    "over_min": lambda sums: sums.over_s / 60,
}


@cache
def _recipe(report: Report) -> tuple[tuple[str, Needs, _Value, Callable[[Sums], int] | None], ...]:
    """Name, needs and formula of each figure, and how many vehicles it is made of; None: it does not count any."""
    return tuple(
        (
            one.name,
            one.needs,
            _VALUES[one.name],
            _VEHICLES.get(one.name, lambda sums: sums.stays) if one.people else None,
        )
        for one in of_report(report)
    )


def histogram(sums: Sums, *, personal: bool) -> list[int | None] | None:
    """How many stays there were in each class of `HISTOGRAM_MIN`; without `personal`, None where it is `withheld`."""
    if sums.lengths is None:
        return None
    counts = sums.lengths.by_class()
    hidden = frozenset() if personal else withheld(counts)
    return [None if n in hidden else count for n, count in enumerate(counts)]


def withheld(counts: Sequence[int]) -> frozenset[int]:
    """Which of several counts, by number, are not told to those who may know their sum: small ones, and the least of
    the others, by which the small ones could be worked out. Which of them is which must not be told, either."""
    small = {n for n, count in enumerate(counts) if 0 < count <= SMALL}
    larger = [count for count in counts if count > SMALL]
    whole = sum(counts)
    if small and larger:
        small |= {n for n, count in enumerate(counts) if count == min(larger)}
    elif len(small) > 1 and whole in (len(small), SMALL * len(small)):
        return frozenset(range(len(counts)))  # all of them are 1, or all are the most that is small
    return frozenset(small)


def _percent(part: int, whole: int) -> float | None:
    share = _share(part, whole)
    return None if share is None else 100 * share


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
