"""One process drives the signs at a time; the others stand by.

Two would give each sign frames in turns, by sequences that know nothing of each other, and take back at their end what
the other one claims.
"""

from __future__ import annotations

import asyncio
import logging

from publish import metrics
from store.frames import LOST, FrameLog

_log = logging.getLogger("baycast.publish")
_ASK_EVERY_S = 1.0
_TAKE_OVER_S = 1.0
"""Who drove the signs and lost the record notices within a tick: its last words shall not come after our first."""


async def has_turn(record: FrameLog, stopped: asyncio.Task[None]) -> bool:
    """Wait until this process holds the record of frames; False: it was stopped before."""
    waits: str | None = None
    while not stopped.done():
        why = await _why_not(record)
        if why is None:
            if waits is not None:
                await asyncio.wait({stopped}, timeout=_TAKE_OVER_S)
                _log.warning("this process drives the signs from now on")
            break
        if why != waits:
            _log.warning("%s", why)
        waits = why
        await asyncio.wait({stopped}, timeout=_ASK_EVERY_S)
    metrics.STANDING_BY.set(0)
    metrics.DARK.set(0)
    return not stopped.done()


async def _why_not(record: FrameLog) -> str | None:
    """Return why the signs are not ours to drive now; None: they are."""
    try:
        held = await record.hold()
    except LOST as lost:
        metrics.DARK.set(1)
        await record.drop()
        return f"the record of frames does not answer: {lost!r}"
    metrics.STANDING_BY.set(0 if held else 1)
    metrics.DARK.set(0)
    return None if held else "another process drives the signs: standing by"
