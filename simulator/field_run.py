"""A whole run of a scenario: what was true, what every sensor made of it, and what reached the broker when.

The judge of the engine: it knows why a sensor was wrong and why a message is missing, and it never sees an engine.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec

from firmware_contract.codec import encode
from firmware_contract.messages import State
from firmware_contract.topics import device_topic, gateway_topic
from simulator.device_clocks import DeviceClock, draw_clock
from simulator.device_lives import time_of
from simulator.gate_messages import gate_messages
from simulator.history import History
from simulator.plan import CityPlan
from simulator.radio import Arrival, Carried, Outage, Radio
from simulator.repairable import Merge, repairable_merges
from simulator.scenarios import Faults
from simulator.sensor_eye import DAY_MS, Episode, Said, Surroundings, Watched, watch
from simulator.sensor_models import model_of
from simulator.words import Outgoing

BOOT = 7
SILENT_AFTER_HEARTBEATS = 2.5
ZONES_A_GATEWAY = 3
NOTICED_LATE_MS = 30_000
"""A change that arrives later than this is late; below, it is the time that detection takes."""


@dataclass(frozen=True, slots=True)
class SensorRun:
    """One sensor of the run. `silent`: nothing of it arrived for longer than its limit. `repairable`: merges of its
    bay's stays that what arrived can undo. `misled`: why an engine cannot know the truth then, by the device's fault
    or the network's."""

    bay: int
    device_id: str
    clock: DeviceClock
    stuck: list[Episode]
    silent: list[Episode]
    misled: list[Episode]
    repairable: list[Merge]


class FieldRun:
    """Plays the sensors of a history. `messages` is everything that reaches the broker, in that order, once: what has
    been handed over is forgotten, for it is a million things."""

    def __init__(self, history: History, faults: Faults, *, seed: int) -> None:
        self.history = history
        self.snow = _snow_days(faults, history)
        self.sensors: list[SensorRun] = []
        self._seed = seed
        self._arrivals: list[Arrival] = []
        plan = history.plan
        heard_by = gateways(plan)
        watched = [bay for bay, _ in heard_by]
        radio = Radio(
            faults,
            [gateway for _, gateway in heard_by],
            seed=seed,
            start_ms=history.start_ms,
            end_ms=history.end_ms,
        )
        self.outages: list[Outage] = radio.outages
        changes = history.changes_by_bay()
        next_door = _stays_next_door(history)
        for number, bay in enumerate(watched):
            self.sensors.append(self._play(number, bay, faults, radio, changes[bay], next_door[bay]))
        self._arrivals += radio.batches()
        self._arrivals.sort(key=lambda arrival: arrival.at_ms)
        self._arrivals.reverse()

    def messages(self) -> Iterator[Outgoing]:
        """In the order of arrival at the broker, up to the end of the run."""
        gates = gate_messages(self.history, seed=self._seed, boot=BOOT)
        for message in heapq.merge(self._of_sensors(), gates, key=lambda one: one.at_ms):
            if message.at_ms >= self.history.end_ms:
                return
            yield message

    def _play(
        self,
        number: int,
        bay: int,
        faults: Faults,
        radio: Radio,
        changes: list[tuple[int, bool]],
        next_door: list[tuple[int, int]],
    ) -> SensorRun:
        history, plan = self.history, self.history.plan.bays[bay]
        random = Random(f"sensor {self._seed} {plan.bay_id}")  # noqa: S311 - a simulation
        clock = draw_clock(faults.clocks, random)
        seen = Surroundings(
            history.start_ms,
            history.end_ms,
            history.occupied_at_start[bay],
            changes,
            next_door,
            [(day.start_ms, day.end_ms) for day in self.snow],
        )
        model = model_of(plan.model, plan.heartbeat_s)
        watched = watch(model, faults, seen, random, boot=BOOT)
        carried = radio.carry(number, watched.said, self._arrivals, model.resends)
        limit_ms = int(plan.heartbeat_s * SILENT_AFTER_HEARTBEATS * 1000)
        return SensorRun(
            bay,
            plan.device_id or "",
            clock,
            watched.stuck,
            _silences(carried, limit_ms, history),
            [*watched.wrong, *_misled(watched, carried, history.end_ms)],
            repairable_merges(changes, watched.said, carried.received_ms),
        )

    def _of_sensors(self) -> Iterator[Outgoing]:
        while self._arrivals:
            yield self._message(self._arrivals.pop())

    # --- as bytes ----------------------------------------------------------------------------------------

    def _message(self, arrival: Arrival) -> Outgoing:
        if arrival.gateway is None:
            [(sensor, said)] = arrival.items
            topic = device_topic(self.sensors[sensor].device_id, "state")
            return Outgoing(arrival.at_ms, topic, encode(self._state(sensor, said, arrival.sent_ms)))
        items: list[dict[str, Any]] = [
            {
                "device_id": self.sensors[sensor].device_id,
                "kind": "state",
                "body": msgspec.Raw(encode(self._state(sensor, said, arrival.sent_ms))),
            }
            for sensor, said in arrival.items
        ]
        topic = gateway_topic(f"gw-{arrival.gateway}")
        return Outgoing(arrival.at_ms, topic, msgspec.json.encode(items))

    def _state(self, sensor: int, said: Said, sent_ms: int) -> State:
        """`sent_ms` is when it leaves the device, or the gateway that kept it: `age_ms` counts up to then."""
        shown_ms = self.sensors[sensor].clock.shows(said.at_ms, self.history.start_ms)
        return State(
            boot=said.boot,
            seq=said.seq,
            at=None if shown_ms is None else time_of(shown_ms),
            age_ms=sent_ms - said.at_ms if shown_ms is None else None,
            occupied=said.occupied,
            cause=said.cause,  # type: ignore[arg-type]
            prev_s=said.previous_s,
            battery_mv=said.battery_mv,
        )


