"""What was missed between two words of a sensor: the holdings of a bay's recent past, put right by what came since.

An edge that nobody reported lies between the last evidence of the old state and the first of the new one. A duration
of the state before (`prev_s`) says exactly when; without one the middle is taken, which is never wrong by more than
half of what is possible. Nothing is moved to before the past that is handed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from occupancy.model import State

_OTHER = {State.FREE: State.OCCUPIED, State.OCCUPIED: State.FREE}
LONGEST_DURATION_S = 30 * 86_400
"""A longer duration is not used: a counter that never was reset, or that ran over."""


class Holding(msgspec.Struct, frozen=True):
    """A state and what began it; it holds until the next one's `since`."""

    state: State
    since: datetime
    before: State
    """The state that `since` ended."""
    reason: str
    """The evidence that began it, in words."""
    inferred: bool = False
    """Whether `since` was worked out rather than reported."""
    uncertain_s: float = 0.0
    """Seconds by which `since` may be wrong, either way."""


def then(
    past: Sequence[Holding], state: State, since: datetime, reason: str, uncertain_s: float = 0.0
) -> list[Holding]:
    """The past and what a word of the sensor begins. Two words of one instant leave a holding without length."""
    return [*past, Holding(state, since, past[-1].state, reason, uncertain_s > 0, uncertain_s)]


def inferred(
    past: Sequence[Holding], state: State, since: datetime, reason: str, uncertain_s: float = 0.0
) -> list[Holding]:
    """The past until `since`, and `state` from then on, as was worked out."""
    kept = [holding for holding in past if holding.since < since]
    before = kept[-1].state if kept else past[0].before
    return [*kept, Holding(state, since, before, reason, True, uncertain_s)]


def between(
    past: Sequence[Holding], evidence_at: datetime, until: datetime, state: State, why: str
) -> list[Holding]:
    """The past with a missed edge to `state` in (evidence_at, until): in the middle, as nothing says where."""
    lower = max(evidence_at, past[-1].since)
    half = (until - lower) / 2
    since = lower + half
    if not lower < since < until:
        return list(past)
    return inferred(past, state, since, why, half.total_seconds())


def by_duration(
    past: Sequence[Holding],
    evidence_at: datetime | None,
    began_at: datetime,
    state: State,
    why: str,
    *,
    tolerance: timedelta,
) -> tuple[list[Holding], bool]:
    """The past as the sensor's own duration has it: in `state` from `began_at` to now. Also whether a pair was missed.

    `evidence_at` is when the bay was last stated, None for never. What contradicts the past beyond repair leaves it as
    it is.
    """
    if evidence_at is not None:
        about = past[-1] if len(past) == 1 or past[-1].since <= evidence_at else past[-2]
        if about.state is not state and began_at <= evidence_at:
            return list(past), False  # the sensor itself said otherwise since
    run = len(past)
    while run and past[run - 1].state in (state, State.UNKNOWN):
        run -= 1
    if run == len(past):
        return _begun(past, state, began_at, why), False
    first = past[run]
    if first.state is State.UNKNOWN or began_at < first.since - tolerance:
        return _filled(past, run, began_at, state, why), False
    if _agrees(first, began_at, tolerance):
        return _unbroken(past, run, began_at, tolerance), False
    last = max(n for n in range(run, len(past)) if past[n].since <= began_at)
    if past[last].state is State.UNKNOWN:
        return _begun(past, state, began_at, why), False
    lower = past[last].since
    if last == len(past) - 1 and evidence_at is not None and lower < evidence_at < began_at:
        lower = evidence_at
    paired = between(past[: last + 1], lower, began_at, _OTHER[state], why)
    return inferred(paired, state, began_at, why), True


def _agrees(first: Holding, began_at: datetime, tolerance: timedelta) -> bool:
    return abs(began_at - first.since) <= tolerance + timedelta(seconds=first.uncertain_s)


def _unbroken(past: Sequence[Holding], run: int, began_at: datetime, tolerance: timedelta) -> list[Holding]:
    """One state without a break since the run began; where its beginning was only inferred, it is known better now."""
    first = past[run]
    found_out = first.since + timedelta(seconds=first.uncertain_s)
    # A sensor that found out by itself counts from that moment, which says nothing about the edge.
    if first.inferred and run and past[run - 1].since < began_at < found_out - tolerance:
        first = msgspec.structs.replace(first, since=began_at, uncertain_s=0.0)
    return [*past[:run], first]


def _filled(past: Sequence[Holding], run: int, began_at: datetime, state: State, why: str) -> list[Holding]:
    """The duration reaches back before the run: what was not known there is `state`, as far as the past allows."""
    first = past[run]
    if run == 0 and first.state is not State.UNKNOWN:
        return [first]
    if run and began_at <= past[run - 1].since:
        return list(past)
    if began_at > past[0].since:
        return _begun(past, state, began_at, why)
    return inferred(past, state, past[0].since, why)


def _begun(past: Sequence[Holding], state: State, began_at: datetime, why: str) -> list[Holding]:
    """`state` from `began_at` on: the sensor counted from the edge, so the other state was before it, also where
    nothing was known."""
    *kept, last = inferred(past, state, began_at, why)
    return [*kept, msgspec.structs.replace(last, before=_OTHER[state])]
