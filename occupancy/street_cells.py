"""The cells of a street, from what held at each of its bays: every stretch is laid over the cells that it reaches into.

In whole microseconds, so that the sums do not depend on the order in which they are made (L3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from occupancy.bay_time import BayTime
from occupancy.cells import CELL, Held, ShutParts, floor_cell
from occupancy.model import Bay, BayId, State, Zone, ZoneCell

_SECOND = 1_000_000
_CELL = CELL // timedelta(microseconds=1)

Stretch = tuple[int, int]
"""From a microsecond to another, counted from the first cell's beginning."""


class Street:
    """What the cells of a street are summed up in, from `start` on."""

    def __init__(self, start: datetime, cells: int) -> None:
        self.start, self.end, self.cells = start, start + cells * CELL, cells
        self.in_service = BayTime(cells, _CELL)
        self.closed = BayTime(cells, _CELL)
        self.known = {State.FREE: BayTime(cells, _CELL), State.OCCUPIED: BayTime(cells, _CELL)}
        self.arrivals = [0] * cells
        self.departures = [0] * cells

    def add(self, bay: Bay, intervals: Sequence[Held], shuts: ShutParts | None) -> None:
        serves_from = max(self.start, bay.in_service_from or self.start)
        serves_to = min(self.end, bay.in_service_to or self.end)
        if serves_to <= serves_from:
            return
        self.in_service.add(self._us(serves_from), self._us(serves_to))
        open_for: list[Stretch] = []
        serves = ((serves_from, serves_to, False),)
        for since, until, shut in serves if shuts is None else shuts(bay, serves_from, serves_to):
            if shut:
                self.closed.add(self._us(since), self._us(until))
            else:
                open_for.append((self._us(since), self._us(until)))
        for held in intervals:
            if held.state is not State.UNKNOWN:
                began, ended = self._us(held.started_at), self._us(held.ended_at or self.end)
                for lo, hi in open_for:
                    if began < hi and lo < ended:
                        self.known[held.state].add(max(began, lo), min(ended, hi))
        self._count_turns(intervals, self._us(serves_from) // _CELL, (self._us(serves_to) - 1) // _CELL)

    def _count_turns(self, intervals: Sequence[Held], first: int, last: int) -> None:
        """Arrivals and departures in the cells from `first` to `last`."""
        for before, after in pairwise(intervals):
            cell = self._us(after.started_at) // _CELL
            if first <= cell <= last and before.ended_at == after.started_at:
                self.arrivals[cell] += before.state is State.FREE and after.state is State.OCCUPIED
                self.departures[cell] += before.state is State.OCCUPIED and after.state is State.FREE

    def by_cell(self) -> Iterator[tuple[int, int, int, int]]:
        """Microseconds in service, closed, free and occupied."""
        times = (self.in_service, self.closed, self.known[State.FREE], self.known[State.OCCUPIED])
        return zip(*(time.by_cell() for time in times), strict=True)

    def _us(self, at: datetime) -> int:
        """Microseconds since `start`."""
        span = at - self.start
        return (span.days * 86_400 + span.seconds) * _SECOND + span.microseconds


def street_cells(
    zone: Zone,
    span: tuple[datetime, datetime],
    bays: Sequence[Bay],
    intervals: Mapping[BayId, Sequence[Held]],
    shuts: ShutParts | None,
) -> list[ZoneCell]:
    """The cells of [start, end), summed over the bays in service. `intervals` are each bay's in time order, with the
    one before the span, and may reach beyond it; `shuts` None: no bay of the zone ever closes."""
    start = floor_cell(span[0])
    street = Street(start, (span[1] - start) // CELL)
    for bay in bays:
        street.add(bay, intervals.get(bay.bay_id, ()), shuts)
    return [
        ZoneCell(
            zone_id=zone.zone_id,
            cell_at=start + number * CELL,
            free_s=free / _SECOND,
            occupied_s=occupied / _SECOND,
            unknown_s=max(0, in_service - shut - free - occupied) / _SECOND,
            closed_s=shut / _SECOND,
            arrivals=street.arrivals[number],
            departures=street.departures[number],
        )
        for number, (in_service, shut, free, occupied) in enumerate(street.by_cell())
    ]
