"""How long bays stay free and occupied here: learnt from closed days.

A spell is one state of one bay without a break. Its end is a matter of rate: ends per hour of spells of one kind of
bay, by state, part of the week and age of the spell (occurrence/exposure rates of survival analysis), with one factor
for each zone, drawn towards 1 while little is known. From these and from how often a sensor's words go missing follows
the probability that what it said last is not so any more (`plausibility.py`). Pure; the rates are inputs to the fold
(a dated entry in the log), never something it works out by itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from occupancy.calendar import zone_of
from occupancy.model import Bay, BayId, State

AGES_H: Sequence[float] = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Where one age of a spell ends and the next begins, in hours."""
PART_H = 3
"""Hours of one part of a day, by the wall clock."""
PARTS = 3 * 24 // PART_H
"""Parts of the week that are told apart: those of working days, of Saturdays, and of Sundays."""
CELLS = PARTS * (len(AGES_H) + 1)
ALL = ""
"""The kind that all bays are of."""
MOST_KINDS = 40
"""The others, those with the fewest bays, are only known as some of all bays."""
STATES = (State.FREE, State.OCCUPIED)
_KIND_PRIOR_H = 50.0
"""Bay-hours of all bays' rate in each cell of a kind."""
_AGE_PRIOR_H = 10.0
"""Bay-hours of the rate of the age before in each age of all bays."""
_UNSEEN_RATE = 0.2
"""Of the rate of other times, in a part of the week that was never seen: a quiet time is no reason for doubt."""
_LEAST_RATE = 0.002
"""Ends per hour where none was ever seen: spells do end."""


class Spell(NamedTuple):
    """One state of a bay, from its beginning; `ended_at` None: it lasts, or what ended it is not known."""

    bay_id: BayId
    state: State
    started_at: datetime
    ended_at: datetime | None
    seen_until: datetime
    """The end, or for how long it is known to have lasted."""


class Rates(msgspec.Struct, frozen=True):
    """Bay-hours and ends of spells by state (free, occupied) and cell: part of the week, then age."""

    hours: tuple[tuple[float, ...], tuple[float, ...]]
    ends: tuple[tuple[float, ...], tuple[float, ...]]


class LearntSpells(msgspec.Struct, frozen=True):
    """What is known of the spells of one area's bays at the end of `until`."""

    until: datetime
    kinds: dict[str, Rates]
    """By kind of bay (`kind_of`), and of `ALL`."""
    zones: dict[str, tuple[tuple[float, float], tuple[float, float]]]
    """By zone: ends seen and expected, of free and of occupied spells."""


def kind_of(bay: Bay) -> str:
    """Bays whose spells are alike: of one type, under the same rules."""
    return "/".join((bay.bay_type.value, *sorted(bay.rule_ids)))


def cell_of(part: int, age_h: float) -> int:
    """The cell of spells of that age in hours, in that part of the week."""
    return part * (len(AGES_H) + 1) + bisect_right(AGES_H, age_h)


def hour_of_week(at: datetime, time_zone: str) -> int:
    """0..167, by the wall clock: 0 is Monday from midnight on."""
    local = at.astimezone(zone_of(time_zone))
    return local.weekday() * 24 + local.hour


def part_of_week(hour: int) -> int:
    """The part that an hour of the week lies in; hours beyond its end are those of the next."""
    weekday, hour = divmod(hour % 168, 24)
    return max(0, weekday - 4) * (24 // PART_H) + hour // PART_H


def _by_age(hours: Sequence[float], ends: Sequence[float]) -> list[float]:
    """Ends per hour at all times of the week; an age that is seldom reached is like the one before it."""
    found: list[float] = []
    rate = sum(ends) / sum(hours) if sum(hours) else _LEAST_RATE
    ages = len(AGES_H) + 1
    for age in range(ages):
        rate = (sum(ends[age::ages]) + _AGE_PRIOR_H * rate) / (sum(hours[age::ages]) + _AGE_PRIOR_H)
        found.append(rate)
    return found


class SpellRates:
    """Ends per hour, smoothed: a kind by all bays, those by their age alone."""

    def __init__(self, kinds: Mapping[str, Rates]) -> None:
        self._kinds = kinds
        self._known: dict[tuple[str, int], Sequence[float]] = {}

    def of(self, kind: str, state: int) -> Sequence[float]:
        found = self._known.get((kind, state))
        if found is None:
            found = self._known[kind, state] = self._smoothed(kind, state)
        return found

    def _smoothed(self, kind: str, state: int) -> Sequence[float]:
        rates = self._kinds.get(kind)
        if kind and rates is None:
            return self.of(ALL, state)
        if rates is None:
            return [_LEAST_RATE] * CELLS
        hours, ends = rates.hours[state], rates.ends[state]
        if kind:
            wider: Sequence[float] = self.of(ALL, state)
        else:
            wider = [rate * _UNSEEN_RATE for rate in _by_age(hours, ends)] * PARTS
        return [
            max(_LEAST_RATE, (e + _KIND_PRIOR_H * w) / (h + _KIND_PRIOR_H))
            for e, h, w in zip(ends, hours, wider, strict=True)
        ]
