"""Recorded counts of one car park turned into the passages that would have made them, seen by imperfect gates.

Each recorded row is the truth at its time. Between two rows as many vehicles come and go as the difference needs, and
others in exchange, since a car park turns over while its count stands still. Gates, each of one direction, then miss
some of them, read some twice, and are down for hours. All from the seed; in order of time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from simulator.recordings import Row

HEADWAY_S = 3.0
"""Two vehicles do not pass one barrier sooner."""
HEARTBEAT_S = 600
_BAYS_A_LANE = 300
_STAY = timedelta(hours=2)
_NIGHT_HOURS = frozenset({22, 23, 0, 1, 2, 3, 4, 5})
_NIGHT_SHARE = 0.1
_BLIND = timedelta(hours=3)
"""Between rows further apart nothing is known of vehicles in exchange."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFaults:
    """Shares are of passages. Each gate misses its own share: between half of `missed` and one and a half of it."""

    missed: float = 0.05
    double: float = 0.015
    misread: float = 0.0
    """Of passages with a token, those with another vehicle's (only with `tokens`)."""
    outage: timedelta = timedelta(hours=2)
    outage_every: timedelta | None = timedelta(days=7)
    """How often one of the car park's gates is down, about."""
    tokens: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What a gate said: a vehicle in (+1) or out (-1), or that it is alive (0)."""

    at: datetime
    delta: int
    gate: str
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Truth:
    """What was recorded at a time, after everything that was seen before it."""

    at: datetime
    occupied: int


def lanes(capacity: int) -> list[str]:
    """The gates of a car park of this size, each one lane of one direction."""
    each = max(1, math.ceil(capacity / _BAYS_A_LANE))
    return [f"{way}-{number}" for way in ("in", "out") for number in range(each)]


def observed(rows: Iterable[Row], capacity: int, faults: GateFaults, seed: str) -> Iterator[Seen | Truth]:
    """One place's rows, in order of time, as its gates would have told of them."""
    random = Random(seed)  # noqa: S311
    names = lanes(capacity)
    each = len(names) // 2
    gates = [
        _Gate(name, 1 if number < each else -1, faults, len(names), random)
        for number, name in enumerate(names)
    ]
    inside: list[str] = []
    turns = {1: 0, -1: 0}
    number = 0
    before: Row | None = None
    for row in rows:
        if before is None:
            inside = [f"first-{n}" for n in range(max(0, row.occupied))]
            yield Truth(row.at, row.occupied)
        elif row.at > before.at:
            said: list[Seen] = []
            for at, way in _passages(before, row, each, random):
                turns[way] += 1
                if way > 0:
                    number += 1
                    inside.append(f"vehicle-{number}")
                token = inside[-1] if way > 0 else _leaves(inside, random)
                said += gates[turns[way] % each + (each if way < 0 else 0)].see(at, token)
            said += [seen for gate in gates for seen in gate.beats(before.at, row.at)]
            yield from sorted(said, key=lambda seen: (seen.at, seen.gate))
            yield Truth(row.at, row.occupied)
        before = row


def _leaves(inside: list[str], random: Random) -> str | None:
    if not inside:
        return None
    number = random.randrange(len(inside))
    inside[number], inside[-1] = inside[-1], inside[number]
    return inside.pop()


def _passages(before: Row, row: Row, each: int, random: Random) -> list[tuple[datetime, int]]:
    """The vehicles between two rows, in order of time."""
    span = row.at - before.at
    net = row.occupied - before.occupied
    usual = max(0, before.occupied) * (span / _STAY)
    if span > _BLIND:
        usual = 0.0
    elif before.at.hour in _NIGHT_HOURS:
        usual *= _NIGHT_SHARE
    exchanged = max(0, round(random.gauss(usual, math.sqrt(usual))))
    outs = max(exchanged, -net, 0)
    return sorted(
        [
            *_spread(before.at, span, outs + net, 1, each, random),
            *_spread(before.at, span, outs, -1, each, random),
        ]
    )


def _spread(
    start: datetime, span: timedelta, vehicles: int, way: int, each: int, random: Random
) -> Iterator[tuple[datetime, int]]:
    """Vehicles of one direction at random times, with room for each at the barriers, taken in turn."""
    seconds = span.total_seconds()
    room = min(HEADWAY_S / each, seconds / (vehicles + 1))
    times = sorted(random.uniform(0, seconds - room * vehicles) for _ in range(vehicles))
    for number, time in enumerate(times):
        yield start + timedelta(seconds=min(seconds, time + room * (number + 1))), way


class _Gate:
    """One lane's camera with its faults."""

    def __init__(self, name: str, way: int, faults: GateFaults, gates: int, random: Random) -> None:
        self._gates = gates
        self.name = name
        self._way = way
        self._faults = faults
        self._random = random
        self._missed = faults.missed * random.uniform(0.5, 1.5)
        self._next_down: datetime | None = None

    def see(self, at: datetime, token: str | None) -> Iterator[Seen]:
        if self._is_down(at) or self._random.random() < self._missed:
            return
        faults, random = self._faults, self._random
        if not faults.tokens:
            token = None
        elif random.random() < faults.misread:
            token = f"misread-{random.getrandbits(64):x}"
        yield Seen(at, self._way, self.name, token)
        if random.random() < faults.double:
            yield Seen(at + timedelta(seconds=random.uniform(0.2, 1.8)), self._way, self.name, token)

    def beats(self, start: datetime, end: datetime) -> Iterator[Seen]:
        """Heartbeats in (start, end], on the full ten minutes."""
        beat = start.timestamp() // HEARTBEAT_S * HEARTBEAT_S + HEARTBEAT_S
        while beat <= end.timestamp():
            at = datetime.fromtimestamp(beat, start.tzinfo)
            if not self._is_down(at):
                yield Seen(at, 0, self.name)
            beat += HEARTBEAT_S

    def _is_down(self, at: datetime) -> bool:
        every = self._faults.outage_every
        if every is None:
            return False
        if self._next_down is None:
            self._next_down = at + every * self._gates * self._random.random()
        while at >= self._next_down + self._faults.outage:
            self._next_down += every * self._gates * self._random.uniform(0.5, 1.5)
        return at >= self._next_down
