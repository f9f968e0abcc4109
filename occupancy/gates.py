"""Counting one car park from its gates: absolute counts are anchors, passages move the count between them.

Events are folded in (time, device, key) order, so late ones find their place and the result does not depend on
arrival (L3). Without an anchor nothing is claimed (L4). A count holds while the park's own counter keeps its promise,
or while every passage gate keeps its own: a gate that fell silent may have let anyone through, so the count is then
unknown until the next anchor. Counts outside 0..capacity are kept, flagged, and bounded where they are shown.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from occupancy.model import (
    AnyReading,
    CountReading,
    DeviceId,
    Direction,
    Gate,
    PassageReading,
    ReadingKey,
    ZoneId,
)

COUNTER_MODEL = "counter"
"""The gate model that stands for the car park's own system and sends absolute counts."""

RECENT_EVENTS = 64
"""Events kept beside the fold: one that is late by less finds its place in memory."""

DRIFT_PER_PASSAGE = 0.02
"""Width of the bounds in vehicles per passage since the last anchor (gates in the field miss 1 to 5 %)."""


@dataclass(frozen=True, slots=True, order=True)
class CountEvent:
    """What one gate said, ordered as it is folded. `count` and `delta` None: only a sign of life."""

    at: datetime
    device_id: DeviceId
    key: ReadingKey
    count: int | None = None
    delta: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountFold:
    """Where the count stands. `occupied` None: not known."""

    since: datetime
    as_of: datetime
    occupied: int | None = None
    over: bool = False
    passages: int = 0
    counted_at: datetime | None = None
    heard: tuple[tuple[DeviceId, datetime], ...] = ()
    """Last word of each passage gate, by device."""
    gap: bool = False
    """Whether a passage gate was silent beyond its promise since the anchor: the gates support the count no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountSpan:
    """One count during [started_at, ended_at); `passages` since the anchor, as the span began."""

    started_at: datetime
    ended_at: datetime | None
    occupied: int | None
    over: bool
    passages: int


@dataclass(frozen=True, kw_only=True)
class CarPark:
    """What the registry says of the counting of one car park."""

    zone_id: ZoneId
    capacity: int
    gates: tuple[Gate, ...]

    @cached_property
    def counter_silent_after(self) -> timedelta:
        """How long an absolute count stands; a park without a counter of its own is held to its slowest gate."""
        counters = [gate for gate in self.gates if gate.model == COUNTER_MODEL] or self.gates
        return max((gate.silent_after for gate in counters), default=timedelta(0))

    @cached_property
    def passage_gates(self) -> tuple[Gate, ...]:
        return tuple(gate for gate in self.gates if gate.model != COUNTER_MODEL)


def event_of(reading: AnyReading, at: datetime) -> CountEvent:
    """The event that a gate's reading is, at its observed time."""
    match reading:
        case CountReading():
            return CountEvent(at, reading.device_id, reading.key, count=reading.occupied)
        case PassageReading():
            delta = 1 if reading.direction is Direction.IN else -1
            return CountEvent(at, reading.device_id, reading.key, delta=delta)
        case _:
            return CountEvent(at, reading.device_id, reading.key)


def known_until(park: CarPark, fold: CountFold) -> datetime | None:
    """When the present count stops being evidence if nobody speaks; None: there is no count."""
    if fold.occupied is None:
        return None
    ends = []
    if fold.counted_at is not None:
        ends.append(fold.counted_at + park.counter_silent_after)
    if park.passage_gates and not fold.gap:
        heard = dict(fold.heard)
        if all(gate.device_id in heard for gate in park.passage_gates):
            ends.append(min(heard[gate.device_id] + gate.silent_after for gate in park.passage_gates))
    return max(ends, default=None)


