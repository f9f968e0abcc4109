"""What usually passes a gate by hour, to bridge the time that it was silent.

Hours are UTC, on working days and weekends: a profile for a gap of some hours, not a forecast. Pure.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

_HOUR = timedelta(hours=1)
_HOURS = 48
_LONGEST_GAP = timedelta(hours=12)
_HOURS_NEEDED = 2
_MEMORY = 8
_VARIES = 0.35
"""Standard deviation of an hour's passages from the usual, as a share of it."""

Usual = tuple[float, float, int]
"""Vehicles in and out in one hour, and the hours that this rests on."""

_NOTHING: tuple[Usual, ...] = ((0.0, 0.0, 0),) * _HOURS


class Flow(msgspec.Struct, frozen=True):
    """One gate's present hour so far, and its usual ones."""

    hour: datetime
    ins: int = 0
    outs: int = 0
    whole: bool = False
    """Whether the gate was heard through the present hour, so that it can teach."""
    usual: tuple[Usual, ...] = _NOTHING

    def passed(self, at: datetime, delta: int) -> Flow:
        """Anything heard from the gate at `at`; `delta` +1 in, -1 out, 0 no vehicle."""
        hour = at.replace(minute=0, second=0, microsecond=0)
        now = self if hour == self.hour else self._turned(hour)
        if delta == 0:
            return now
        return replace(now, ins=now.ins + (delta > 0), outs=now.outs + (delta < 0))

    def broken(self, at: datetime) -> Flow:
        """The gate speaks again after a silence: the hours it reaches into teach nothing."""
        return replace(self, hour=at.replace(minute=0, second=0, microsecond=0), ins=0, outs=0, whole=False)

    def between(self, start: datetime, end: datetime) -> tuple[float, float] | None:
        """Vehicles (in, out) usual in [start, end); None where that is not known."""
        if end - start > _LONGEST_GAP:
            return None
        ins = outs = 0.0
        hour = start.replace(minute=0, second=0, microsecond=0)
        while hour < end:
            usual_in, usual_out, hours = self.usual[_bin(hour)]
            if hours < _HOURS_NEEDED:
                return None
            share = (min(end, hour + _HOUR) - max(start, hour)) / _HOUR
            ins += share * usual_in
            outs += share * usual_out
            hour += _HOUR
        return ins, outs

    def _turned(self, hour: datetime) -> Flow:
        usual = self.usual
        if self.whole:
            number = _bin(self.hour)
            was_in, was_out, hours = usual[number]
            gain = 1 / (min(hours, _MEMORY) + 1)
            # Rounded, since every checkpoint keeps them.
            learnt = (
                round(was_in + gain * (self.ins - was_in), 2),
                round(was_out + gain * (self.outs - was_out), 2),
                hours + 1 if hours < _MEMORY else hours,
            )
            usual = (*usual[:number], learnt, *usual[number + 1 :])
        return Flow(hour, whole=True, usual=usual)


def gap_variance(ins: float, outs: float) -> float:
    """How far the vehicles that passed in a gap may be from the usual ones, in vehicles²."""
    return ins + outs + (_VARIES * ins) ** 2 + (_VARIES * outs) ** 2


def _bin(hour: datetime) -> int:
    return hour.hour + (24 if hour.weekday() >= 5 else 0)
