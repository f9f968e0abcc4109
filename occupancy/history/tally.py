"""Sums up the hours of one series over a run of whole hours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from occupancy.bay_time import BayTime, Watch
from occupancy.history.hour import HOUR, HOUR_US, SLOT_US, SLOTS, Dim, HourRow, Series, Slots
from occupancy.history.lengths import lengths_of

_SECOND = 1_000_000


class Tally:
    """The hours of one series from `start` on. Times are microseconds since `start`."""

    def __init__(self, series: Series, start: datetime, hours: int, *, with_slots: bool) -> None:
        self.series, self.start, self.hours = series, start, hours
        self._slots = SLOTS if with_slots else 1
        cell_us = SLOT_US if with_slots else HOUR_US
        self._cell_us = cell_us
        cells = hours * self._slots
        self.in_service, self.closed = BayTime(cells, cell_us), BayTime(cells, cell_us)
        self.free, self.occupied = BayTime(cells, cell_us), BayTime(cells, cell_us)
        self.watch = Watch()
        self._arrivals, self._departures = [0] * cells, [0] * cells
        self._stays: list[list[int]] = [[] for _ in range(hours)]
        self._censored = [0] * hours
        self._over: list[list[int]] = [[0, 0, 0] for _ in range(hours)]

    @property
    def end_us(self) -> int:
        return self.hours * HOUR_US

    def arrived(self, at: int, vehicles: int = 1) -> None:
        """Vehicles that came; what lies outside the hours is none of theirs."""
        if 0 <= at < self.end_us:
            self._arrivals[at // self._cell_us] += vehicles

    def departed(self, at: int, vehicles: int = 1) -> None:
        if 0 <= at < self.end_us:
            self._departures[at // self._cell_us] += vehicles

    def stayed(self, ended: int, lasted_us: int | None) -> None:
        """A stay that ended; None: its beginning or its end is not known."""
        if not 0 <= ended < self.end_us:
            return
        if lasted_us is None:
            self._censored[ended // HOUR_US] += 1
        else:
            self._stays[ended // HOUR_US].append(lasted_us)

    def overstayed(self, over_from: int, over_s: int, *, confirmed: bool) -> None:
        """A stay whose limit ran out."""
        if 0 <= over_from < self.end_us:
            counts = self._over[over_from // HOUR_US]
            counts[0] += 1
            counts[1] += confirmed
            counts[2] += over_s

    def rows(self) -> list[HourRow]:
        """The hours in order; of some of the bays, only those in which one was in service or something happened."""
        watched = zip(*(time.by_cell() for time in self._watched()), strict=True)
        rows = (
            self._row(number, sums, watch)
            for number, (sums, watch) in enumerate(zip(self._sums(), watched, strict=True))
        )
        return [row for row in rows if row.says_something or self.series.dim is Dim.ALL]

    def _row(self, number: int, sums: list[list[int]], watch: tuple[int, int, int]) -> HourRow:
        in_service, free, occupied, closed = sums
        usable, some_free, all_taken = watch
        first = number * self._slots
        arrivals = tuple(self._arrivals[first : first + self._slots])
        departures = tuple(self._departures[first : first + self._slots])
        by_slot = None
        if self._slots == SLOTS:
            by_slot = Slots(
                in_service=tuple(in_service),
                free=tuple(free),
                occupied=tuple(occupied),
                closed=tuple(closed),
                arrivals=arrivals,
                departures=departures,
            )
        candidates, confirmed, over_s = self._over[number]
        return HourRow(
            series=self.series,
            hour_at=self.start + number * HOUR,
            in_service_us=sum(in_service),
            free_us=sum(free),
            occupied_us=sum(occupied),
            closed_us=sum(closed),
            usable_us=usable,
            some_free_us=some_free,
            all_taken_us=all_taken,
            arrivals=sum(arrivals),
            departures=sum(departures),
            stays=lengths_of(self._stays[number]),
            censored=self._censored[number],
            over_candidates=candidates,
            over_confirmed=confirmed,
            over_s=over_s,
            slots=by_slot,
        )

    def _sums(self) -> Iterator[list[list[int]]]:
        """By hour, the cells of those in service, free, occupied and closed."""
        times = [list(time.by_cell()) for time in (self.in_service, self.free, self.occupied, self.closed)]
        for first in range(0, self.hours * self._slots, self._slots):
            yield [cells[first : first + self._slots] for cells in times]

    def _watched(self) -> tuple[BayTime, BayTime, BayTime]:
        """By hour, how long a bay was open, and how long some were free or all were taken."""
        usable, some_free, all_taken = (BayTime(self.hours, HOUR_US) for _ in range(3))
        for lo, hi, opened, free, taken in self.watch.stretches():
            usable.add(lo, hi)
            if free > 0:
                some_free.add(lo, hi)
            elif taken >= opened:
                all_taken.add(lo, hi)
        return usable, some_free, all_taken


def microseconds(span: timedelta) -> int:
    """A length of time, exactly."""
    return (span.days * 86_400 + span.seconds) * _SECOND + span.microseconds
