"""What closed days say of single sensors: who drifts, who echoes a neighbour, how many short spells are usual.

Pure. Drift (dirt, snow, a failing part, also where it flaps now and then): the share of time in which a bay is taken is
held against the middle of its street on the same day; by how much it differs is held against how much it used to. Only
working days are: a street's bays are less alike on others, and those are few. An
echo of a neighbour is a spell that begins and ends with one next door, to the seconds; by chance that happens once in
ten thousand spells.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import sqrt
from statistics import fmean, median, quantiles, stdev
from typing import NamedTuple

import msgspec

from occupancy.cells import Held
from occupancy.chatter import is_short, turned
from occupancy.model import BayId, State, SuspicionKind, ZoneId

_DAY_S = 86_400.0
_OBSERVED_S = 12 * 3600.0
"""Of a day that counts for drift."""
_OTHERS = 3
"""Other bays of a street, at least, that tell what its day was like."""
_BASE_DAYS = 5
_NEW_DAYS = 2
_LEAST_SPREAD = 0.1
_STEPS_OUT, _STEPS_BACK = 5.5, 2.5
"""Spreads of the new days' mean that are drift, and of one day at which it is over."""
_LEAST_DRIFT = 0.25

_TOGETHER = timedelta(seconds=20)
"""Between the edges of an echo and its neighbour's: two delays of detection."""
_ECHOES, _ECHO_SHARE = 3, 0.1
"""So many echoes in `_ECHO_DAYS`, and of so large a share of a sensor's spells, are no chance and no couples."""
_ECHO_DAYS = 7

_ALIKE = 8
"""Bays of a kind, at least, that tell how many short spells are usual."""

Day = tuple[datetime, datetime]


def alike(zone_id: ZoneId, kind: str) -> str:
    """Bays of one kind in one zone."""
    return f"{zone_id} {kind}"


class Unreliable(msgspec.Struct, frozen=True, kw_only=True):
    """A sensor that closed days speak against."""

    bay_id: str
    device_id: str
    kind: SuspicionKind
    reason: str
    evidence: dict[str, str | float]


class _Base(NamedTuple):
    """By how much a bay's share of taken time is used to differ from its street's, and how much that varies."""

    usual: float
    spread: float


