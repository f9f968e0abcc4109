"""The hours of a car park, from its count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from occupancy.car_park import CountSpan
from occupancy.cells import CapacityAt, Closed, parts
from occupancy.history.hour import HOUR, HourRow, Scope, Series
from occupancy.history.tally import Tally, microseconds
from occupancy.model import Zone
from occupancy.spans import Span


def car_park_hours(
    zone: Zone,
    span: Span,
    counts: Sequence[CountSpan],
    closed: Closed | None,
    capacity_at: CapacityAt | None = None,
) -> list[HourRow]:
    """The hours of [start, end), both whole hours. `counts` are in order of time, with the one before.

    The count is bounded by the capacity in use (`capacity_at` None: always all of it); the rest is closed. Arrivals and
    departures are net flows between counts, so lower bounds. Nothing is known of single stays.
    """
    start, end = span
    capacity = zone.capacity or 0
    tally = Tally(Series(Scope.ZONE, zone.zone_id), start, (end - start) // HOUR, with_slots=True)

    def in_use_at(at: datetime) -> int | None:
        """Bays in use by the registry; None: it is closed."""
        if closed is not None and closed(at):
            return None
        return capacity if capacity_at is None else capacity_at(at)

    def us(at: datetime) -> int:
        return microseconds(at - start)

    always = closed is None and capacity_at is None
    in_parts: Iterator[tuple[datetime, datetime, int | None]] = parts(
        start, end, None if always else in_use_at, otherwise=capacity
    )
    for lo, hi, scheduled in in_parts:
        tally.in_service.add(us(lo), us(hi), capacity)
        if scheduled is None:
            tally.closed.add(us(lo), us(hi), capacity)
            continue
        at = lo
        for count in counts:
            since, until = max(count.started_at, at), min(count.ended_at or hi, hi)
            if since >= until or count.occupied is None:
                continue
            _not_known(tally, us(at), us(since), scheduled, capacity)
            in_use = min(scheduled if count.capacity is None else count.capacity, capacity)
            taken = min(count.occupied, in_use)
            tally.occupied.add(us(since), us(until), taken)
            tally.free.add(us(since), us(until), in_use - taken)
            tally.closed.add(us(since), us(until), capacity - in_use)
            tally.watch.add(us(since), us(until), opened=in_use, free=in_use - taken, taken=taken)
            at = until
        _not_known(tally, us(at), us(hi), scheduled, capacity)
    for before, after in pairwise(counts):
        if before.ended_at == after.started_at and None not in (before.occupied, after.occupied):
            more = (after.occupied or 0) - (before.occupied or 0)
            tally.arrived(us(after.started_at), max(0, more))
            tally.departed(us(after.started_at), max(0, -more))
    return tally.rows()


def _not_known(tally: Tally, lo: int, hi: int, scheduled: int, capacity: int) -> None:
    if lo < hi:
        tally.closed.add(lo, hi, capacity - min(scheduled, capacity))
        tally.watch.add(lo, hi, opened=scheduled)
