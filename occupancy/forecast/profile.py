"""What is usual for a zone at a time of the week: the occupied share by civil weekday and quarter of an hour.

The wall clock of the area decides (people park by it), so the hour that comes twice in autumn fills its
quarters twice, and the one that is skipped in spring fills none. A bank holiday counts as a Sunday.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from occupancy.calendar import civil_at, is_bank_holiday
from occupancy.model import Area, Calendar

HISTORY = timedelta(weeks=8)
"""How far back the cells of a profile reach."""
HALF_LIFE = timedelta(days=28)
"""A cell counts half as much as one four weeks younger: habits change slowly, and road works end."""
OBSERVED_SHARE = 0.5
"""A cell counts when at least this share of its open bay-seconds was observed."""
SLOTS_PER_DAY = 96
_SUNDAY = 6


class Basis(StrEnum):
    """Which cells stand behind a typical value, the most particular first."""

    WEEKDAY = "weekday"
    """The same quarter of an hour on the same day of the week."""
    DAY_CLASS = "day_class"
    """The same quarter of an hour on any Monday to Friday (Saturday and Sunday: on that day)."""
    HOUR = "hour"
    """The same hour on any day."""


CELLS_MIN = {Basis.WEEKDAY: 3, Basis.DAY_CLASS: 3, Basis.HOUR: 8}
"""Fewer cells say nothing about what is usual; an hour has four cells a day, so eight are two days."""


class Cell(NamedTuple):
    """Bay-seconds of one zone in the quarter of an hour from `at`, without those closed."""

    at: datetime
    free_s: float
    occupied_s: float
    unknown_s: float


@dataclass(frozen=True, slots=True)
class Typical:
    """The occupied share that is usual, its variance from day to day, and how many cells say so."""

    share: float
    variance: float
    cells: int
    basis: Basis


class Week:
    """The time of the week of an instant in one area; remembers what it was asked."""

    def __init__(self, area: Area, calendar: Calendar | None) -> None:
        self._area = area
        self._calendar = calendar
        self._sundays: dict[date, bool] = {}
        self._slots: dict[datetime, int] = {}

    def slot(self, at: datetime) -> int:
        """Return weekday * 96 + quarter of the day, Monday first."""
        found = self._slots.get(at)
        if found is None:
            if len(self._slots) > 20_000:  # some seven months of cells
                self._slots.clear()
            civil = civil_at(self._area.time_zone, at)
            weekday = _SUNDAY if self._is_holiday(civil.day) else civil.weekday
            found = self._slots[at] = weekday * SLOTS_PER_DAY + civil.minute // 15
        return found

    def _is_holiday(self, day: date) -> bool:
        if day not in self._sundays:
            self._sundays[day] = is_bank_holiday(self._area, self._calendar, day)
        return self._sundays[day]


@dataclass(slots=True)
class _Sums:
    cells: int = 0
    weight: float = 0.0
    first: float = 0.0
    second: float = 0.0

    def add(self, weight: float, share: float) -> None:
        self.cells += 1
        self.weight += weight
        self.first += weight * share
        self.second += weight * share * share

    def typical(self, basis: Basis) -> Typical | None:
        if self.cells < CELLS_MIN[basis]:
            return None
        mean = self.first / self.weight
        return Typical(mean, max(0.0, self.second / self.weight - mean * mean), self.cells, basis)


@dataclass(frozen=True, slots=True)
class Profile:
    """One zone's typical week. Made by `profile_of`."""

    week: Week
    found: dict[tuple[Basis, int], Typical] = field(default_factory=dict)

    def at(self, at: datetime) -> Typical | None:
        """Return what is usual at an instant; None: too little was seen to say."""
        slot = self.week.slot(at)
        for basis in Basis:
            typical = self.found.get((basis, _key(basis, slot)))
            if typical is not None:
                return typical
        return None


def profile_of(cells: Iterable[Cell], week: Week, now: datetime) -> Profile:
    """Return the profile of the cells before `now`, the younger ones weighing more."""
    sums: dict[tuple[Basis, int], _Sums] = {}
    for cell in cells:
        age = now - cell.at
        known = cell.free_s + cell.occupied_s
        if not timedelta() <= age <= HISTORY or known <= 0:
            continue
        if known < OBSERVED_SHARE * (known + cell.unknown_s):
            continue
        weight = 0.5 ** (age / HALF_LIFE)
        share = cell.occupied_s / known
        slot = week.slot(cell.at)
        for basis in Basis:
            key = (basis, _key(basis, slot))
            if key not in sums:
                sums[key] = _Sums()
            sums[key].add(weight, share)
    found = {key: each.typical(key[0]) for key, each in sums.items()}
    return Profile(week, {key: typical for key, typical in found.items() if typical is not None})


def _key(basis: Basis, slot: int) -> int:
    """Return the group of a time of the week."""
    weekday, quarter = divmod(slot, SLOTS_PER_DAY)
    if basis is Basis.WEEKDAY:
        return slot
    if basis is Basis.DAY_CLASS:
        return max(weekday, 4) * SLOTS_PER_DAY + quarter
    return quarter // 4
