"""Where a sensor stands, as a row and back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from occupancy.clocks import RIGHT, DeviceClock, Doubt
from occupancy.device_fold import DeviceFold
from occupancy.model import ReadingKey, State
from occupancy.repair import Holding

DEVICE_TYPES = (
    "text int4 int8 int8 text timestamptz timestamptz text text int8 bool float8 jsonb timestamptz float8 "
    "int8 int8 timestamptz timestamptz int8 int8 int8"
).split()
"""Of `device_row`, for binary COPY."""
_MICROSECOND = timedelta(microseconds=1)


def device_row(fold: DeviceFold) -> tuple[object, ...]:
    """The columns of `device_fold` from `device_id` on, in the order of the queries."""
    now, clock, doubt = fold.now, fold.clock, fold.clock.doubt
    return (
        fold.device_id,
        *fold.key,
        now.state.value,
        now.since,
        fold.as_of,
        now.before.value,
        now.reason,
        fold.folded,
        now.inferred,
        now.uncertain_s,
        Jsonb([_holding_doc(holding) for holding in fold.trail[:-1]]) if len(fold.trail) > 1 else None,
        fold.stated_at,
        fold.stated,
        clock.offset // _MICROSECOND,
        doubt.behind // _MICROSECOND if doubt else None,
        doubt.received_at if doubt else None,
        doubt.placed_at if doubt else None,
        fold.agreed,
        fold.missed,
        fold.lost,
    )


def device_fold_of(row: Any) -> DeviceFold:
    """The reverse of `device_row`."""
    device_id, incarnation, boot, seq, state, since, as_of, before, reason, folded, inferred, uncertain_s = (
        row[:12]
    )
    earlier, stated_at, stated, offset_us, behind_us, received_at, placed_at, agreed, missed, lost = row[12:]
    now = Holding(State(state), since, State(before), reason, inferred, uncertain_s)
    doubt = None if behind_us is None else Doubt(timedelta(microseconds=behind_us), received_at, placed_at)
    return DeviceFold(
        device_id,
        ReadingKey(incarnation, boot, seq),
        (*(_holding_of(doc) for doc in earlier or ()), now),
        as_of,
        stated_at,
        stated,
        DeviceClock(timedelta(microseconds=offset_us), doubt) if offset_us or doubt else RIGHT,
        agreed,
        missed,
        lost,
        folded,
    )


def _holding_doc(holding: Holding) -> list[object]:
    return [
        holding.state.value,
        holding.since.isoformat(),
        holding.before.value,
        holding.reason,
        holding.inferred,
        holding.uncertain_s,
    ]


def _holding_of(doc: Any) -> Holding:
    state, since, before, reason, inferred, uncertain_s = doc
    return Holding(State(state), datetime.fromisoformat(since), State(before), reason, inferred, uncertain_s)