class Conduct:
    """Collected a zone at a time over some closed days."""

    def __init__(
        self,
        days: Sequence[Day],
        working: Sequence[bool],
        devices: Mapping[BayId, tuple[str, datetime | None]],
        before: Sequence[Unreliable],
    ) -> None:
        """`working` says of each of the days whether it is a working day; `devices` are the sensors that watch the bays
        now, and since when; `before` was said the day before."""
        self._days = days
        self._devices = devices
        self._before = {(one.bay_id, one.device_id, one.kind): one for one in before}
        self._working = [n for n, is_one in enumerate(working) if is_one]
        self._short_by: dict[str, list[float]] = {}
        """Short spells a day of each bay, by kind of bay, and by zone and kind."""
        self.unreliable: list[Unreliable] = []

    def see(
        self, zone_id: ZoneId, history: Mapping[BayId, Sequence[Held]], kinds: Mapping[BayId, str]
    ) -> None:
        """Take in the days of the bays of a zone, of such kinds, in their order along the street."""
        own = {bay_id: self._by_this_sensor(bay_id, held) for bay_id, held in history.items()}
        for bay_id, held in own.items():
            self._count_short(held, (kinds[bay_id], alike(zone_id, kinds[bay_id])))
        if self._working and self._working[-1] == len(self._days) - 1:
            self._look_for_drift(own)
        else:
            self._go_on_with_drift(own)
        self._look_for_echoes(own)

    def short_spells(self) -> dict[str, float]:
        """By kind, and by zone and kind, how many short spells a day a bay has that has more than most of them."""
        return {
            key: round(quantiles(rates, n=4, method="inclusive")[2], 2)
            for key, rates in self._short_by.items()
            if len(rates) >= _ALIKE
        }

    def _by_this_sensor(self, bay_id: BayId, held: Sequence[Held]) -> list[Held]:
        since = self._devices.get(bay_id, ("", None))[1]
        return [one for one in held if since is None or one.started_at >= since]

    def _count_short(self, held: Sequence[Held], keys: Iterable[str]) -> None:
        start, end = self._days[0][0], self._days[-1][1]
        known = sum(_seconds(one, start, end) for one in held if one.state is not State.UNKNOWN)
        if known < _OBSERVED_S:
            return
        short = sum(is_short(one, then) for one, then in pairwise(held) if start <= one.started_at < end)
        per_day = short * _DAY_S / known
        for key in keys:
            self._short_by.setdefault(key, []).append(per_day)

    # --- drift -----------------------------------------------------------------------------------------------

    def _look_for_drift(self, own: Mapping[BayId, Sequence[Held]]) -> None:
        days = [self._days[n] for n in self._working]
        shares = {bay_id: _shares(held, days) for bay_id, held in own.items()}
        for bay_id in own:
            beside: list[float | None] = []
            for n, share in enumerate(shares[bay_id]):
                others = [
                    found for bay, each in shares.items() if bay != bay_id and (found := each[n]) is not None
                ]
                beside.append(None if share is None or len(others) < _OTHERS else share - median(others))
            share_now = shares[bay_id][-1]
            if share_now is None or beside[-1] is None:
                self._go_on_with_drift([bay_id])
            else:
                self._judge_drift(bay_id, share_now, beside)

    def _go_on_with_drift(self, own: Iterable[BayId]) -> None:
        """What was said before a day off, or one of which too little was observed, stands."""
        for bay_id in own:
            device_id = self._devices.get(bay_id, ("", None))[0]
            said = self._before.get((bay_id, device_id, SuspicionKind.DRIFT))
            self.unreliable += [] if said is None else [said]

    def _judge_drift(self, bay_id: BayId, share: float, beside: Sequence[float | None]) -> None:
        device_id = self._devices.get(bay_id, ("", None))[0]
        before = self._before.get((bay_id, device_id, SuspicionKind.DRIFT))
        new = [each for each in beside[-_NEW_DAYS:] if each is not None]
        base = _base([each for each in beside[:-_NEW_DAYS] if each is not None])
        if before is not None:
            base = _Base(float(before.evidence["usual"]), float(before.evidence["spread"]))
            off = abs(new[-1] - base.usual)
            drifts = off >= _LEAST_DRIFT / 2 and off > _STEPS_BACK * base.spread
        elif base is None or len(new) < _NEW_DAYS:
            return
        else:
            off = abs(fmean(new) - base.usual)
            drifts = off >= _LEAST_DRIFT and off > _STEPS_OUT * base.spread / sqrt(_NEW_DAYS)
        if drifts and device_id:
            self.unreliable.append(
                Unreliable(
                    bay_id=bay_id,
                    device_id=device_id,
                    kind=SuspicionKind.DRIFT,
                    reason=f"taken {share:.0%} of a day, {new[-1]:+.0%} beside its street, usually {base.usual:+.0%}",
                    evidence={
                        "share": round(share, 3),
                        "beside": round(new[-1], 3),
                        "usual": round(base.usual, 3),
                        "spread": round(base.spread, 3),
                    },
                )
            )

    # --- echoes ----------------------------------------------------------------------------------------------

    def _look_for_echoes(self, own: Mapping[BayId, Sequence[Held]]) -> None:
        start = self._days[-_ECHO_DAYS][0] if len(self._days) >= _ECHO_DAYS else self._days[0][0]
        end = self._days[-1][1]
        taken = {
            bay_id: [
                (one.started_at, then.started_at)
                for before, one, then in zip(held, held[1:], held[2:], strict=False)
                if one.state is State.OCCUPIED and turned(before, one) and turned(one, then)
                if start <= one.started_at < end
            ]
            for bay_id, held in own.items()
        }
        for one, other in pairwise(own):
            echoes = _together(taken[one], taken[other])
            if echoes >= _ECHOES:
                shares = {bay: echoes / len(taken[bay]) for bay in (one, other)}
                for bay, next_door in ((one, other), (other, one)):
                    if shares[bay] >= max(_ECHO_SHARE, shares[next_door]):
                        self._echoes(bay, next_door, echoes, len(taken[bay]))

    def _echoes(self, bay_id: BayId, next_door: BayId, echoes: int, spells: int) -> None:
        device_id = self._devices.get(bay_id, ("", None))[0]
        if device_id and all(
            (one.bay_id, one.kind) != (bay_id, SuspicionKind.CROSSTALK) for one in self.unreliable
        ):
            self.unreliable.append(
                Unreliable(
                    bay_id=bay_id,
                    device_id=device_id,
                    kind=SuspicionKind.CROSSTALK,
                    reason=f"{echoes} of {spells} stays in {_ECHO_DAYS} days came and went with those of {next_door}",
                    evidence={"echoes": echoes, "stays": spells, "neighbour": next_door},
                )
            )


def _seconds(one: Held, start: datetime, end: datetime) -> float:
    """How long something held in a span."""
    until = end if one.ended_at is None else min(one.ended_at, end)
    return max(0.0, (until - max(one.started_at, start)).total_seconds())


def _shares(held: Iterable[Held], days: Sequence[Day]) -> list[float | None]:
    """By day, the share of its observed time in which a bay was taken; None: too little was observed."""
    taken, known = [0.0] * len(days), [0.0] * len(days)
    starts = [start for start, _ in days]
    for one in held:
        if one.state is State.UNKNOWN:
            continue
        for n in range(max(0, bisect_right(starts, one.started_at) - 1), len(days)):
            if one.ended_at is not None and one.ended_at <= starts[n]:
                break
            lasted = _seconds(one, *days[n])
            known[n] += lasted
            taken[n] += lasted if one.state is State.OCCUPIED else 0.0
    return [part / whole if whole >= _OBSERVED_S else None for part, whole in zip(taken, known, strict=True)]


def _base(days: Sequence[float]) -> _Base | None:
    if len(days) < _BASE_DAYS:
        return None
    return _Base(fmean(days), max(_LEAST_SPREAD, stdev(days)))


def _together(one: Sequence[tuple[datetime, datetime]], other: Sequence[tuple[datetime, datetime]]) -> int:
    """How many spells of two bays begin and end together; both in order of time."""
    found = at = 0
    for start, end in one:
        while at < len(other) and other[at][0] < start - _TOGETHER:
            at += 1
        if (
            at < len(other)
            and abs(other[at][0] - start) <= _TOGETHER
            and abs(other[at][1] - end) <= _TOGETHER
        ):
            found += 1
    return found
