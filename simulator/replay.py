"""Publishes recorded counts into an event area, in order of time, as a car park's own system would have sent
them.

Keys come from the rows: `boot` is the day, `seq` the second, so the same file published twice says the same
things under the same keys (L2). The area's clock follows the rows: it never passes a row that is still to
come.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from firmware_contract.codec import encode
from firmware_contract.messages import Clock, Count
from firmware_contract.topics import clock_topic, device_topic
from simulator.publisher import Publisher
from simulator.recordings import Recording, Row

CLOCK_EVERY = timedelta(minutes=5)
_DAY_S = 86_400


class CannotReplayError(ValueError):
    """A row that has no place in the contract, such as one before 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayConfig:
    """`zone_ids`: zone id of each place. `speed`: recorded seconds per real second; None: as fast as it
    goes."""

    area_id: str
    zone_ids: Mapping[str, str]
    speed: float | None = None

    def __post_init__(self) -> None:
        if self.speed is not None and self.speed <= 0:
            raise ValueError("speed is above 0")


@dataclass(slots=True)
class Replayed:
    """How far a replay got: rows and clock messages handed over, and the area's time."""

    rows: int = 0
    clocks: int = 0
    clock_at: datetime | None = None


def counter_id(zone_id: str) -> str:
    """The device that counts in this zone."""
    return f"{zone_id}-counter"


def count_message(row: Row) -> Count:
    """The row as its car park's system sends it. A negative count goes out as it is, for ingest to judge.

    Raises `CannotReplayError` for a time that 32 bits of seconds cannot hold.
    """
    second = int(row.at.timestamp())
    if not 0 <= second < 2**32:
        raise CannotReplayError(f"{row.place}: {row.at.isoformat()} is not between 1970 and 2106")
    return Count(boot=second // _DAY_S, seq=second, at=row.at, occupied=row.occupied, capacity=row.capacity)


def replay(
    recording: Recording,
    config: ReplayConfig,
    publisher: Publisher,
    stop: threading.Event,
    after_clock: Callable[[Replayed], None] = lambda _: None,
) -> Replayed:
    """Publish every row, then the clock at the last row's time, and return when the broker has acknowledged
    all.

    `after_clock` is called after each clock message; while it does not return nothing is sent, which is how a
    caller keeps the broker's queue short. When `stop` is set the rest is left out and the clock stays behind.
    """
    done = Replayed()
    pace = _Pace(config.speed, stop)
    before: Row | None = None
    for row in recording.rows():
        if before is None or row.at > before.at:
            if before is not None and _is_due(done, before.at):
                _send_clock(config, publisher, stop, before.at, done)
                after_clock(done)
            pace.wait_for(row.at)
        topic = device_topic(counter_id(config.zone_ids[row.place]), "count")
        if stop.is_set() or not publisher.publish(topic, encode(count_message(row)), stop):
            return done
        done.rows += 1
        before = row
    if before is not None:
        _send_clock(config, publisher, stop, before.at, done)
        publisher.drain(None, stop)
        after_clock(done)
    return done


def _is_due(done: Replayed, at: datetime) -> bool:
    return done.clock_at is None or at - done.clock_at >= CLOCK_EVERY


def _send_clock(
    config: ReplayConfig, publisher: Publisher, stop: threading.Event, at: datetime, done: Replayed
) -> None:
    if publisher.publish(clock_topic(config.area_id), encode(Clock(at=at)), stop):
        done.clocks += 1
        done.clock_at = at


class _Pace:
    """Waits until a recorded time is due; at once without a speed."""

    def __init__(self, speed: float | None, stop: threading.Event) -> None:
        self._speed = speed
        self._stop = stop
        self._began: tuple[datetime, float] | None = None

    def wait_for(self, at: datetime) -> None:
        if self._speed is None:
            return
        if self._began is None:
            self._began = (at, time.monotonic())
        first, began = self._began
        due = began + (at - first).total_seconds() / self._speed
        self._stop.wait(max(0.0, due - time.monotonic()))
