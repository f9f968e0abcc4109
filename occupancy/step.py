"""One bay sensor: what its readings, in the device's own order, say about the bay it watches.

`step` folds one reading; `tick` is what holds at a watermark. Both are pure, so the rows of a device are a function of
its readings and the watermark, whatever order they arrived in (L3). Silence beyond the sensor's promise is no evidence:
the state is unknown from then on, until the sensor speaks about the bay again (L4). Nor is what it said of one bay
evidence about the next: `moves` are the times when it began to watch another. And what it said before an outage of its
surroundings (`cut_offs`) is no evidence of what came then, unless its numbers show that no change can be missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from occupancy.clocks import RIGHT, Told, tell, z
from occupancy.confidence import DECAYS_AT, confidence
from occupancy.device_fold import DeviceFold, Watch
from occupancy.endings import ended, ends, was_cut_off
from occupancy.model import Cause, Clock, Reading, ReadingKey, State, StateReading
from occupancy.repair import LONGEST_DURATION_S, Holding, between, by_duration, then
from occupancy.transitions import AGREES, KINDS, SAYS, TABLE, Kind, Says, Verdict

_EVER = datetime.min.replace(tzinfo=UTC)
_UNHEARD = Holding(State.UNKNOWN, _EVER, State.UNKNOWN, "never heard of")
_OTHER = {State.FREE: State.OCCUPIED, State.OCCUPIED: State.FREE}
_TOLERANCE = timedelta(seconds=30)
"""Between a duration and the edges we know: rounding, and the delay of a detection."""
_TOLERANCE_UNPROVED = timedelta(minutes=10)
"""Where no two messages are missing that could have told of the difference."""
_LONGEST_TRAIL = 3
_NOT_AT_ALL = timedelta(0)

_MISSED = frozenset({Verdict.CONTRADICTED, Verdict.REPEATED, Verdict.PAIRED})
_DOUBTFUL = frozenset({Verdict.LATE, Verdict.FUTURE})
_ALONE = {verdict: (verdict,) for verdict in Verdict}


class Decision(NamedTuple):
    """The new fold, the holdings it settles (each until the next begins), and what was judged, main verdict first."""

    fold: DeviceFold
    settled: tuple[Holding, ...]
    verdicts: tuple[Verdict, ...]


class Standing(NamedTuple):
    """What holds at a watermark: the trail, and unknown once the evidence has run out."""

    trail: tuple[Holding, ...]
    confidence: float
    verdict: Verdict | None


def step(fold: DeviceFold | None, reading: Reading, watch: Watch) -> Decision:
    """Fold one reading. What does not come after `fold` in the device's order is left to who knows the history."""
    key = reading.key
    if fold is None:
        fold = _unheard(reading)
    elif key <= fold.key:
        return Decision(fold, (), _ALONE[Verdict.DUPLICATE if key == fold.key else Verdict.SUPERSEDED])
    told = _told(fold, reading, watch)
    if told.clock is not fold.clock and told.clock.offset != fold.clock.offset:
        fold = _placed_anew(fold, told)
    if isinstance(reading, StateReading):
        says, kind = SAYS[reading.occupied], KINDS[reading.cause]
        stated_at, stated = told.at, reading.confidence
    else:
        says, kind = Says.NOTHING, Kind.NONE
        stated_at, stated = fold.stated_at, fold.stated  # type: ignore[assignment]
    trail = fold.trail
    now = trail[-1]
    to, verdict = TABLE[now.state, kind, says]
    end = None
    if now.state is not State.UNKNOWN:
        end = ended(fold, told.at, watch, key, verdict)
        if end is not None:
            to, verdict = TABLE[State.UNKNOWN, kind, says]
    settled: tuple[Holding, ...] = ()
    lost = fold.lost + _gap(fold.key, key)
    if verdict is Verdict.APPLIED and end is None and _fits(fold, reading, told, watch):
        settled, trail = trail, (Holding(to, told.at, now.state, _reason(reading, told)),)
        lost = 0
    elif end is not None or to is not now.state or verdict is Verdict.REPEATED or now is _UNHEARD:
        past: Sequence[Holding] = trail if end is None else then(trail, State.UNKNOWN, end.at, end.why)
        if isinstance(reading, StateReading) and to is not State.UNKNOWN:
            past, verdict = _turned(past, fold, reading, told, watch, (to, verdict), lost)
        elif past[-1].state is not State.UNKNOWN or now is _UNHEARD:
            past = then(past, State.UNKNOWN, told.at, _reason(reading, told))
        if now is _UNHEARD:
            past = past[1:]
        kept = _kept(past, told, kind)
        trail, settled = tuple(past[-kept:]), tuple(past[:-kept])
        lost = lost if trail[-1] is now else 0
    new = DeviceFold(
        fold.device_id,
        key,
        trail,
        told.at,
        stated_at,
        stated,
        told.clock,
        fold.agreed + (verdict in AGREES),
        fold.missed + (verdict in _MISSED),
        lost,
        fold.folded + 1,
    )
    if end is None and told.verdict is None:
        return Decision(new, settled, _ALONE[verdict])
    others = (end.verdict if end else None, told.verdict)
    return Decision(new, settled, (verdict, *(other for other in others if other is not None)))


