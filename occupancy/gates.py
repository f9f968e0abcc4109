"""Counting one car park from its gates: absolute counts are anchors, passages move the count between them.

Events are folded in (time, device, key) order, so late ones find their place and the result does not depend on
arrival (L3). Without an anchor nothing is claimed (L4). A count holds while the park's own counter keeps its promise,
or while every passage gate keeps its own: a gate that fell silent may have let anyone through. Its silence is bridged
where its usual flow is known; else the count is unknown until it is counted again, or the night says what is left. How
the count drifts, and what holds it, is the business of `drift`, `flows` and `visits`.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from occupancy.car_park import CarPark, CountEvent, CountFold, CountSpan
from occupancy.drift import counted
from occupancy.flows import Flow, gap_variance
from occupancy.visits import Visit

RECENT_EVENTS = 64
"""Events kept beside the fold, at least: one that is late by less finds its place in memory. So many make a base."""


def known_until(park: CarPark, fold: CountFold) -> datetime | None:
    """When the present count stops being evidence if nobody speaks; None: there is no count."""
    return None if fold.occupied is None else _supported_until(park, fold)


def step_count(park: CarPark, fold: CountFold | None, event: CountEvent) -> tuple[CountFold, list[CountSpan]]:
    """Fold one event that comes after all before it. Returns the fold and the spans that it closed."""
    if fold is None:
        fold = CountFold(since=event.at, as_of=event.at)
    until = known_until(park, fold)
    fold, closed = _slept(park, fold, event.at if until is None else min(event.at, until))
    fold, expired = _expire(park, fold, event.at)
    fold, slept = _slept(park, fold, event.at)
    closed = [*closed, *expired, *slept]
    now = replace(fold, as_of=max(fold.as_of, event.at), folded=fold.folded + 1)
    now = _anchored(park, now, event) if event.count is not None else _heard(park, now, event)
    until = _supported_until(park, now)
    known = now.drift is not None and (event.count is not None or (until is not None and event.at < until))
    return _shown(fold, now, event.at, known=known, closed=closed)


def count_tail(park: CarPark, fold: CountFold, watermark: datetime | None) -> list[CountSpan]:
    """What holds from `fold.since` on: the count, and unknown once the watermark passed what supports it."""
    if watermark is None:
        return [_span_of(fold, None)]
    expired, closed = _expire(park, fold, watermark, inclusive=True)
    return [*closed, _span_of(expired, None)]


# --- one event ------------------------------------------------------------------------------------------------


def _anchored(park: CarPark, fold: CountFold, event: CountEvent) -> CountFold:
    """An absolute count, by the car park's own system or by an operator."""
    count = event.count or 0
    drift, learnt = counted(fold.drift, fold.learnt, count)
    capacity = fold.capacity if event.capacity is None else event.capacity
    return replace(
        fold,
        drift=drift,
        learnt=learnt,
        counted_at=event.at,
        visits=fold.visits.from_night(park.night_after(event.at)),
        capacity=capacity,
        over=count > park.capacity_at(event.at, capacity),
        gap=False,
        estimated=False,
        night_at=fold.night_at or park.night_after(event.at),
    )


def _heard(park: CarPark, fold: CountFold, event: CountEvent) -> CountFold:
    """A gate spoke: it is alive, and perhaps a vehicle passed."""
    gate = park.gate_of.get(event.device_id)
    delta = event.delta or 0
    if gate is not None:
        last = dict(fold.heard).get(event.device_id, fold.counted_at)
        if last is not None and event.at > last + park.promises[event.device_id]:
            fold = _silent(park, fold, event, last)
    heard = tuple(sorted({**dict(fold.heard), event.device_id: event.at}.items()))
    fold = replace(fold, heard=heard)
    double = delta != 0 and _is_double(fold, event, gate.min_headway_s if gate else 0.0)
    flow = dict(fold.flows).get(event.device_id) or Flow(event.at)
    flow = flow.passed(event.at, 0 if double else delta)
    fold = replace(
        fold, flows=tuple(sorted({**dict(fold.flows), event.device_id: flow}.items(), key=_device))
    )
    if delta and not double:
        fold = _passed(park, fold, event, keep_lane=bool(gate and gate.min_headway_s))
    visits = fold.visits.settled(event.at - park.longest_stay)
    return fold if visits is fold.visits else replace(fold, visits=visits)


def _passed(park: CarPark, fold: CountFold, event: CountEvent, *, keep_lane: bool) -> CountFold:
    """One vehicle through a gate."""
    delta = event.delta or 0
    drift, over, visits, lanes = fold.drift, fold.over, fold.visits, fold.lanes
    gone = 0
    if event.vehicle is not None:
        visit = Visit(event.at, event.device_id, event.key, event.vehicle)
        begins = visits.since or park.night_after(event.at + park.longest_stay)
        visits, gone = visits.passed(visit, delta, begins, fold.counted_at)
    if keep_lane:
        lane = (event.device_id, delta)
        lanes = (*(other for other in lanes if other[:2] != lane), (*lane, event.at))
    if drift is not None:
        capacity = park.capacity_at(event.at, fold.capacity)
        drift, beyond = drift.matched(gone).passed(delta, fold.learnt, capacity)
        over = beyond or drift.occupied > capacity
    return replace(fold, drift=drift, over=over, visits=visits, lanes=lanes)


def _is_double(fold: CountFold, event: CountEvent, headway_s: float) -> bool:
    """Whether the same vehicle was counted a moment ago: by its token, or since no other could follow so soon."""
    delta = event.delta or 0
    if event.vehicle is not None:
        return fold.visits.is_double(Visit(event.at, event.device_id, event.key, event.vehicle), delta)
    return any(
        (device, way) == (event.device_id, delta) and event.at - at < timedelta(seconds=headway_s)
        for device, way, at in fold.lanes
    )


