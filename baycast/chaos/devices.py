"""What the devices of the city say, one after another: sensors, gates and the car park's counter. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from baycast.chaos import city
from baycast.chaos.ledger import Key

CLOCKLESS_EVERY = 20
"""Every so many sensors have no clock and tell an age instead."""


class Reading(NamedTuple):
    """One reading as its device makes it. `meaning` is what it claims, in the auditor's words."""

    key: Key
    kind: str
    body: bytes
    meaning: str


def meaning(kind: str, at_ms: int | None, value: str) -> str:
    """What a reading claims: kind, time in ms ("-": no clock), and the value in a word or two."""
    return f"{kind} {'-' if at_ms is None else at_ms} {value}"


def state_value(occupied: bool | None, cause: str) -> str:
    return f"{'?' if occupied is None else 'o' if occupied else 'f'}:{cause}"


@dataclass(slots=True)
class Device:
    """Keeps boot, sequence number and time, as real ones do; each reading later than the one before."""

    id: str
    clock: bool = True
    boot: int = 1
    seq: int = -1
    at_ms: int = 0
    occupied: bool | None = False
    inward: bool = False
    conflicts: list[Reading] = field(default_factory=list)

    def next(self, kind: str, now_ms: int, fields: str, value: str) -> Reading:
        self.seq += 1
        self.at_ms = max(self.at_ms + 1, now_ms)
        return self._reading(kind, fields, value)

    def state(self, now_ms: int, occupied: bool | None, cause: str) -> Reading:
        self.occupied = occupied
        return self.next("state", now_ms, _state_fields(occupied, cause), state_value(occupied, cause))

    def contradiction(self) -> Reading:
        """The last state again under its key, saying the opposite."""
        other = not self.occupied
        return self._reading("state", _state_fields(other, "requery"), state_value(other, "requery"))

    def speak(self, dice: random.Random, now_ms: int) -> Reading:
        """A sensor's next reading: mostly changes, some heartbeats, rarely something else."""
        chance = dice.random()
        if chance < 0.005:
            self.boot += 1
            self.seq = -1
            return self.next("boot", now_ms, "", "")
        if chance < 0.01:
            self.seq += dice.randint(1, 3)  # lost on the air: a gap that must stay one
        if chance < 0.04:
            return self.next("health", now_ms, "", "")
        if chance < 0.05:
            return self.state(now_ms, None, "requery")
        if chance < 0.15:
            return self.state(now_ms, self.occupied, "heartbeat")
        return self.state(now_ms, not self.occupied, "change")

    def pass_through(self, now_ms: int) -> Reading:
        """A gate's next vehicle: in and out in turn, so that the count stays within the car park."""
        self.inward = not self.inward
        direction = "in" if self.inward else "out"
        return self.next("passage", now_ms, f',"direction":"{direction}"', direction)

    def _reading(self, kind: str, fields: str, value: str) -> Reading:
        at = f'"{_rfc3339(self.at_ms)}"' if self.clock else 'null,"age_ms":1500'
        body = f'{{"boot":{self.boot},"seq":{self.seq},"at":{at}{fields}}}'
        said = meaning(kind, self.at_ms if self.clock else None, value)
        return Reading((self.id, self.boot, self.seq), kind, body.encode(), said)


def sensors(number: int) -> list[Device]:
    clocks = [index % CLOCKLESS_EVERY != CLOCKLESS_EVERY - 1 for index in range(number)]
    return [Device(city.sensor_id(index), clock) for index, clock in enumerate(clocks)]


def gates() -> list[Device]:
    return [Device(city.gate_id(index)) for index in range(city.GATES)]


def _state_fields(occupied: bool | None, cause: str) -> str:
    said = "null" if occupied is None else "true" if occupied else "false"
    return f',"occupied":{said},"cause":"{cause}"'


def _rfc3339(at_ms: int) -> str:
    at = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03}Z"
