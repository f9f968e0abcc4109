"""One bay sensor: what its readings, in the device's own order, say about the bay it watches.

`step` folds one reading; `tail` is what holds after the last one, given the watermark. Both are pure, so the rows of a
device are a function of its readings and the watermark, whatever order they arrived in (L3). Silence beyond the
sensor's promise is no evidence: the state is unknown from then on, until the sensor speaks about the bay again (L4).
Nor is what it said of one bay evidence about the next: `moves` are the times when it began to watch another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from occupancy.model import Clock, DeviceId, Reading, ReadingKey, State, StateReading

SENSED_CONFIDENCE = 0.95
"""For a reading that does not state its own: vendors claim 95-99 %, the field measured less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFold:
    """Where a sensor stands after its last reading."""

    device_id: DeviceId
    key: ReadingKey
    state: State
    since: datetime
    as_of: datetime
    """Its last word of any kind: the beginning of a silence."""
    before: State
    """The state that `since` ended."""
    confidence: float
    reason: str
    """The evidence that began the present state, in words; heartbeats that agree only move `as_of`."""
    folded: int
    """Readings folded so far; decides when a checkpoint is due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One state during [started_at, ended_at); `ended_at` and `after` are None while it lasts."""

    started_at: datetime
    ended_at: datetime | None
    state: State
    reason: str
    before: State
    after: State | None


def step(
    fold: DeviceFold | None,
    reading: Reading,
    *,
    silent_after: timedelta,
    clock: Clock,
    moves: Sequence[datetime] = (),
) -> tuple[DeviceFold, list[Span]]:
    """Fold one reading that comes after `fold` in the device's order. Returns the new fold and the spans it closed."""
    at = reading.observed_at(clock)
    said = _said(reading)
    if fold is None:
        state = said or State.UNKNOWN
        return _begin(reading, state, at, State.UNKNOWN, 1), []
    at = max(at, fold.as_of)
    lost, why = _lost(fold, silent_after, moves)
    closed: list[Span] = []
    state, since, before, reason = fold.state, fold.since, fold.before, fold.reason
    if (at > lost or (at == lost and at in moves)) and state is not State.UNKNOWN:
        closed.append(_span(fold, lost, State.UNKNOWN))
        state, since, before, reason = State.UNKNOWN, lost, state, why
    said = (
        said or state
    )  # a sign of life says nothing about the bay: what was known stays, what was lost stays lost
    if said is state:
        confidence = _confidence(reading, state) if isinstance(reading, StateReading) else fold.confidence
        return (
            DeviceFold(
                device_id=fold.device_id,
                key=reading.key,
                state=state,
                since=since,
                as_of=at,
                before=before,
                confidence=confidence if state is not State.UNKNOWN else 0.0,
                reason=reason,
                folded=fold.folded + 1,
            ),
            closed,
        )
    if at > since:
        closed.append(
            Span(started_at=since, ended_at=at, state=state, reason=reason, before=before, after=said)
        )
        before = state
    return _begin(reading, said, at, before, fold.folded + 1), closed


def lost_at(fold: DeviceFold, silent_after: timedelta, moves: Sequence[datetime] = ()) -> datetime:
    """When what the sensor said last stops being evidence: its promise is broken, or it was moved."""
    return _lost(fold, silent_after, moves)[0]


def tail(
    fold: DeviceFold, watermark: datetime | None, silent_after: timedelta, moves: Sequence[datetime] = ()
) -> list[Span]:
    """What holds from `fold.since` on: its state, and unknown once the watermark has passed the end of its evidence."""
    end, why = _lost(fold, silent_after, moves)
    if fold.state is State.UNKNOWN or watermark is None or watermark < end:
        return [
            Span(
                started_at=fold.since,
                ended_at=None,
                state=fold.state,
                reason=fold.reason,
                before=fold.before,
                after=None,
            )
        ]
    return [
        _span(fold, end, State.UNKNOWN),
        Span(
            started_at=end,
            ended_at=None,
            state=State.UNKNOWN,
            reason=why,
            before=fold.state,
            after=None,
        ),
    ]


def fold_all(
    fold: DeviceFold | None,
    readings: Iterable[Reading],
    *,
    silent_after: timedelta,
    clock: Clock,
    moves: Sequence[datetime] = (),
) -> tuple[DeviceFold | None, list[Span], list[DeviceFold]]:
    """Fold readings given in order. Returns the last fold, all closed spans, and each fold on the way."""
    spans: list[Span] = []
    path: list[DeviceFold] = []
    for reading in readings:
        fold, closed = step(fold, reading, silent_after=silent_after, clock=clock, moves=moves)
        spans.extend(closed)
        path.append(fold)
    return fold, spans, path


def silence(as_of: datetime) -> str:
    return f"silent since {as_of:%Y-%m-%d %H:%M:%S}Z"


def _lost(fold: DeviceFold, silent_after: timedelta, moves: Sequence[datetime]) -> tuple[datetime, str]:
    deadline = fold.as_of + silent_after
    moved = min((at for at in moves if fold.as_of < at <= deadline), default=None)
    if moved is None:
        return deadline, silence(fold.as_of)
    return moved, f"moved at {moved:%Y-%m-%d %H:%M:%S}Z, nothing said about this bay since"


def _begin(reading: Reading, state: State, at: datetime, before: State, folded: int) -> DeviceFold:
    return DeviceFold(
        device_id=reading.device_id,
        key=reading.key,
        state=state,
        since=at,
        as_of=at,
        before=before,
        confidence=_confidence(reading, state),
        reason=_reason(reading, at),
        folded=folded,
    )


def _span(fold: DeviceFold, ended_at: datetime, after: State) -> Span:
    return Span(
        started_at=fold.since,
        ended_at=ended_at,
        state=fold.state,
        reason=fold.reason,
        before=fold.before,
        after=after,
    )


def _said(reading: Reading) -> State | None:
    if not isinstance(reading, StateReading):
        return None
    if reading.occupied is None:
        return State.UNKNOWN
    return State.OCCUPIED if reading.occupied else State.FREE


def _confidence(reading: Reading, state: State) -> float:
    if state is State.UNKNOWN or not isinstance(reading, StateReading):
        return 0.0
    return SENSED_CONFIDENCE if reading.confidence is None else reading.confidence


def _reason(reading: Reading, at: datetime) -> str:
    if not isinstance(reading, StateReading):
        return f"a sign of life at {at:%Y-%m-%d %H:%M:%S}Z, nothing about the bay"
    what = "cannot tell" if reading.occupied is None else ("occupied" if reading.occupied else "free")
    return f"{reading.cause.value} at {at:%Y-%m-%d %H:%M:%S}Z: {what}"
