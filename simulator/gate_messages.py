"""What the gates and counters of the car parks say over a whole run. They have lines of their own, and no faults."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from hashlib import blake2b
from random import Random

from firmware_contract.codec import encode
from firmware_contract.messages import Boot, Count, Direction, Health, Passage
from firmware_contract.topics import device_topic
from simulator.device_lives import Life, time_of
from simulator.devices import FIRMWARE
from simulator.history import History
from simulator.plan import CarParkPlan
from simulator.words import Outgoing

_LINE_MS = 500


def gate_messages(history: History, *, seed: int, boot: int) -> Iterator[Outgoing]:
    """Everything of all car parks, in the order in which it reaches the broker."""
    parks = range(len(history.plan.car_parks))
    return heapq.merge(
        *(_of_park(history, park, seed=seed, boot=boot) for park in parks), key=lambda one: one.at_ms
    )


def _of_park(history: History, park: int, *, seed: int, boot: int) -> Iterator[Outgoing]:
    plan = history.plan.car_parks[park]
    random = Random(f"gates {seed} {park}")  # noqa: S311 - a simulation
    key = blake2b(f"{seed} {plan.zone_id}".encode()).digest()
    gates = [Life(gate.device_id, boot) for gate in plan.gates]
    counter = None if plan.counter is None else Life(plan.counter.device_id, boot)
    inside = history.parked_at_start[park]
    passages = [(p.at_ms, "pass", p) for p in history.passages if p.car_park == park]
    for at_ms, what, passed in heapq.merge(passages, _regular(plan, history), key=lambda one: one[0]):
        sent_ms = at_ms + _LINE_MS
        if passed is not None:
            inside += 1 if passed.inward else -1
            way: Direction = "in" if passed.inward else "out"
            ways = [life for life, gate in zip(gates, plan.gates, strict=True) if way in gate.ways]
            if ways:
                life = random.choice(ways)
                token = blake2b(str(passed.vehicle).encode(), key=key, digest_size=16).hexdigest()
                message = Passage(
                    boot=boot, seq=life.key(), at=time_of(at_ms), direction=way, vehicle_token=token
                )
                yield Outgoing(sent_ms, device_topic(life.device_id, "passage"), encode(message))
        elif what == "count" and counter is not None:
            count = Count(
                boot=boot, seq=counter.key(), at=time_of(at_ms), occupied=inside, capacity=plan.capacity
            )
            yield Outgoing(sent_ms, device_topic(counter.device_id, "count"), encode(count))
        elif what == "health":
            for life in gates:
                kind = "health" if life.started else "boot"
                made = Health if life.started else Boot
                life.started = True
                word = made(boot=boot, seq=life.key(), at=time_of(at_ms), firmware=FIRMWARE)
                yield Outgoing(sent_ms, device_topic(life.device_id, kind), encode(word))


def _regular(plan: CarParkPlan, history: History) -> Iterator[tuple[int, str, None]]:
    """When gates and counter speak of themselves."""
    due: list[Iterator[tuple[int, str, None]]] = []
    if plan.gates:
        every_ms = min(gate.heartbeat_s for gate in plan.gates) * 1000
        due.append((at, "health", None) for at in range(history.start_ms, history.end_ms, every_ms))
    if plan.counter is not None:
        every_ms = plan.counter.every_s * 1000
        due.append((at, "count", None) for at in range(history.start_ms, history.end_ms, every_ms))
    return heapq.merge(*due, key=lambda one: one[0])
