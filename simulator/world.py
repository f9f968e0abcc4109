"""The city's vehicles, second by second: what is true, whatever the devices make of it.

Events come from one heap, in order of time; the same plan, seed and start give the same city. Arrivals are a
Poisson stream for each street and car park whose rate is constant within a quarter hour, which makes drawing
them exact.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from random import Random

from simulator.car_parks import CarPark
from simulator.civil import QUARTER_MS, LocalWeek
from simulator.plan import BayPlan, CityPlan
from simulator.streets import BETWEEN_VEHICLES_MS, Street

_RECENT_MS = 60_000
_MOST_RECENT = 20_000


@dataclass(frozen=True, slots=True)
class BayChanged:
    """A vehicle came into, or left, the bay with this index of the plan."""

    at_ms: int
    bay: int
    occupied: bool
    previous_ms: int
    """How long the state before had lasted."""
    driver: str
    """Who came or left: "general", "blue_badge", "permit:CODE", "loading", "ev", "motorcycle" or "coach"."""


@dataclass(frozen=True, slots=True)
class Passed:
    """A vehicle drove through a gate of the car park with this index of the plan."""

    at_ms: int
    car_park: int
    inward: bool
    vehicle: int


class _What(IntEnum):
    STREET = 0
    LEAVE_BAY = 1
    CAR_PARK = 2
    LEAVE_CAR_PARK = 3


class World:
    """Ground truth from `start_ms` (milliseconds since 1970) on. `step` moves it on by one thing that
    happens."""

    def __init__(self, plan: CityPlan, *, seed: int, start_ms: int) -> None:
        self.plan = plan
        self.start_ms = start_ms
        self.now_ms = start_ms
        self.arrivals = 0
        """In bays, since the start."""
        self.turned_away = 0
        self._random = Random(f"world {seed}")  # noqa: S311 - a simulation, not a secret
        self._week = LocalWeek(plan.time_zone)
        self._heap: list[tuple[int, int, _What, int, int]] = []
        self._pushed = 0
        self._vehicles = 0
        self._streets = [Street(bays, plan.pace) for bays in _by_zone(plan.bays)]
        self._street_of = {bay: street for street in self._streets for bay in street.bays()}
        self._occupied = [False] * len(plan.bays)
        self._since_ms = [start_ms] * len(plan.bays)
        self._driver = [""] * len(plan.bays)
        self._recent: deque[tuple[int, int]] = deque(maxlen=_MOST_RECENT)
        self._parks = [CarPark(park, self._week) for park in plan.car_parks]
        self._settle()

    # --- what happens ------------------------------------------------------------------------------------

    def next_ms(self) -> int | None:
        """When the next thing happens; None: never again (an empty city)."""
        return self._heap[0][0] if self._heap else None

    def step(self) -> BayChanged | Passed | None:
        """Let the next thing happen; None when nobody outside could see it (a driver found no bay, say)."""
        at_ms, _, what, where, vehicle = heapq.heappop(self._heap)
        self.now_ms = at_ms
        if what is _What.STREET:
            return self._street_turn(where, arrives=bool(vehicle))
        if what is _What.LEAVE_BAY:
            self._street_of[where].put(where)
            return self._change(where, occupied=False)
        if what is _What.CAR_PARK:
            return self._car_park_turn(where, arrives=bool(vehicle))
        self._parks[where].occupied -= 1
        return Passed(at_ms, where, False, vehicle)

    def advance(self, until_ms: int) -> Iterator[BayChanged | Passed]:
        """Everything that happens up to `until_ms`, in order."""
        while self._heap and self._heap[0][0] <= until_ms:
            event = self.step()
            if event is not None:
                yield event
        self.now_ms = max(self.now_ms, until_ms)

    # --- what is true ------------------------------------------------------------------------------------

    def is_occupied(self, bay: int) -> bool:
        return self._occupied[bay]

    def since_ms(self, bay: int) -> int:
        return self._since_ms[bay]

    def driver_in(self, bay: int) -> str:
        """Who stands in the bay, or stood there last; "" when nobody has yet."""
        return self._driver[bay]

    def in_car_park(self, car_park: int) -> int:
        return self._parks[car_park].occupied

    def occupied_bays(self) -> list[str]:
        return [bay.bay_id for bay, taken in zip(self.plan.bays, self._occupied, strict=True) if taken]

    def recent_changes(self) -> dict[str, int]:
        """Bay -> time of its last change, for the changes of the last 60 s."""
        while self._recent and self._recent[0][0] < self.now_ms - _RECENT_MS:
            self._recent.popleft()
        return {self.plan.bays[bay].bay_id: at_ms for at_ms, bay in self._recent}

    # --- how it happens ----------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Fill the city as it usually is at this hour, with stays in progress, and start the arrivals."""
        minute = self._week.minute(self.start_ms)
        for index in range(len(self.plan.bays)):
            street = self._street_of[index]
            admission = street.admission(index, minute)
            luck = self._random.random()
            for driver, share in street.shares(admission, minute):
                if luck < share:
                    length = street.stays(driver, admission)
                    so_far_s, to_go_s = length.draw_in_progress(self._random)
                    street.take(index)
                    self._occupied[index] = True
                    self._driver[index] = driver
                    self._since_ms[index] -= int(so_far_s * 1000)
                    self._push(self.start_ms + 1_000 + int(to_go_s * 1000), _What.LEAVE_BAY, index)
                    break
                luck -= share
            else:
                self._since_ms[index] -= BETWEEN_VEHICLES_MS + int(self._random.expovariate(1 / 1800) * 1000)
        for index, park in enumerate(self._parks):
            for _ in range(park.usual(self.start_ms)):
                _, to_go_s = park.stays.draw_in_progress(self._random)
                self._enter(index, self.start_ms + 1_000 + int(to_go_s * 1000))
        for index in range(len(self._streets)):
            self._next_turn(_What.STREET, index, self._street_rate(index))
        for index, park in enumerate(self._parks):
            self._next_turn(_What.CAR_PARK, index, park.demand(self.start_ms))

    def _street_rate(self, index: int) -> float:
        return self._streets[index].demand(self._week.minute(self.now_ms)).rate

    def _street_turn(self, index: int, *, arrives: bool) -> BayChanged | None:
        event = self._arrive(self._streets[index]) if arrives else None
        self._next_turn(_What.STREET, index, self._street_rate(index))
        return event

    def _arrive(self, street: Street) -> BayChanged | None:
        minute = self._week.minute(self.now_ms)
        driver = street.demand(minute).draw(self._random)
        if driver is None:
            return None
        bay = street.choose(driver, minute, self._is_ready, self._random)
        if bay is None:
            self.turned_away += 1
            return None
        self.arrivals += 1
        street.take(bay)
        self._driver[bay] = driver
        length = street.stays(driver, street.admission(bay, minute))
        self._push(self.now_ms + int(length.draw(self._random) * 1000), _What.LEAVE_BAY, bay)
        return self._change(bay, occupied=True)

    def _is_ready(self, bay: int) -> bool:
        return self.now_ms - self._since_ms[bay] >= BETWEEN_VEHICLES_MS

    def _car_park_turn(self, index: int, *, arrives: bool) -> Passed | None:
        park = self._parks[index]
        event = None
        if arrives and park.occupied >= park.plan.capacity:
            self.turned_away += 1
        elif arrives:
            vehicle = self._enter(index, self.now_ms + int(park.stays.draw(self._random) * 1000))
            event = Passed(self.now_ms, index, True, vehicle)
        self._next_turn(_What.CAR_PARK, index, park.demand(self.now_ms))
        return event

    def _enter(self, index: int, wanted_ms: int) -> int:
        park = self._parks[index]
        self._vehicles += 1
        park.occupied += 1
        leaves_ms = park.leaves_at(self.now_ms, wanted_ms, self._random)
        self._push(leaves_ms, _What.LEAVE_CAR_PARK, index, self._vehicles)
        return self._vehicles

    def _change(self, bay: int, *, occupied: bool) -> BayChanged:
        lasted_ms = self.now_ms - self._since_ms[bay]
        self._occupied[bay] = occupied
        self._since_ms[bay] = self.now_ms
        self._recent.append((self.now_ms, bay))
        return BayChanged(self.now_ms, bay, occupied, lasted_ms, self._driver[bay])

    def _next_turn(self, what: _What, where: int, rate_per_s: float) -> None:
        """Draw the next arrival at this rate; when it falls beyond the quarter hour, draw again there."""
        boundary_ms = (self.now_ms // QUARTER_MS + 1) * QUARTER_MS
        if rate_per_s > 0:
            at_ms = self.now_ms + max(1, int(self._random.expovariate(rate_per_s) * 1000))
            if at_ms < boundary_ms:
                self._push(at_ms, what, where, 1)
                return
        self._push(boundary_ms, what, where, 0)

    def _push(self, at_ms: int, what: _What, where: int, vehicle: int = 0) -> None:
        self._pushed += 1
        heapq.heappush(self._heap, (at_ms, self._pushed, what, where, vehicle))


def _by_zone(bays: tuple[BayPlan, ...]) -> list[list[tuple[int, BayPlan]]]:
    found: dict[str, list[tuple[int, BayPlan]]] = {}
    for index, bay in enumerate(bays):
        found.setdefault(bay.zone_id, []).append((index, bay))
    return list(found.values())
