"""Fifteen-minute cells of a zone: bay-seconds by state. The ground on which history is computed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import NamedTuple, TypeVar

from occupancy.car_park import CountSpan
from occupancy.model import EPOCH, Bay, State, Zone, ZoneCell

CELL = timedelta(minutes=15)
_MINUTE = timedelta(minutes=1)

T = TypeVar("T")

Closed = Callable[[datetime], bool]
"""Whether a car park is closed at an instant; asked once a minute."""

ShutParts = Callable[[Bay, datetime, datetime], Sequence[tuple[datetime, datetime, bool]]]
"""A stretch of a bay's time in parts: from, to, and whether it is closed then."""

CapacityAt = Callable[[datetime], int]
"""Bays of a car park in use at an instant by the registry; asked once a minute."""


class Held(NamedTuple):
    """What held at a bay in [started_at, ended_at); None: it lasts."""

    started_at: datetime
    ended_at: datetime | None
    state: State


def floor_cell(at: datetime) -> datetime:
    """The start of the cell that holds `at`. Cells are aligned to UTC, so to every civil time in use."""
    return at - (at - EPOCH) % CELL


def cells_between(start: datetime, end: datetime) -> Iterator[datetime]:
    """Starts of the whole cells in [floor(start), end): the last one ends at or before `end`."""
    cell = floor_cell(start)
    while cell + CELL <= end:
        yield cell
        cell += CELL


def around(items: Sequence[T], starts: Sequence[datetime], lo: datetime, hi: datetime) -> Sequence[T]:
    """The items (`starts` are their start times, in order) that begin in [lo, hi), and the one before them."""
    return items[max(0, bisect_left(starts, lo) - 1) : bisect_left(starts, hi)]


def car_park_cells(
    zone: Zone,
    span: tuple[datetime, datetime],
    spans: Sequence[CountSpan],
    closed: Closed | None,
    capacity_at: CapacityAt | None = None,
) -> list[ZoneCell]:
    """The cells of [start, end). `spans` are in time order, with the one before."""
    starts = [count.started_at for count in spans]
    return [
        car_park_cell(zone, cell_at, around(spans, starts, cell_at, cell_at + CELL), closed, capacity_at)
        for cell_at in cells_between(*span)
    ]


def car_park_cell(
    zone: Zone,
    cell_at: datetime,
    spans: Sequence[CountSpan],
    closed: Closed | None,
    capacity_at: CapacityAt | None = None,
) -> ZoneCell:
    """Weigh the count by time, bounded by the capacity in use (`capacity_at` None: always all of it); the rest of it is
    closed. Arrivals and departures are the net flows: lower bounds."""
    capacity = zone.capacity or 0
    seconds = dict.fromkeys((State.FREE, State.OCCUPIED, State.UNKNOWN, State.CLOSED), 0.0)
    always = closed is None and capacity_at is None
    in_use_at = None if always else partial(_in_use, capacity, closed, capacity_at)
    in_parts: Iterator[tuple[datetime, datetime, int | None]] = parts(
        cell_at, cell_at + CELL, in_use_at, otherwise=capacity
    )
    for lo, hi, scheduled in in_parts:
        unknown_s = (hi - lo).total_seconds()
        for span in spans if scheduled is not None else ():
            if span.occupied is None:
                continue
            overlap = _overlap(span.started_at, span.ended_at, lo, hi)
            in_use = span.capacity if span.capacity is not None else (scheduled or 0)
            occupied = min(span.occupied, in_use)
            seconds[State.OCCUPIED] += overlap * occupied
            seconds[State.FREE] += overlap * (in_use - occupied)
            seconds[State.CLOSED] += overlap * max(0, capacity - in_use)
            unknown_s -= overlap
        seconds[State.UNKNOWN] += unknown_s * (scheduled or 0)
        seconds[State.CLOSED] += unknown_s * max(0, capacity - (scheduled or 0))
    arrivals = departures = 0
    for before, after in pairwise(spans):
        if cell_at <= after.started_at < cell_at + CELL and before.ended_at == after.started_at:
            if before.occupied is None or after.occupied is None:
                continue
            arrivals += max(0, after.occupied - before.occupied)
            departures += max(0, before.occupied - after.occupied)
    return _cell(zone, cell_at, seconds, arrivals, departures)


def _in_use(capacity: int, closed: Closed | None, capacity_at: CapacityAt | None, at: datetime) -> int | None:
    """Bays of a car park in use at an instant; None: it is closed."""
    if closed is not None and closed(at):
        return None
    return capacity if capacity_at is None else capacity_at(at)


def parts(
    start: datetime,
    end: datetime,
    value_at: Callable[[datetime], T] | None,
    *,
    otherwise: T,
    looked_at: Iterable[datetime] | None = None,
) -> Iterator[tuple[datetime, datetime, T]]:
    """[start, end) in parts of one value each; what comes from rules changes on whole minutes.

    `looked_at`: the whole minutes at which it may change, in order; None: every one.
    """
    if value_at is None:
        yield start, end, otherwise
        return
    lo = start
    value = value_at(lo)
    for minute in _minutes(start, end) if looked_at is None else looked_at:
        if start < minute < end and (later := value_at(minute)) != value:
            yield lo, minute, value
            lo, value = minute, later
    yield lo, end, value


def whole_minute(at: datetime) -> datetime:
    """The first whole minute that is not before an instant."""
    minute = at.replace(second=0, microsecond=0)
    return minute if minute == at else minute + _MINUTE


def _minutes(start: datetime, end: datetime) -> Iterator[datetime]:
    minute = start.replace(second=0, microsecond=0) + _MINUTE
    while minute < end:
        yield minute
        minute += _MINUTE


def _overlap(started_at: datetime, ended_at: datetime | None, lo: datetime, hi: datetime) -> float:
    start = max(started_at, lo)
    end = hi if ended_at is None else min(ended_at, hi)
    return (end - start).total_seconds() if end > start else 0.0


def _cell(
    zone: Zone, cell_at: datetime, seconds: Mapping[State, float], arrivals: int, departures: int
) -> ZoneCell:
    return ZoneCell(
        zone_id=zone.zone_id,
        cell_at=cell_at,
        free_s=seconds[State.FREE],
        occupied_s=seconds[State.OCCUPIED],
        unknown_s=max(0.0, seconds[State.UNKNOWN]),
        closed_s=seconds[State.CLOSED],
        arrivals=arrivals,
        departures=departures,
    )
