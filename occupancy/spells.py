"""How long bays stay free and occupied here: learnt from closed days.

A spell is one state of one bay without a break. Its end is a matter of rate: ends per hour of spells of one kind of
bay, by state, part of the week and age of the spell (occurrence/exposure rates of survival analysis), with one factor
for each zone, drawn towards 1 while little is known. From these and from how often a sensor's words go missing follows
the probability that what it said last is not so any more (`plausibility.py`). Pure; the rates are inputs to the fold
(a dated entry in the log), never something it works out by itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
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
HALF_LIFE_DAYS = 14
"""What was seen so long ago counts half."""
_FADED = 0.5 ** (1 / HALF_LIFE_DAYS)

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


def learn(
    before: LearntSpells | None,
    spells: Iterable[Spell],
    bays: Mapping[BayId, Bay],
    day: tuple[datetime, datetime],
    time_zone: str,
) -> LearntSpells:
    """What was known, grown older by a day, and what was seen in `day` (start, end; UTC) of spells that touch it."""
    pieces = [
        (bay.zone_id, kind_of(bay), piece)
        for spell in spells
        if spell.state in STATES and (bay := bays.get(spell.bay_id))
        for piece in _pieces(spell, day, time_zone)
    ]
    sums = {kind: _Sums(rates) for kind, rates in (before.kinds.items() if before else ())}
    for _, kind, piece in pieces:
        for name in (ALL, kind):
            sums.setdefault(name, _Sums(None)).add(piece)
    most = sorted(sums, key=lambda kind: (kind != ALL, -sums[kind].total(), kind))[:MOST_KINDS]
    kinds = {kind: sums[kind].rates() for kind in most}
    rates = SpellRates(kinds)
    zones = {
        zone: [[n * _FADED for n in of] for of in pair]
        for zone, pair in (before.zones if before else {}).items()
    }
    for zone_id, kind, piece in pieces:
        of_state = zones.setdefault(zone_id, [[0.0, 0.0], [0.0, 0.0]])[piece.state]
        of_state[0] += piece.ended
        of_state[1] += piece.hours * rates.of(kind, piece.state)[piece.cell]
    return LearntSpells(
        day[1], kinds, {zone: (_pair(free), _pair(taken)) for zone, (free, taken) in zones.items()}
    )


def _pair(of: Sequence[float]) -> tuple[float, float]:
    return round(of[0], 2), round(of[1], 2)


class _Piece(NamedTuple):
    """What a spell was in one cell; `ended`: 1 where it ended there."""

    state: int
    cell: int
    hours: float
    ended: int


class _Sums:
    """Bay-hours and ends of one kind, being added up."""

    def __init__(self, before: Rates | None) -> None:
        self._hours = _faded(before.hours if before else None)
        self._ends = _faded(before.ends if before else None)

    def add(self, piece: _Piece) -> None:
        self._hours[piece.state][piece.cell] += piece.hours
        self._ends[piece.state][piece.cell] += piece.ended

    def total(self) -> float:
        return sum(map(sum, self._hours))

    def rates(self) -> Rates:
        return Rates(_rounded(self._hours), _rounded(self._ends))


def _faded(tables: Iterable[Iterable[float]] | None) -> list[list[float]]:
    return [[0.0] * CELLS for _ in STATES] if tables is None else [[n * _FADED for n in of] for of in tables]


def _rounded(tables: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    free, occupied = (tuple(round(n, 3) for n in of) for of in tables)
    return free, occupied


def _pieces(spell: Spell, day: tuple[datetime, datetime], time_zone: str) -> Iterator[_Piece]:
    """A spell's time within the day, cut where another part of the week or another age begins."""
    state, parts = STATES.index(spell.state), _parts_of(day, time_zone)
    age = (day[0] - spell.started_at).total_seconds() / 3600
    until = (min(spell.seen_until, day[1]) - day[0]).total_seconds() / 3600
    at = max(0.0, -age)
    edges = [edge - age for edge in AGES_H if at < edge - age < until]
    edges += [end for _, end in parts if at < end < until]
    for end in sorted((*edges, until)):
        if end <= at:
            continue
        middle = (at + end) / 2
        part = next(part for part, ends in parts if middle < ends)
        ended = int(end == until and spell.ended_at is not None and spell.ended_at <= day[1])
        yield _Piece(state, cell_of(part, middle + age), end - at, ended)
        at = end


@lru_cache(maxsize=4)
def _parts_of(day: tuple[datetime, datetime], time_zone: str) -> tuple[tuple[int, float], ...]:
    """The parts of a day, each with its end in hours after the day's start."""
    found: list[tuple[int, float]] = []
    step = timedelta(minutes=15)
    at = day[0]
    while at < day[1]:
        part = part_of_week(hour_of_week(at, time_zone))
        at += step
        hours = (at - day[0]).total_seconds() / 3600
        if found and found[-1][0] == part:
            found.pop()
        found.append((part, hours))
    return tuple(found)


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
