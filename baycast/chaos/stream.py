"""The messages of a run in the order in which they are sent: a pure function of seed, number and start.

Beside single messages there are gateways' batches (late by nature, shuffled inside), readings held back a while,
duplicates soon and long after, contradictions under a key that is taken, and poison, alone and inside of batches.
At the end every device speaks once more, so that the last state of each bay is known to the ledger.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from baycast.chaos import city
from baycast.chaos.devices import Reading, gates, sensors
from baycast.chaos.poison import KINDS, Poison, batch_item, poison

SPAN_MS = 2 * 3_600_000
"""The events are spread over the two hours before the run: history cells are made, and made again for late readings."""
_GATEWAYS = 8
_GATEWAY_EVERY = 10
"""Every so many sensors speak through a gateway, mostly; the others hardly ever: those readings come late."""
_BATCH_BYTES = 12_000
_JSON_POISON = (4, 5, 7, 8, 10)
"""Kinds of poison that are well-formed JSON objects: those can be items of a batch."""


class Message(NamedTuple):
    topic: str
    payload: bytes
    readings: tuple[Reading, ...]
    poison: tuple[Poison, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlan:
    """What determines a stream, wholly."""

    seed: int
    events: int
    devices: int
    started_ms: int
    poison_share: float


@dataclass(slots=True)
class _Gateway:
    """Collects readings and sends them when it has enough."""

    id: str
    limit: int = 20
    items: list[tuple[bytes, Reading | Poison]] = field(default_factory=list)
    size: int = 0

    def add(self, item: bytes, what: Reading | Poison) -> None:
        self.items.append((item, what))
        self.size += len(item)

    @property
    def full(self) -> bool:
        return len(self.items) >= self.limit or self.size > _BATCH_BYTES

    def flush(self, dice: random.Random) -> Message:
        items, self.items, self.size = self.items, [], 0
        self.limit = dice.randint(5, 60)
        dice.shuffle(items)
        return Message(
            f"baycast/v1/gw/{self.id}/batch",
            b"[" + b",".join(item for item, _ in items) + b"]",
            tuple(what for _, what in items if isinstance(what, Reading)),
            tuple(what for _, what in items if isinstance(what, Poison)),
        )


def messages(plan: StreamPlan) -> Iterator[Message]:
    """Yield the stream. `plan.events` readings of different keys, then what was held back, then a last round."""
    dice = random.Random(f"stream {plan.seed}")  # noqa: S311 - reproducible on purpose
    bays, barriers = sensors(plan.devices), gates()
    gateways = [_Gateway(f"chaos-gw-{number}") for number in range(_GATEWAYS)]
    held: list[tuple[int, int, Message]] = []
    begin_ms = plan.started_ms - SPAN_MS
    anchor = sensors(1)[0]
    anchor.id = city.COUNTER
    yield _single(anchor.next("count", begin_ms, f',"occupied":{city.ANCHOR}', str(city.ANCHOR)))
    last_ms = int(SPAN_MS * 0.99)
    bad = 0
    for number in range(plan.events):
        while held and held[0][0] <= number:
            yield heapq.heappop(held)[2]
        now_ms = begin_ms + 1000 + last_ms * number // plan.events
        index = dice.randrange(plan.devices)
        device = bays[index]
        passing = dice.random() < 0.03
        reading = dice.choice(barriers).pass_through(now_ms) if passing else device.speak(dice, now_ms)
        way = dice.random()
        if not passing and way < (0.9 if index % _GATEWAY_EVERY == 0 else 0.01):
            gateway = gateways[index % _GATEWAYS]
            gateway.add(_item(reading), reading)
            if gateway.full:
                yield gateway.flush(dice)
        elif way > 0.98:
            _hold(held, number + dice.randint(2, 300), _single(reading))
        else:
            yield _single(reading)
            if way > 0.95:
                _hold(held, number + _later(dice), _single(reading))
            elif way > 0.945 and reading.kind == "state":
                _hold(held, number + dice.randint(1, 3000), _single(device.contradiction()))
        if dice.random() < plan.poison_share:
            bad += 1
            kind = dice.randrange(KINDS)
            what = poison(kind, bad, device.id)
            if kind in _JSON_POISON and dice.random() < 0.3:
                gateways[index % _GATEWAYS].add(batch_item(what, device.id), what)
            else:
                yield Message(what.topic, what.payload, (), (what,))
    yield from (message for _, _, message in sorted(held, key=lambda one: one[:2]))
    yield from (gateway.flush(dice) for gateway in gateways if gateway.items)
    for device in bays:
        yield _single(device.state(begin_ms + SPAN_MS, bool(device.occupied), "heartbeat"))


def _single(reading: Reading) -> Message:
    return Message(f"baycast/v1/dev/{reading.key[0]}/{reading.kind}", reading.body, (reading,), ())


def _item(reading: Reading) -> bytes:
    head = f'{{"device_id":"{reading.key[0]}","kind":"{reading.kind}","body":'
    return head.encode() + reading.body + b"}"


def _hold(held: list[tuple[int, int, Message]], due: int, message: Message) -> None:
    heapq.heappush(held, (due, len(held), message))


def _later(dice: random.Random) -> int:
    """Mostly soon (a retry), sometimes much later (another path)."""
    return dice.randint(1, 20) if dice.random() < 0.7 else dice.randint(20, 5000)