def tick(fold: DeviceFold, watermark: datetime | None, watch: Watch) -> Standing:
    """What holds at the watermark (None: not known): what was said, overdue, or unknown since the evidence ended."""
    now = fold.now
    verdict = None
    if (
        now.state is not State.UNKNOWN
        and watermark is not None
        and watermark >= fold.as_of + watch.overdue_after
    ):
        verdict = Verdict.OVERDUE
    if verdict is not None or watch.moves or was_cut_off(fold, watch):
        end = ends(fold, watch)
        if now.state is not State.UNKNOWN and watermark is not None and watermark >= end.at:
            trail = (*fold.trail, Holding(State.UNKNOWN, end.at, now.state, end.why))
            return Standing(trail, 0.0, end.verdict)
    quiet = _NOT_AT_ALL if watermark is None or fold.stated_at is None else watermark - fold.stated_at
    sure = confidence(
        now.state,
        agreed=fold.agreed,
        missed=fold.missed,
        quiet=quiet,
        overdue=verdict is not None,
    )
    return Standing(fold.trail, sure if fold.stated is None else min(sure, fold.stated), verdict)


def looks(fold: DeviceFold, watch: Watch) -> Iterable[datetime]:
    """When a silence makes what holds less sure, then overdue, and last unknown; or cut off, then silent; in order."""
    overdue_at = fold.as_of + watch.overdue_after
    if was_cut_off(fold, watch):
        yield ends(fold, watch).at
    else:
        if fold.stated_at is not None and fold.now.state is not State.UNKNOWN:
            yield from (at for step in DECAYS_AT if (at := fold.stated_at + step) < overdue_at)
        yield overdue_at
    yield fold.as_of + watch.silent_after


def fold_all(
    fold: DeviceFold | None, readings: Iterable[Reading], watch: Watch
) -> tuple[DeviceFold | None, list[Holding], list[DeviceFold]]:
    """Fold readings given in order. Returns the last fold, all settled holdings, and each fold on the way."""
    settled: list[Holding] = []
    path: list[DeviceFold] = []
    for reading in readings:
        fold, done, _ = step(fold, reading, watch)
        settled.extend(done)
        path.append(fold)
    return fold, settled, path


def _fits(fold: DeviceFold, reading: Reading, told: Told, watch: Watch) -> bool:
    """Whether it is an ordinary change: at a time that is sure, after a state that lasted as long as we know of it."""
    now = fold.trail[-1]
    if not isinstance(reading, StateReading) or reading.cause is not Cause.CHANGE:
        return False
    if told.verdict is not None or now is _UNHEARD:
        return False
    if now.state is State.UNKNOWN or reading.prev_s is None:
        return reading.prev_s is None
    if now.inferred or watch.moves:
        return False
    return abs(told.at - now.since - timedelta(seconds=reading.prev_s)) <= _TOLERANCE


def _unheard(reading: Reading) -> DeviceFold:
    incarnation, boot, seq = reading.key
    key = ReadingKey(incarnation, boot, seq - 1)
    return DeviceFold(reading.device_id, key, (_UNHEARD,), _EVER, None, None, RIGHT, 0, 0, 0, 0)


