"""Where a sensor stands after its last reading, and what it promised."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from occupancy.clocks import DeviceClock
from occupancy.model import Clock, DeviceId, ReadingKey
from occupancy.repair import Holding


class CutOff(NamedTuple):
    """From when on a sensor was cut off: of what it said until then, changes may have been missed."""

    at: datetime
    why: str


class Watch(msgspec.Struct, frozen=True):
    """What a sensor promises, how its area keeps time, and when its words could not be heard."""

    silent_after: timedelta
    overdue_after: timedelta
    clock: Clock
    moves: tuple[datetime, ...] = ()
    """When it began to watch another bay, or one again after none, in order."""
    cut_offs: tuple[CutOff, ...] = ()
    """The outages of its surroundings, in order."""


class DeviceFold(msgspec.Struct, frozen=True):
    """Where a sensor stands after its last reading."""

    device_id: DeviceId
    key: ReadingKey
    trail: tuple[Holding, ...]
    """What holds, last; before it, at most two holdings whose ends may still be put right by what comes."""
    as_of: datetime
    """Its last word of any kind: the beginning of a silence."""
    stated_at: datetime | None
    """Its last word about the bay."""
    stated: float | None
    """The confidence that it gave that word."""
    clock: DeviceClock
    agreed: int
    missed: int
    """Words that fitted what was known before them, and words that showed an edge to be missing."""
    lost: int
    """Messages missing, by their numbers, since the present state began."""
    folded: int
    """Readings folded so far; decides when a checkpoint is due."""

    @property
    def now(self) -> Holding:
        return self.trail[-1]
