"""When it happened, from what the device's clock said and when we received it.

A clock that is wrong keeps the same error from one arrival to the next; a message that is late does not. So an error
is believed once two arrivals, independent of each other, show the same; until then the device's own word stands. A time
that had not come when the message arrived cannot be: the clock is wrong at once. All of it is a function of the
device's readings in its own order, receipts included, so any order of arrival gives the same (L3).
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from occupancy.model import Reading, ReadingKey
from occupancy.transitions import Verdict

NEAR = timedelta(minutes=2)
"""Errors this small are left alone: delays on the air and drift between two settings of the clock."""
APART = timedelta(minutes=5)
"""Arrivals this far apart are independent: no single batch delivers both."""
LONGEST = timedelta(days=30)
"""No message is this late; a clock this far behind was never set."""
_NOTHING = timedelta(0)
_FOLLOWS = 16
"""A known error follows what is seen of it by one part in so many: drift is slow, delays are not."""


class Doubt(msgspec.Struct, frozen=True):
    """A reading that was late, or told by a wrong clock: its error, its receipt, and where it was placed."""

    behind: timedelta
    received_at: datetime
    placed_at: datetime


class DeviceClock(msgspec.Struct, frozen=True):
    """`offset` is what must be added to what the clock says; zero for a clock that is believed."""

    offset: timedelta = _NOTHING
    doubt: Doubt | None = None


RIGHT = DeviceClock()


class Told(msgspec.Struct, frozen=True, gc=False):
    """`verdict` None: the clock is right, as far as can be told. `uncertain_s`: the time may be off by so much."""

    at: datetime
    clock: DeviceClock
    verdict: Verdict | None
    uncertain_s: float


def tell(clock: DeviceClock, reading: Reading, *, earliest: datetime, before: ReadingKey) -> Told:
    """Place a reading of a live area in time: not after its receipt, and not before `earliest`, the last word
    (`before` is its key)."""
    received_at = reading.received_at
    if reading.at is None:
        at = received_at - timedelta(milliseconds=reading.age_ms or 0)
        return Told(max(at, earliest), clock, None, 0.0)
    behind = received_at - reading.at
    if clock is RIGHT and _NOTHING <= behind <= NEAR:  # as nearly always
        return Told(max(reading.at, earliest), RIGHT, None, 0.0)
    if reading.key[:2] != before[:2] and not NEAR < behind <= LONGEST:
        clock = RIGHT  # set anew, or not at all: its old error says nothing
    beyond = behind - clock.offset
    if -NEAR <= beyond <= NEAR:
        clock, verdict = _agreeing(clock, behind, beyond)
    elif beyond < -NEAR or beyond > LONGEST:
        # Where it was placed is kept: a message with less delay may show the error to be smaller yet.
        offset = _NOTHING if abs(behind) <= NEAR else behind
        clock = DeviceClock(offset, Doubt(behind, received_at, max(received_at, earliest)))
        verdict = Verdict.FUTURE
    elif clock.doubt is None or abs(behind - clock.doubt.behind) > NEAR:
        placed_at = max(received_at - beyond, earliest)
        clock = DeviceClock(clock.offset, Doubt(behind, received_at, placed_at))
        verdict = Verdict.LATE
    elif abs(received_at - clock.doubt.received_at) < APART:
        verdict = Verdict.LATE
    else:
        clock = DeviceClock(min(behind, clock.doubt.behind), clock.doubt)
        verdict = Verdict.RECKONED
    at = received_at - max(behind - clock.offset, _NOTHING)
    return Told(max(at, earliest), clock, verdict, NEAR.total_seconds() if clock.offset else 0.0)


def _agreeing(clock: DeviceClock, behind: timedelta, beyond: timedelta) -> tuple[DeviceClock, Verdict | None]:
    if not clock.offset:
        return RIGHT, None
    # No message arrives before it was sent: the least that is seen is nearest to the error itself.
    offset = behind if beyond < _NOTHING else clock.offset + beyond / _FOLLOWS
    return DeviceClock(offset), Verdict.RECKONED


def z(at: datetime) -> str:
    """A time in words, to the second."""
    return f"{at.isoformat(' ', 'seconds')[:19]}Z"