def _told(fold: DeviceFold, reading: Reading, watch: Watch) -> Told:
    if watch.clock is Clock.EVENT and reading.at is not None:
        return Told(max(reading.at, fold.as_of), fold.clock, None, 0.0)
    return tell(fold.clock, reading, earliest=fold.as_of, before=fold.key)


def _placed_anew(fold: DeviceFold, told: Told) -> DeviceFold:
    """The clock's error is known better now: so is when the word was said that raised the doubt."""
    doubt, now = fold.clock.doubt, fold.now
    if doubt is None or doubt.placed_at != fold.as_of:
        return fold
    at = min(doubt.placed_at + (told.clock.offset - fold.clock.offset), told.at)
    if len(fold.trail) > 1 and at <= fold.trail[-2].since:
        return fold
    trail = fold.trail
    if now.since == doubt.placed_at:
        if len(trail) == 1:
            return fold  # what was before it is settled
        trail = (
            *trail[:-1],
            msgspec.structs.replace(now, since=at, inferred=True, uncertain_s=told.uncertain_s),
        )
    elif at < now.since:
        return fold
    stated_at = at if fold.stated_at == doubt.placed_at else fold.stated_at
    return msgspec.structs.replace(fold, trail=trail, as_of=at, stated_at=stated_at)


def _turned(
    past: Sequence[Holding],
    fold: DeviceFold,
    reading: StateReading,
    told: Told,
    watch: Watch,
    turn: tuple[State, Verdict],
    lost: int,
) -> tuple[Sequence[Holding], Verdict]:
    """The past up to a word that turns the state, with what was missed before it."""
    to, verdict = turn
    at, reason = told.at, _reason(reading, told)
    lasted_s = reading.prev_s if reading.cause is Cause.CHANGE else None
    if lasted_s is not None and 0 < lasted_s <= LONGEST_DURATION_S:
        began_at = max((at - timedelta(seconds=lasted_s), *(moved for moved in watch.moves if moved <= at)))
        why = f"{reason}, the state before lasted {lasted_s} s"
        tolerance = _TOLERANCE if lost >= 2 else _TOLERANCE_UNPROVED
        past, paired = by_duration(past, fold.stated_at, began_at, _OTHER[to], why, tolerance=tolerance)
        verdict = Verdict.PAIRED if paired else verdict
    if past[-1].state is to:
        past = between(past, fold.stated_at or at, at, _OTHER[to], f"missed before {reason}")
        if past[-1].state is to:
            return past, verdict
    elif verdict is Verdict.CONTRADICTED and fold.stated_at is not None:
        why = f"{reason}, contradicts {past[-1].state.value} at {z(fold.stated_at)}"
        found = between(past, fold.stated_at, at, to, why)
        return (found if len(found) > len(past) else then(past, to, at, why)), verdict
    return then(past, to, at, reason, told.uncertain_s), verdict


def _kept(past: Sequence[Holding], told: Told, kind: Kind) -> int:
    """How many of the last holdings stay open to repair: one, unless its beginning is not sure."""
    last = past[-1]
    unsure = last.inferred or last.state is State.UNKNOWN or told.verdict in _DOUBTFUL
    unsure = unsure or (kind is not Kind.EDGE and len(past) > 1 and past[-2].state is State.UNKNOWN)
    return _LONGEST_TRAIL if unsure else 1


def _gap(before: ReadingKey, key: ReadingKey) -> int:
    """Messages missing between two readings; at a new boot nothing can be told, and one is assumed."""
    if before.boot == key.boot and before.incarnation == key.incarnation:
        return key.seq - before.seq - 1
    return 1


def _reason(reading: Reading, told: Told) -> str:
    when = z(told.at)
    if not isinstance(reading, StateReading):
        return f"a sign of life at {when}, nothing about the bay"
    what = "cannot tell" if reading.occupied is None else ("occupied" if reading.occupied else "free")
    wrong = (
        f", by a clock that is {told.clock.offset.total_seconds():.0f} s behind" if told.uncertain_s else ""
    )
    return f"{reading.cause} at {when}: {what}{wrong}"