def step_count(park: CarPark, fold: CountFold | None, event: CountEvent) -> tuple[CountFold, list[CountSpan]]:
    """Fold one event that comes after all before it. Returns the fold and the spans that it closed."""
    if fold is None:
        fold = CountFold(since=event.at, as_of=event.at)
    fold, closed = _expire(park, fold, event.at)
    fold = replace(fold, as_of=max(fold.as_of, event.at))
    occupied, over, passages, counted_at, heard, gap = (
        fold.occupied,
        fold.over,
        fold.passages,
        fold.counted_at,
        fold.heard,
        fold.gap,
    )
    if event.count is not None:
        occupied, passages, counted_at, gap = event.count, 0, event.at, False
        over = event.count > park.capacity
    else:
        gap = gap or _was_silent(park, fold, event)
        heard = tuple(sorted({**dict(fold.heard), event.device_id: event.at}.items()))
        if event.delta is not None and occupied is not None:
            passages += 1
            occupied += event.delta
            over = not 0 <= occupied <= park.capacity
            occupied = max(0, occupied)
    changed = (occupied, over) != (fold.occupied, fold.over)
    since = fold.since
    if changed:
        if event.at > since:
            closed.append(_span_of(fold, event.at))
        since = event.at
    return (
        CountFold(
            since=since,
            as_of=fold.as_of,
            occupied=occupied,
            over=over,
            passages=passages,
            counted_at=counted_at,
            heard=heard,
            gap=gap,
        ),
        closed,
    )


def _was_silent(park: CarPark, fold: CountFold, event: CountEvent) -> bool:
    """Whether a passage gate speaks again after it broke its promise; until its first word the anchor stands for it."""
    last = dict(fold.heard).get(event.device_id, fold.counted_at)
    gate = next((gate for gate in park.passage_gates if gate.device_id == event.device_id), None)
    return gate is not None and last is not None and event.at > last + gate.silent_after


def count_tail(park: CarPark, fold: CountFold, watermark: datetime | None) -> list[CountSpan]:
    """What holds from `fold.since` on: the count, and unknown once the watermark passed what supports it."""
    if watermark is None:
        return [_span_of(fold, None)]
    expired, closed = _expire(park, fold, watermark, inclusive=True)
    return [*closed, _span_of(expired, None)]


def _expire(
    park: CarPark, fold: CountFold, at: datetime, *, inclusive: bool = False
) -> tuple[CountFold, list[CountSpan]]:
    """Close the count at the end of its support when that lies before `at`."""
    until = known_until(park, fold)
    if until is None or at < until or (at == until and not inclusive):
        return fold, []
    closed = [_span_of(fold, until)] if until > fold.since else []
    since = max(until, fold.since)
    return replace(fold, since=since, occupied=None, over=False, passages=0, counted_at=None), closed


def _span_of(fold: CountFold, ended_at: datetime | None) -> CountSpan:
    return CountSpan(
        started_at=fold.since,
        ended_at=ended_at,
        occupied=fold.occupied,
        over=fold.over,
        passages=fold.passages,
    )


class CarParkCount:
    """The running count of one car park: a settled base, the last events, and where they lead."""

    def __init__(
        self, park: CarPark, base: CountFold | None = None, recent: Iterable[CountEvent] = ()
    ) -> None:
        self.park = park
        self.base = base
        self.recent = list(recent)
        self.head = self._refold()[0]

    def accepts(self, event: CountEvent) -> bool:
        """Whether the event's place is among the recent ones; an older one needs the checkpoint before it."""
        return self.base is None or event.at > self.base.as_of

    def add(self, event: CountEvent) -> tuple[datetime | None, list[CountSpan]]:
        """Take one event that `accepts` holds for. Returns the time from which rows are replaced (None: there were
        none) and the spans closed since then; the `count_tail` of the new head follows them."""
        if not self.recent or event > self.recent[-1]:
            cut = self.head.since if self.head else None
            self.head, closed = step_count(self.park, self.head, event)
            self.recent.append(event)
            return cut, closed
        cut = self.base.since if self.base else min(event.at, self.recent[0].at)
        insort(self.recent, event)
        self.head, closed = self._refold()
        return cut, closed

    def settle(self) -> CountFold | None:
        """Move all but the newest events into the base; returns the new base, None when it did not move.

        The base ends between two instants, so that events of one instant are never parted.
        """
        if len(self.recent) <= 2 * RECENT_EVENTS:
            return None
        keep_from = self.recent[-RECENT_EVENTS].at
        settled = [event for event in self.recent if event.at < keep_from]
        if not settled:
            return None
        for event in settled:
            self.base, _ = step_count(self.park, self.base, event)
        self.recent = self.recent[len(settled) :]
        return self.base

    def _refold(self) -> tuple[CountFold | None, list[CountSpan]]:
        fold, closed = self.base, list[CountSpan]()
        for event in self.recent:
            fold, spans = step_count(self.park, fold, event)
            closed.extend(spans)
        return fold, closed
