"""What closed days teach of spells, taken in a street at a time.

Of every day it keeps how long bays of each kind were in each cell, in whole microseconds, and how many spells ended
there: so it grows with streets and kinds, not with spells, and the order in which these come changes nothing (L3).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from occupancy.model import Bay, BayId, ZoneId
from occupancy.spans import Span
from occupancy.spells import (
    AGES_H,
    ALL,
    CELLS,
    MOST_KINDS,
    STATES,
    LearntSpells,
    Rates,
    Spell,
    SpellRates,
    cell_of,
    hour_of_week,
    kind_of,
    part_of_week,
)

HALF_LIFE_DAYS = 14
"""What was seen so long ago counts half."""
_FADED = 0.5 ** (1 / HALF_LIFE_DAYS)
_US = timedelta(microseconds=1)
_HOUR_US = 3_600_000_000
_AGES_US = tuple(int(age * _HOUR_US) for age in AGES_H)

_Where = tuple[str, int, int]
"""Kind of bay, state and cell."""
_Seen = dict[_Where, list[int]]
"""Microseconds, and ends of spells."""


class SpellLesson:
    """What was known `before`, and what is seen in some closed days (start, end; UTC), which are in order."""

    def __init__(self, before: LearntSpells | None, days: Sequence[Span], time_zone: str) -> None:
        self._before = before
        self._days = days
        self._time_zone = time_zone
        self._seen: list[dict[ZoneId, _Seen]] = [{} for _ in days]

    def see(self, spells: Iterable[Spell], bays: Mapping[BayId, Bay]) -> bool:
        """Take in spells, of any days. Whether there was one of a bay that is known."""
        any_seen = False
        kinds: dict[BayId, str] = {}
        for spell in spells:
            bay = bays.get(spell.bay_id)
            if bay is None or spell.state not in STATES:
                continue
            any_seen = True
            kind = kinds.get(bay.bay_id) or kinds.setdefault(bay.bay_id, kind_of(bay))
            for day, seen in zip(self._days, self._seen, strict=True):
                for piece in _pieces(spell, day, self._time_zone):
                    found = seen.setdefault(bay.zone_id, {})
                    of_cell = found.setdefault((kind, piece.state, piece.cell), [0, 0])
                    of_cell[0] += piece.lasted_us
                    of_cell[1] += piece.ended
        return any_seen

    def learnt(self) -> LearntSpells | None:
        """What is known after these days: each makes what was known before it older by a day."""
        known = self._before
        for day, seen in zip(self._days, self._seen, strict=True):
            known = _grown(known, day[1], seen)
        return known


def _grown(before: LearntSpells | None, until: datetime, seen: Mapping[ZoneId, _Seen]) -> LearntSpells:
    sums = {kind: _Sums(rates) for kind, rates in (before.kinds.items() if before else ())}
    for where, (lasted_us, ended) in _of_all_zones(seen).items():
        sums.setdefault(where[0], _Sums(None)).add(where, lasted_us, ended)
    most = sorted(sums, key=lambda kind: (kind != ALL, -sums[kind].total(), kind))[:MOST_KINDS]
    kinds = {kind: sums[kind].rates() for kind in most}
    rates = SpellRates(kinds)
    zones = {
        zone: [[n * _FADED for n in of] for of in pair]
        for zone, pair in (before.zones if before else {}).items()
    }
    for zone_id, own in seen.items():
        factors = zones.setdefault(zone_id, [[0.0, 0.0], [0.0, 0.0]])
        for (kind, state, cell), (lasted_us, ended) in sorted(own.items()):
            factors[state][0] += ended
            factors[state][1] += lasted_us / _HOUR_US * rates.of(kind, state)[cell]
    return LearntSpells(
        until, kinds, {zone: (_pair(free), _pair(taken)) for zone, (free, taken) in zones.items()}
    )


def _of_all_zones(seen: Mapping[ZoneId, _Seen]) -> _Seen:
    """By kind, and of `ALL`."""
    found: _Seen = {}
    for own in seen.values():
        for (kind, state, cell), (lasted_us, ended) in own.items():
            for name in (ALL, kind):
                of_cell = found.setdefault((name, state, cell), [0, 0])
                of_cell[0] += lasted_us
                of_cell[1] += ended
    return found


def _pair(of: Sequence[float]) -> tuple[float, float]:
    return round(of[0], 2), round(of[1], 2)


class _Sums:
    """Bay-hours and ends of one kind, being added up."""

    def __init__(self, before: Rates | None) -> None:
        self._hours = _faded(before.hours if before else None)
        self._ends = _faded(before.ends if before else None)

    def add(self, where: _Where, lasted_us: int, ended: int) -> None:
        """Once for each state and cell."""
        _, state, cell = where
        self._hours[state][cell] += lasted_us / _HOUR_US
        self._ends[state][cell] += ended

    def total(self) -> float:
        return sum(map(sum, self._hours))

    def rates(self) -> Rates:
        return Rates(_rounded(self._hours), _rounded(self._ends))


def _faded(tables: Iterable[Iterable[float]] | None) -> list[list[float]]:
    return [[0.0] * CELLS for _ in STATES] if tables is None else [[n * _FADED for n in of] for of in tables]


def _rounded(tables: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    free, occupied = (tuple(round(n, 3) for n in of) for of in tables)
    return free, occupied


class _Piece(NamedTuple):
    """What a spell was in one cell; `ended`: 1 where it ended there."""

    state: int
    cell: int
    lasted_us: int
    ended: int


def _pieces(spell: Spell, day: Span, time_zone: str) -> Iterator[_Piece]:
    """A spell's time within the day, cut where another part of the week or another age begins."""
    if spell.started_at >= day[1] or spell.seen_until <= day[0]:
        return
    state, parts = STATES.index(spell.state), _parts_of(day, time_zone)
    age = (day[0] - spell.started_at) // _US
    until = (min(spell.seen_until, day[1]) - day[0]) // _US
    at = max(0, -age)
    edges = [edge - age for edge in _AGES_US if at < edge - age < until]
    edges += [end for _, end in parts if at < end < until]
    for end in sorted((*edges, until)):
        if end <= at:
            continue
        middle = (at + end) / 2
        part = next(part for part, ends in parts if middle < ends)
        ended = int(end == until and spell.ended_at is not None and spell.ended_at <= day[1])
        yield _Piece(state, cell_of(part, (middle + age) / _HOUR_US), end - at, ended)
        at = end


@lru_cache(maxsize=8)
def _parts_of(day: Span, time_zone: str) -> tuple[tuple[int, int], ...]:
    """The parts of a day, each with its end in microseconds after the day's start."""
    found: list[tuple[int, int]] = []
    step = timedelta(minutes=15)
    at = day[0]
    while at < day[1]:
        part = part_of_week(hour_of_week(at, time_zone))
        at += step
        if found and found[-1][0] == part:
            found.pop()
        found.append((part, (at - day[0]) // _US))
    return tuple(found)