def _silent(park: CarPark, fold: CountFold, event: CountEvent, last: datetime) -> CountFold:
    """A gate speaks again after it broke its promise; until its first word the anchor stands for it."""
    flow = dict(fold.flows).get(event.device_id)
    start = last if fold.counted_at is None else max(last, fold.counted_at)
    usual = flow.between(start, event.at) if flow else None
    flows = dict(fold.flows)
    if flow:
        flows[event.device_id] = flow.broken(event.at)
    visits = fold.visits.from_night(park.night_after(event.at))
    fold = replace(fold, flows=tuple(sorted(flows.items(), key=_device)), visits=visits)
    if fold.drift is None:
        return replace(fold, gap=True)
    capacity = park.capacity_at(event.at, fold.capacity)
    if usual is None:
        drift = fold.drift.shifted(0.0, (capacity / 2) ** 2)
        return replace(fold, drift=replace(drift, sound=False), gap=True)
    drift, _ = fold.drift.shifted(usual[0] - usual[1], gap_variance(*usual)).bounded(capacity)
    return replace(fold, drift=replace(drift, sound=False), estimated=True)


def _slept(park: CarPark, fold: CountFold, at: datetime) -> tuple[CountFold, list[CountSpan]]:
    """The last quiet of the night before `at`, if there was one since the last event, is evidence of its own."""
    if fold.night_at is None or fold.drift is None or at < fold.night_at:
        return fold, []
    night = fold.night_at
    after = park.night_after(night)
    while after <= at:
        night, after = after, park.night_after(after)
    capacity = park.capacity_at(night, fold.capacity)
    learnt = fold.learnt
    # A night that ends the longest stay of all who came before it.
    visits, missed = fold.visits.told(night - timedelta(days=-(-park.longest_stay // timedelta(days=1))))
    before, _ = fold.drift.matched(missed).bounded(capacity)
    drift = before.slept(learnt, park.zone.night_floor, capacity)
    if not fold.gap:
        learnt = learnt.slept(before.estimate, before.since_counted(learnt), capacity)
    told = fold.gap and drift is not before and 2 * drift.spread < capacity
    now = replace(
        fold,
        drift=drift,
        learnt=learnt,
        visits=visits,
        night_at=after,
        gap=fold.gap and not told,
        estimated=fold.estimated or told,
    )
    return _shown(fold, now, max(night, fold.as_of), known=fold.occupied is not None, closed=[])


def _device(item: tuple[str, object]) -> str:
    return item[0]


# --- what holds, and how long --------------------------------------------------------------------------------


def _supported_until(park: CarPark, fold: CountFold) -> datetime | None:
    """How long what was said supports a count; None: not at all."""
    ends = []
    if fold.counted_at is not None:
        ends.append(fold.counted_at + park.counter_silent_after)
    if park.promises and not fold.gap:
        promised = [at + park.promises[gate] for gate, at in fold.heard if gate in park.promises]
        if len(promised) == len(park.promises):
            ends.append(min(promised))
    return max(ends, default=None)


def _shown(
    before: CountFold, now: CountFold, at: datetime, *, known: bool, closed: list[CountSpan]
) -> tuple[CountFold, list[CountSpan]]:
    """Close the span that ends where what is shown changes."""
    occupied = now.drift.occupied if known and now.drift else None
    now = replace(now, occupied=occupied, over=now.over and occupied is not None)
    if _said(now) == _said(before):
        return now, closed
    if at > before.since:
        closed = [*closed, _span_of(before, at)]
    return replace(now, since=max(at, before.since)), closed


def _said(fold: CountFold) -> tuple[object, ...]:
    return fold.occupied, fold.over, fold.spread, fold.capacity, fold.estimated


def _expire(
    park: CarPark, fold: CountFold, at: datetime, *, inclusive: bool = False
) -> tuple[CountFold, list[CountSpan]]:
    """Close the count at the end of its support when that lies before `at`."""
    until = known_until(park, fold)
    if until is None or at < until or (at == until and not inclusive):
        return fold, []
    closed = [_span_of(fold, until)] if until > fold.since else []
    return replace(fold, since=max(until, fold.since), occupied=None, over=False), closed


def _span_of(fold: CountFold, ended_at: datetime | None) -> CountSpan:
    known = fold.occupied is not None
    return CountSpan(
        started_at=fold.since,
        ended_at=ended_at,
        occupied=fold.occupied,
        over=fold.over,
        passages=fold.passages,
        spread=fold.spread,
        capacity=fold.capacity if known else None,
        estimated=fold.estimated and known,
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

    def settle(self) -> list[CountFold]:
        """Move all but the newest events into the base; returns the bases on the way.

        Where a base ends follows from the events alone, so that any order of arrival leaves the same (L3), and lies
        between two instants, so that events of one instant are never parted.
        """
        bases = []
        while end := self._settled():
            for event in self.recent[:end]:
                self.base, _ = step_count(self.park, self.base, event)
            del self.recent[:end]
            if self.base is not None:
                bases.append(self.base)
        return bases

    def _settled(self) -> int:
        """How many of the recent events the next base takes in; 0: it is not due yet."""
        folded = self.base.folded if self.base else 0
        end = RECENT_EVENTS - folded % RECENT_EVENTS
        while end < len(self.recent) and self.recent[end].at == self.recent[end - 1].at:
            end += 1
        return end if len(self.recent) - end >= RECENT_EVENTS else 0

    def _refold(self) -> tuple[CountFold | None, list[CountSpan]]:
        fold, closed = self.base, list[CountSpan]()
        for event in self.recent:
            fold, spans = step_count(self.park, fold, event)
            closed.extend(spans)
        return fold, closed
