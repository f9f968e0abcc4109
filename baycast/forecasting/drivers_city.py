"""A simulated city as it was seen, instant by instant, and as it was: what forecasts for drivers are judged by.

Streets are cut into pieces as short as real ones. What was seen is what the engine in memory showed at that instant,
from sensors with the faults of a scenario; nothing that became known later is in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

import numpy as np
from numpy.typing import NDArray

from baycast.score.city import START, City, make_city
from baycast.score.decoding import Decoder, instant, to_ms
from baycast.score.memory_engine import MemoryEngine
from occupancy.drivers import ANYBODY
from occupancy.forecast.civil_slots import slots_of
from occupancy.forecast.issue import GRID, Place
from occupancy.forecast.kinds import Kind
from occupancy.forecast.panel import Ints, Panel
from occupancy.forecast.places import Members, bays_at, members_of
from occupancy.forecast.profile import Week
from occupancy.model import AnyReading, BayId, State
from occupancy.registry import Registry
from occupancy.rules import access_of, admits
from simulator.field_run import FieldRun
from simulator.history import History, play
from simulator.scenarios import SCENARIOS

LONGEST = 20
"""Bays of a zone at most."""
BEGINS = START.replace(hour=0)
_STEP_MS = GRID.step // timedelta(milliseconds=1)
_QUARTER = timedelta(minutes=15)
QUARTERS = timedelta(days=7) // _QUARTER
_KNOWN_SHARE = 0.5

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SeenCity:
    """Streets over some days from `BEGINS` on. Steps are those of the grid; zones are numbered by place and bay."""

    places: tuple[Members, ...]
    bays: Ints
    """Of each place."""
    week: Week
    panel: Panel
    """What was seen: (steps, places)."""
    truly_free: Flags
    """(steps, bays)"""
    place_of: Ints
    """Of each bay."""
    zone_of: Ints
    """Of each place."""
    open_to_all: Flags
    """(quarters of the week, places): whether anybody may use the place then,"""
    controlled: Flags
    """and whether a rule is in force there."""

    @property
    def asked(self) -> tuple[Place, ...]:
        return tuple(members.place for members in self.places)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return tuple(members.kind for members in self.places)

    @property
    def zones(self) -> int:
        return int(self.zone_of.max()) + 1

    def quarter(self, step: int) -> int:
        """Of the week, of a step of the panel."""
        return int(self.panel.slots[step]) * QUARTERS // GRID.per_week


def seen_city(*, bays: int, days: int, seed: int, scenario: str, tell: Callable[[str], None]) -> SeenCity:
    """Play it. Raises `KeyError` for a scenario that is none."""
    city = make_city(bays=bays, seed=seed, car_parks=False, longest=LONGEST)
    start_ms = to_ms(BEGINS)
    end_ms = start_ms + days * GRID.per_day * _STEP_MS
    history = play(city.plan, seed=seed, start_ms=start_ms, end_ms=end_ms)
    tell(f"the city lived for {days} days")
    run = FieldRun(history, SCENARIOS[scenario], seed=seed)
    registry = city.registry()
    places = tuple(members for members in members_of(registry) if members.bays)
    numbers = {bay.bay_id: number for number, members in enumerate(places) for bay in members.bays}
    place_of = np.array([numbers[BayId(bay.bay_id)] for bay in city.plan.bays])
    area = registry.area
    if area is None:
        raise ValueError("the city has no area")
    week = Week(area, None)
    shares = _shares(city, run, registry, place_of, len(places), tell)
    zones = {zone_id: n for n, zone_id in enumerate(dict.fromkeys(one.place.zone_id for one in places))}
    rules = [_rules(registry, members, week) for members in places]
    return SeenCity(
        places=places,
        bays=bays_at(registry, places, BEGINS),
        week=week,
        panel=Panel(GRID, shares, slots_of(week, GRID, BEGINS, len(shares))),
        truly_free=_truly_free(history, len(shares)),
        place_of=place_of,
        zone_of=np.array([zones[one.place.zone_id] for one in places]),
        open_to_all=np.stack([usable for usable, _ in rules], axis=1),
        controlled=np.stack([controlled for _, controlled in rules], axis=1),
    )


def _shares(
    city: City, run: FieldRun, registry: Registry, place_of: Ints, places: int, tell: Callable[[str], None]
) -> NDArray[np.float64]:
    """(steps, places): occupied shares as they were known at each step."""
    engine, decoder = MemoryEngine(registry), Decoder(city.directory())
    index = {bay.bay_id: number for number, bay in enumerate(city.plan.bays)}
    states = np.full(len(index), -1)
    code = {State.FREE: 0, State.OCCUPIED: 1}
    of_place = np.bincount(place_of, minlength=places)
    history = run.history
    steps = (history.end_ms - history.start_ms) // _STEP_MS
    found = np.full((steps, places), np.nan)
    messages = run.messages()
    message = next(messages, None)
    for step in range(steps):
        at_ms = history.start_ms + step * _STEP_MS
        window: list[AnyReading] = []
        while message is not None and message.at_ms <= at_ms:
            window.extend(decoder.readings(message))
            message = next(messages, None)
        for bay_id, state in engine.append(window, instant(at_ms)).items():
            states[index[bay_id]] = code.get(state.state, -1)
        known = np.bincount(place_of[states >= 0], minlength=places)
        occupied = np.bincount(place_of[states == 1], minlength=places)
        enough = (known >= _KNOWN_SHARE * of_place) & (known > 0)
        found[step, enough] = occupied[enough] / known[enough]
        if step % (7 * GRID.per_day) == 0:
            tell(f"seen up to day {step // GRID.per_day}")
    return found


def _truly_free(history: History, steps: int) -> Flags:
    """(steps, bays)"""
    found = np.empty((steps, len(history.plan.bays)), dtype=bool)
    for bay, changes in enumerate(history.changes_by_bay()):
        free = not history.occupied_at_start[bay]
        begin = 0
        for at_ms, occupied in changes:
            end = min(steps, ceil((at_ms - history.start_ms) / _STEP_MS))
            found[begin:end, bay] = free
            begin, free = end, not occupied
        found[begin:, bay] = free
    return found


def _rules(registry: Registry, members: Members, week: Week) -> tuple[Flags, Flags]:
    """By quarter of the week that the simulator plays: whether anybody may park there, and whether a rule holds."""
    place = members.place
    usable, controlled = np.zeros(QUARTERS, dtype=bool), np.zeros(QUARTERS, dtype=bool)
    for at in (BEGINS + number * _QUARTER for number in range(QUARTERS)):
        access = access_of(registry, place.rule_ids, place.bay_type, at)
        slot = week.slot(at)
        usable[slot] = not access.closed and admits(access.admits, ANYBODY.driver)
        controlled[slot] = bool(access.rules)
    return usable, controlled
