"""How long bays stay free and occupied here: learnt from closed days, and what follows for what is shown now.

A spell is one state of one bay without a break. Its end is a matter of rate: ends per hour of spells of one kind of
bay, by state, part of the week and age of the spell (occurrence/exposure rates of survival analysis), with one factor
for each zone, drawn towards 1 while little is known. From these and from how often a sensor's words go missing follows
the probability that what it said last is not so any more: `Plausibility`. Pure; the rates are inputs to the fold (a
dated entry in the log), never something it works out by itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import msgspec

from occupancy.calendar import zone_of
from occupancy.model import Bay, BayId, State, ZoneId

AGES_H: Sequence[float] = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Where one age of a spell ends and the next begins, in hours."""
PART_H = 3
"""Hours of one part of a day, by the wall clock."""
PARTS = 3 * 24 // PART_H
"""Parts of the week that are told apart: those of working days, Saturdays and Sundays."""
CELLS = PARTS * (len(AGES_H) + 1)
STATES = (State.FREE, State.OCCUPIED)
HALF_LIFE_DAYS = 14
"""What was seen so long ago counts half."""

_KIND_PRIOR_H = 50.0
"""Bay-hours of all bays' rate in each cell of a kind."""
_ZONE_PRIOR = 30.0
"""Ends of spells as expected that a zone's factor begins with."""
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
    """By kind of bay (`kind_of`); "" is all of them."""
    zones: dict[str, tuple[tuple[float, float], tuple[float, float]]]
    """By zone: ends seen and expected, of free and of occupied spells."""


def kind_of(bay: Bay) -> str:
    """Bays whose spells are alike: of one type, under the same rules."""
    return "/".join((bay.bay_type.value, *sorted(bay.rule_ids)))
