"""Lengths of stays in whole minutes, each with how many there were of it: what a year of stays can be added up of."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from occupancy.history.definitions import HISTOGRAM_MIN

_MINUTE_US = 60_000_000


def whole_minutes(lasted_us: int) -> int:
    """A length in whole minutes, rounded half up."""
    return (lasted_us + _MINUTE_US // 2) // _MINUTE_US


@dataclass(frozen=True, slots=True)
class Lengths:
    """Of stays: their sum in seconds, and their minutes, each once and sorted, with how many stays each has."""

    sum_s: int
    minutes: Sequence[int]
    counts: Sequence[int]

    _upto: list[int] = field(init=False, compare=False, repr=False)
    """How many stays last no longer than each of the minutes."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_upto", list(accumulate(self.counts)))

    @property
    def stays(self) -> int:
        return self._upto[-1] if self._upto else 0

    def share(self, share: float) -> float:
        """Minutes that a share of the stays do not exceed, between two stays in proportion (as `percentile_cont`)."""
        upto = self._upto
        place = share * (upto[-1] - 1)
        below = int(place)
        low = self.minutes[bisect_right(upto, below)]
        if place == below:
            return low
        high = self.minutes[bisect_right(upto, below + 1)]
        return low + (high - low) * (place - below)

    def by_class(self) -> list[int]:
        """How many stays there are in each class of `HISTOGRAM_MIN`, and in the open one."""
        found = [0] * (len(HISTOGRAM_MIN) + 1)
        for minute, stays in zip(self.minutes, self.counts, strict=True):
            found[bisect_left(HISTOGRAM_MIN, minute)] += stays
        return found


NO_STAYS = Lengths(0, (), ())


def lengths_of(lasted_us: Collection[int]) -> Lengths:
    """Of single stays, by their microseconds."""
    if not lasted_us:
        return NO_STAYS
    by_minute = sorted(Counter(whole_minutes(us) for us in lasted_us).items())
    minutes, counts = zip(*by_minute, strict=True)
    return Lengths(sum(us // 1_000_000 for us in lasted_us), minutes, counts)


def added_up(parts: Iterable[Lengths]) -> Lengths:
    """All the stays of some parts."""
    parts = list(parts)
    if len(parts) == 1:
        return parts[0]
    stays: defaultdict[int, int] = defaultdict(int)
    for part in parts:
        for minute, count in zip(part.minutes, part.counts, strict=True):
            stays[minute] += count
    minutes = sorted(stays)
    return Lengths(sum(part.sum_s for part in parts), minutes, [stays[minute] for minute in minutes])