def gateways(plan: CityPlan) -> list[tuple[int, int]]:
    """The bays with a sensor, and the gateway that hears each: one for some streets that follow each other."""
    zones = {zone_id: n for n, zone_id in enumerate(dict.fromkeys(bay.zone_id for bay in plan.bays))}
    return [
        (n, zones[bay.zone_id] // ZONES_A_GATEWAY)
        for n, bay in enumerate(plan.bays)
        if bay.device_id is not None
    ]


def _snow_days(faults: Faults, history: History) -> list[Episode]:
    """Whole days in the middle of the run; of a short run, half of it."""
    if faults.snow_days == 0:
        return []
    middle = (history.start_ms + history.end_ms) // 2
    half = min(faults.snow_days * DAY_MS, (history.end_ms - history.start_ms) // 2) // 2
    return [Episode(middle - half, middle + half, "snow")]


def _stays_next_door(history: History) -> list[list[tuple[int, int]]]:
    bays = history.plan.bays
    index = {bay.bay_id: number for number, bay in enumerate(bays)}
    found: list[list[tuple[int, int]]] = [[] for _ in bays]
    for stay in history.stays:
        if stay.arrived_ms >= history.start_ms:
            departed_ms = history.end_ms if stay.departed_ms is None else stay.departed_ms
            for neighbour in bays[stay.bay].neighbours:
                if neighbour in index:
                    found[index[neighbour]].append((stay.arrived_ms, departed_ms))
    return found


def _silences(carried: Carried, limit_ms: int, history: History) -> list[Episode]:
    heard = sorted(at_ms for at_ms in carried.received_ms if at_ms is not None)
    found: list[Episode] = []
    last = None
    for at_ms in [*heard, history.end_ms]:
        quiet_from = history.start_ms if last is None else last + limit_ms
        if at_ms > quiet_from:
            found.append(Episode(quiet_from, min(at_ms, history.end_ms), "silent"))
        last = at_ms
    return found


def _misled(watched: Watched, carried: Carried, end_ms: int) -> list[Episode]:
    """From when a change of mind was sent until something of it, or after it, arrived; and what follows death."""
    found: list[Episode] = []
    next_ms = end_ms
    for n in range(len(watched.said) - 1, -1, -1):
        said, at_ms = watched.said[n], carried.received_ms[n]
        if n and said.occupied is not watched.said[n - 1].occupied:
            until = next_ms if at_ms is None else min(at_ms, next_ms)
            if until - said.sent_ms > NOTICED_LATE_MS:
                found.append(Episode(said.sent_ms, until, carried.why[n] or "reordered"))
        if at_ms is not None:
            next_ms = min(next_ms, at_ms)
    found.reverse()
    if watched.dead_ms is not None:
        found.append(Episode(watched.dead_ms, end_ms, "dead"))
    return found
