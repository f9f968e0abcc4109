"""From what a sensor saw to the rows of the bays it was bound to: intervals, stays, and the live state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

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
from occupancy.rules import Access
from occupancy.step import DeviceFold, Span


def bay_rows(
    device_id: DeviceId,
    bay_id: BayId,
    bindings: Sequence[Binding],
    spans: Sequence[Span],
    watermark: datetime | None,
) -> tuple[list[BayInterval], list[Stay]]:
    """Cut a sensor's spans to the times it watched this bay; no stay crosses the end of a binding.

    `bindings` are the sensor's to this bay in time order, `spans` are in time order. What lasts is open until the
    watermark reaches the end of its binding.
    """
    intervals: list[BayInterval] = []
    stays: list[Stay] = []
    for binding in bindings:
        for span in spans:
            start = (
                span.started_at if binding.valid_from is None else max(span.started_at, binding.valid_from)
            )
            end = span.ended_at
            if binding.valid_to is not None and (end is None or binding.valid_to < end):
                reached = end is not None or (watermark is not None and binding.valid_to <= watermark)
                end = binding.valid_to if reached else None
                if start >= binding.valid_to:
                    continue
            if end is not None and end <= start:
                continue
            intervals.append(
                BayInterval(
                    bay_id=bay_id,
                    started_at=start,
                    ended_at=end,
                    state=span.state,
                    reason=span.reason,
                    device_id=device_id,
                )
            )
            if span.state is State.OCCUPIED:
                stays.append(_stay(bay_id, device_id, span, start, end))
    return intervals, stays


def live_state(bay_id: BayId, fold: DeviceFold, last: Span, binding: Binding) -> BayState:
    """The bay's live answer from the last span of the sensor that watches it now."""
    known = last.state in (State.FREE, State.OCCUPIED)
    since = last.started_at if binding.valid_from is None else max(last.started_at, binding.valid_from)
    return BayState(
        bay_id=bay_id,
        state=last.state,
        since=since,
        as_of=fold.as_of,
        confidence=fold.confidence if known else 0.0,
        reason=last.reason,
        device_id=fold.device_id,
    )


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


def _stay(bay_id: BayId, device_id: DeviceId, span: Span, start: datetime, end: datetime | None) -> Stay:
    arrived = span.before is State.FREE and start == span.started_at
    left = span.after is State.FREE and end == span.ended_at
    return Stay(
        bay_id=bay_id,
        arrived_at=start,
        departed_at=end,
        arrival=Quality.OBSERVED if arrived else Quality.CENSORED,
        departure=None if end is None else Quality.OBSERVED if left else Quality.CENSORED,
        device_id=device_id,
    )
