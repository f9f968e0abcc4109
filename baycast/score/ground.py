"""The truth as it moves on, and the contestants' answers kept beside it to the millisecond."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from operator import itemgetter

from baycast.score.bay_tally import BayTally
from baycast.score.decoding import instant
from occupancy.model import Bay, BayId, ZoneId
from occupancy.registry import Registry
from occupancy.rules import CLOSED, Access, access_of, is_open, rules_in_force
from simulator.field_run import FieldRun
from simulator.sensor_eye import Episode

_QUARTER_MS = 900_000
_AT_ONCE_MS = 60_000
"""An error shorter than this, with nothing amiss, is the time that detection and transport take."""


class Ground:
    """What is true now, by the plan's bay index. Closed bays are not judged: there is nothing to say of them."""

    def __init__(self, run: FieldRun, registry: Registry) -> None:
        history = run.history
        self.now_ms = history.start_ms
        self.bays = [registry.bays[BayId(bay.bay_id)] for bay in history.plan.bays]
        self.bays_of: dict[str, list[int]] = {}
        for index, bay in enumerate(self.bays):
            self.bays_of.setdefault(bay.zone_id, []).append(index)
        self.occupied = list(history.occupied_at_start)
        self.silent = [False] * len(self.bays)
        self.closed = [False] * len(self.bays)
        self.controlled = [False] * len(self.bays)
        self.access = [CLOSED] * len(self.bays)
        self.parked = list(history.parked_at_start)
        self.park_of = {park.zone_id: n for n, park in enumerate(history.plan.car_parks)}
        self.capacities = [park.capacity for park in history.plan.car_parks]
        self.park_open = [True] * len(self.capacities)
        self.rules_at_ms = 0
        """When rules were looked at last."""
        self._registry = registry
        self._tallies: list[BayTally] = []
        self._misled = [sorted(sensor.misled) for sensor in run.sensors]
        self._clocks = [sensor.clock.kind for sensor in run.sensors]
        self._sensor_of = {sensor.bay: number for number, sensor in enumerate(run.sensors)}
        self._events = heapq.merge(
            ((c.at_ms, "change", c.bay, c.occupied) for c in history.changes),
            ((p.at_ms, "passage", p.car_park, p.inward) for p in history.passages),
            _toggles(run),
            ((at, "rules", 0, True) for at in range(history.start_ms, history.end_ms, _QUARTER_MS)),
            key=itemgetter(0),
        )
        self._next = next(self._events, None)

    def judge(self, *tallies: BayTally) -> None:
        self._tallies += tallies

    def advance(self, until_ms: int) -> None:
        """Let everything up to `until_ms` come true."""
        while self._next is not None and self._next[0] <= until_ms:
            at_ms, what, which, value = self._next
            if what == "change":
                self._settle(which, at_ms)
                self.occupied[which] = value
            elif what == "silent":
                self._settle(which, at_ms)
                self.silent[which] = value
            elif what == "passage":
                self.parked[which] += 1 if value else -1
            else:
                self._apply_rules(at_ms)
            self._next = next(self._events, None)
        self.now_ms = until_ms

    def finish(self) -> None:
        for bay in range(len(self.bays)):
            self._settle(bay, self.now_ms)

    def cause(self, bay: int, from_ms: int, to_ms: int) -> str:
        """Why an answer was wrong then, as far as the simulator knows."""
        sensor = self._sensor_of[bay]
        middle = (from_ms + to_ms) // 2
        own = self._misled[sensor]
        for episode in reversed(own[: bisect_right(own, (middle, middle, "~"))]):
            if episode.end_ms > middle:
                return episode.why
        if to_ms - from_ms < _AT_ONCE_MS:
            return "detection"
        clock = self._clocks[sensor]
        return "other" if clock == "right" else f"clock_{clock}"

    def _settle(self, bay: int, at_ms: int) -> None:
        for tally in self._tallies:
            tally.settle(bay, at_ms)

    def _apply_rules(self, at_ms: int) -> None:
        at = instant(at_ms)
        self.rules_at_ms = at_ms
        for zone_id, park in self.park_of.items():
            self.park_open[park] = is_open(self._registry, self._registry.zones[ZoneId(zone_id)], at)
        known: dict[object, tuple[Access, bool]] = {}
        for index, bay in enumerate(self.bays):
            key = (bay.rule_ids, bay.bay_type)
            if key not in known:
                known[key] = self._rules_now(bay, at)
            self.access[index], self.controlled[index] = known[key]
            closed = self.access[index].closed
            if closed is not self.closed[index]:
                self._settle(index, at_ms)
                self.closed[index] = closed

    def _rules_now(self, bay: Bay, at: datetime) -> tuple[Access, bool]:
        """Who may use it, and whether any rule is in force."""
        access = access_of(self._registry, bay.rule_ids, bay.bay_type, at)
        return access, bool(rules_in_force(self._registry, bay.rule_ids, at))


def _toggles(run: FieldRun) -> Iterable[tuple[int, str, int, bool]]:
    found: list[tuple[int, str, int, bool]] = []
    for sensor in run.sensors:
        for episode in sensor.silent:
            found += _on_and_off(sensor.bay, episode)
    found.sort(key=itemgetter(0))
    return found


def _on_and_off(bay: int, episode: Episode) -> list[tuple[int, str, int, bool]]:
    return [(episode.start_ms, "silent", bay, True), (episode.end_ms, "silent", bay, False)]
