"""From what a sensor saw to the rows of the bays it was bound to: intervals, stays, and the live state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import zip_longest

from occupancy.clocks import z
from occupancy.device_fold import DeviceFold
from occupancy.model import (
    BayId,
    BayInterval,
    BayState,
    Binding,
    DeviceId,
    Quality,
    State,
    Stay,
)
from occupancy.repair import Holding
from occupancy.rules import Access
from occupancy.step import Standing
from occupancy.transitions import Verdict


def bay_rows(
    device_id: DeviceId,
    bay_id: BayId,
    bindings: Sequence[Binding],
    holdings: Sequence[Holding],
    watermark: datetime | None,
) -> tuple[list[BayInterval], list[Stay]]:
    """Cut what a sensor saw to the times it watched this bay; no stay crosses the end of a binding.

    `bindings` are the sensor's to this bay in time order; so are `holdings`, the last of which lasts. What lasts is
    open until the watermark reaches the end of its binding; of a binding that has not begun nothing is said.
    """
    intervals: list[BayInterval] = []
    stays: list[Stay] = []
    reached_at = max(holdings[-1].since, watermark or holdings[-1].since)
    for binding in bindings:
        if binding.valid_from is not None and binding.valid_from > reached_at:
            continue
        for holding, then in zip_longest(holdings, holdings[1:]):
            start = holding.since
            if binding.valid_from is not None and binding.valid_from > start:
                start = binding.valid_from
            end = then.since if then else None
            if binding.valid_to is not None and (end is None or binding.valid_to < end):
                reached = end is not None or (watermark is not None and binding.valid_to <= watermark)
                end = binding.valid_to if reached else None
                if start >= binding.valid_to:
                    continue
            if end is not None and end <= start:
                continue
            seen = start == holding.since
            intervals.append(
                BayInterval(
                    bay_id=bay_id,
                    started_at=start,
                    ended_at=end,
                    state=holding.state,
                    reason=holding.reason,
                    device_id=device_id,
                    inferred=holding.inferred and seen,
                    uncertain_s=holding.uncertain_s if seen else 0.0,
                )
            )
            if holding.state is State.OCCUPIED:
                stays.append(_stay(bay_id, device_id, holding, then, start, end))
    return intervals, stays


def live_state(bay_id: BayId, fold: DeviceFold, standing: Standing, binding: Binding) -> BayState:
    """The bay's live answer from what holds of the sensor that watches it now."""
    last = standing.trail[-1]
    since = last.since if binding.valid_from is None else max(last.since, binding.valid_from)
    overdue = f"; overdue, last heard at {z(fold.as_of)}" if standing.verdict is Verdict.OVERDUE else ""
    return BayState(
        bay_id=bay_id,
        state=last.state,
        since=since,
        as_of=fold.as_of,
        confidence=standing.confidence,
        reason=last.reason + overdue,
        device_id=fold.device_id,
        last_said=last.before if standing.verdict is Verdict.CUT_OFF else None,
        free_chance=_AS_IT_WAS.get(last.before) if standing.verdict is Verdict.CUT_OFF else None,
    )


_AS_IT_WAS = {State.FREE: 1.0, State.OCCUPIED: 0.0}


def unsensed(bay_id: BayId) -> BayState:
    """What is said of a bay that no sensor has spoken about (L4)."""
    return BayState(
        bay_id=bay_id,
        state=State.UNKNOWN,
        since=None,
        as_of=None,
        confidence=0.0,
        reason="no sensor has spoken about this bay",
    )


def shown(state: BayState, access: Access) -> BayState:
    """The same bay as drivers see it: closed while a rule or an override closes it, whatever stands in it."""
    if not access.closed:
        return state
    return replace(state, state=State.CLOSED, reason=access.closed_by, confidence=1.0)


def _stay(
    bay_id: BayId,
    device_id: DeviceId,
    held: Holding,
    then: Holding | None,
    start: datetime,
    end: datetime | None,
) -> Stay:
    arrived = held.before is State.FREE and start == held.since
    left = then is not None and then.state is State.FREE and end == then.since
    return Stay(
        bay_id=bay_id,
        arrived_at=start,
        departed_at=end,
        arrival=_quality(held) if arrived else Quality.CENSORED,
        departure=None if end is None else _quality(then) if then and left else Quality.CENSORED,
        device_id=device_id,
        arrived_uncertain_s=held.uncertain_s if arrived else 0.0,
        departed_uncertain_s=then.uncertain_s if then and left else 0.0,
    )


def _quality(began: Holding) -> Quality:
    return Quality.REPAIRED if began.inferred else Quality.OBSERVED
