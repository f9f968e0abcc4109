"""Whether a word of an earlier boot is late, or its device was reset and counts its boots anew.

The words of a device are put in order by boot. So a word of a low boot that was said after those of higher ones would
push all of them behind its own time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from occupancy.clocks import LONGEST, NEAR

CLOCK_OFF = timedelta(minutes=15)
"""A clock may be ahead by so much and its device be believed all the same."""
DOUBTED = timedelta(days=1)
"""What cannot be told for sure is given so much: a gateway may have held up a word that tells no time, a clock may have
been set to another time zone. Hours of history become final after two days."""


class Told(NamedTuple):
    """When a word was said. `heard_at`: when it was there at the latest; `sure`: a clock that can be right says so."""

    said_at: datetime
    heard_at: datetime
    sure: bool


def told(at: datetime | None, age: timedelta, received_at: datetime, *, live: bool) -> Told:
    """By its own clock where that can be right: in a live area not after the receipt, and not a month before it.

    Event areas take times as they are.
    """
    if at is None:
        said_at = received_at - age
        return Told(said_at, received_at if live else said_at, sure=False)
    if not live:
        return Told(at, at, sure=True)
    if -NEAR <= received_at - at <= LONGEST:
        return Told(at, received_at, sure=True)
    return Told(received_at, received_at, sure=False)


def went_back(word: Told, *, later_said_at: datetime, later_heard_at: datetime) -> bool:
    """Whether a word was said after a later boot of its device had begun, as far as that can be told."""
    if not word.sure:
        return word.said_at - later_heard_at > DOUBTED
    return word.said_at - later_heard_at > CLOCK_OFF or word.said_at - later_said_at > DOUBTED
