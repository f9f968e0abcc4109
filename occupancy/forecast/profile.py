"""What is usual for a zone at a time of the week: the occupied share by civil weekday and quarter of an hour.

The wall clock of the area decides (people park by it), so the hour that comes twice in autumn fills its
quarters twice, and the one that is skipped in spring fills none. A bank holiday counts as a Sunday.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from occupancy.calendar import civil_at, is_bank_holiday
from occupancy.cells import floor_cell
from occupancy.forecast.declared_days import DeclaredDay, declared_day
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


_BASES = tuple(Basis)


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
    """The time of the week of a cell in one area; remembers what it was asked."""

    def __init__(self, area: Area, calendar: Calendar | None) -> None:
        self._area = area
        self._calendar = calendar
        self._sundays: dict[date, bool] = {}
        self._slots: dict[datetime, int] = {}
        self._declared: dict[date, DeclaredDay] = {}

    def slot(self, at: datetime) -> int:
        """For the cell from `at`, return weekday * 96 + quarter of the day, Monday first."""
        found = self._slots.get(at)
        if found is None:
            if len(self._slots) > 20_000:  # some seven months of cells
                self._slots.clear()
            civil = civil_at(self._area.time_zone, at)
            weekday = _SUNDAY if self._is_holiday(civil.day) else civil.weekday
            found = self._slots[at] = weekday * SLOTS_PER_DAY + civil.minute // 15
        return found

    def declared(self, at: datetime) -> DeclaredDay:
        """What the calendar declares of the civil day of an instant."""
        day = civil_at(self._area.time_zone, at).day
        if day not in self._declared:
            self._declared[day] = declared_day(self._calendar, day)
        return self._declared[day]

    def _is_holiday(self, day: date) -> bool:
        if day not in self._sundays:
            self._sundays[day] = is_bank_holiday(self._area, self._calendar, day)
        return self._sundays[day]


class Profile:
    """One zone's typical week, packed: there is one for every zone. Made by `profile_of`."""

    __slots__ = ("_bases", "_cells", "_shares", "_variances", "_week")

    def __init__(self, week: Week, slots: Iterable[Typical | None]) -> None:
        """`slots` are those of a whole week, in order."""
        self._week = week
        self._shares, self._variances = array("f"), array("f")
        self._cells, self._bases = array("H"), bytearray()
        for typical in slots:
            self._shares.append(0.0 if typical is None else typical.share)
            self._variances.append(0.0 if typical is None else typical.variance)
            self._cells.append(0 if typical is None else typical.cells)
            self._bases.append(0 if typical is None else _BASES.index(typical.basis))

    def at(self, at: datetime) -> Typical | None:
        """Return what is usual at an instant; None: too little was seen to say."""
        slot = self._week.slot(floor_cell(at))
        cells = self._cells[slot]
        if not cells:
            return None
        return Typical(self._shares[slot], self._variances[slot], cells, _BASES[self._bases[slot]])


def profile_of(cells: Iterable[Cell], week: Week, now: datetime) -> Profile:
    """Return the profile of the cells before `now`, the younger ones weighing more."""
    sums: dict[int, _Sums] = {}
    reach_s, half_life_s = HISTORY.total_seconds(), HALF_LIFE.total_seconds()
    for at, free_s, occupied_s, unknown_s in cells:
        age_s = (now - at).total_seconds()
        known_s = free_s + occupied_s
        if known_s <= 0 or known_s < OBSERVED_SHARE * (known_s + unknown_s) or not 0 <= age_s <= reach_s:
            continue
        weight, share, slot = 0.5 ** (age_s / half_life_s), occupied_s / known_s, week.slot(at)
        mine = sums.get(slot)
        if mine is None:
            mine = sums[slot] = _Sums()
        mine.cells += 1
        mine.weight += weight
        mine.first += weight * share
        mine.second += weight * share * share
    grouped: dict[tuple[Basis, int], _Sums] = {}
    for slot, mine in sums.items():
        for basis in _BASES:
            grouped.setdefault((basis, _key(basis, slot)), _Sums()).add(mine)
    known = {key: each.typical(key[0]) for key, each in grouped.items()}
    return Profile(
        week,
        (
            next(filter(None, (known.get((basis, _key(basis, slot))) for basis in _BASES)), None)
            for slot in range(7 * SLOTS_PER_DAY)
        ),
    )


@dataclass(slots=True)
class _Sums:
    """Of shares by weight."""

    cells: int = 0
    weight: float = 0.0
    first: float = 0.0
    second: float = 0.0

    def add(self, other: _Sums) -> None:
        self.cells += other.cells
        self.weight += other.weight
        self.first += other.first
        self.second += other.second

    def typical(self, basis: Basis) -> Typical | None:
        if self.cells < CELLS_MIN[basis]:
            return None
        mean = self.first / self.weight
        return Typical(mean, max(0.0, self.second / self.weight - mean * mean), self.cells, basis)


def _key(basis: Basis, slot: int) -> int:
    """Return the group of a time of the week."""
    if basis is Basis.WEEKDAY:
        return slot
    weekday, quarter = divmod(slot, SLOTS_PER_DAY)
    return max(weekday, 4) * SLOTS_PER_DAY + quarter if basis is Basis.DAY_CLASS else quarter // 4
