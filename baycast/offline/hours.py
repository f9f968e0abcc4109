"""What a city's devices say, hour by hour: each part of the city is played in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess

import msgspec

from baycast.settings import UsageError
from firmware_contract.codec import Accepted, encode
from firmware_contract.topics import device_topic
from ingest.translate import reading
from simulator.delivery import NONE, Delivery, DeliveryFaults
from simulator.device_lives import time_of
from simulator.devices import DeviceConfig, Devices
from simulator.plan import CityPlan
from simulator.words import Word
from simulator.world import World
from store.devices import Device
from store.log import ReadingRow

PARTS = 2
"""Into so many a city is divided, however many cores there are: the same seed is the same city everywhere."""
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineRun:
    """What is played; `hours` from `start`, which is a full hour."""

    plan: CityPlan
    seed: int
    start: datetime
    hours: int
    faults: DeliveryFaults = NONE

    @property
    def end(self) -> datetime:
        """When the last word is said."""
        return self.start + self.hours * HOUR

    def parts(self) -> list[OfflineRun]:
        """The same, in parts that have nothing to do with each other: whole streets and car parks, in turn."""
        zones = {zone_id: n for n, zone_id in enumerate(dict.fromkeys(bay.zone_id for bay in self.plan.bays))}
        found = []
        for part in range(PARTS):
            plan = replace(
                self.plan,
                bays=tuple(bay for bay in self.plan.bays if zones[bay.zone_id] % PARTS == part),
                car_parks=self.plan.car_parks[part::PARTS],
            )
            if plan.bays or plan.car_parks:
                found.append(replace(self, plan=plan, seed=PARTS * self.seed + part))
        return found


class Hour(msgspec.Struct):
    """What arrived in an hour, by device in no order, and how many vehicles parked in bays meanwhile."""

    rows: list[ReadingRow]
    parked: int


def hours(run: OfflineRun) -> Iterator[Hour]:
    """Every hour of a run, one after the other. Raises `UsageError` when a process is killed."""
    parts = run.parts()
    if len(parts) == 1:
        yield from _played(parts[0])
        return
    with ExitStack() as stack:
        playing = [stack.enter_context(_Player(part)) for part in parts]
        for _ in range(run.hours):
            yield _together([player.next_hour() for player in playing])


def reading_of(word: Word, area: str, received_at: datetime) -> ReadingRow:
    """What the log keeps of a word."""
    topic = device_topic(word.device_id, word.kind)
    accepted = Accepted(word.device_id, word.kind, word.message, encode(word.message), topic)
    return reading(accepted, word.message, Device(area, 0, ""), received_at)


class _Player:
    """A process that plays a part, at most an hour ahead of who takes it."""

    def __init__(self, part: OfflineRun) -> None:
        context = get_context("spawn")
        self._from, self._to = context.Pipe(duplex=False)
        self._process: BaseProcess = context.Process(target=_play, args=(part, self._to), daemon=True)
        self._decoder = msgspec.msgpack.Decoder(Hour)

    def __enter__(self) -> _Player:
        self._process.start()
        self._to.close()  # that end is the process's alone: when it is gone, we hear of it
        return self

    def __exit__(self, *_: object) -> None:
        self._from.close()
        self._process.terminate()
        self._process.join()

    def next_hour(self) -> Hour:
        try:
            return self._decoder.decode(self._from.recv_bytes())
        except EOFError:
            raise UsageError("simulate: a process that played a part of the city was killed") from None


def _play(part: OfflineRun, to: Pipe) -> None:
    encoder = msgspec.msgpack.Encoder()
    for hour in _played(part):
        to.send_bytes(encoder.encode(hour))


def _played(run: OfflineRun) -> Iterator[Hour]:
    plan, start_ms = run.plan, ms(run.start)
    boot = start_ms // 1000  # grows from run to run, as a real device's does
    boots = dict.fromkeys(plan.device_ids(), boot)
    world = World(plan, seed=run.seed, start_ms=start_ms)
    devices = Devices(plan, world, boots, seed=run.seed, config=DeviceConfig(heartbeat_after_word=True))
    sensors = [bay.device_id for bay in plan.bays if bay.device_id is not None]
    delivery = Delivery(run.faults, sensors, seed=run.seed, start_ms=start_ms, end_ms=ms(run.end))
    before = 0
    for hour in range(1, run.hours + 1):
        until_ms = ms(run.start + hour * HOUR)
        arrived = delivery.carry(devices.words(until_ms), until_ms)
        rows = [reading_of(word, plan.area_id, time_of(arrived_ms)) for arrived_ms, word in arrived]
        yield Hour(rows, world.arrivals - before)
        before = world.arrivals


def _together(some: Sequence[Hour]) -> Hour:
    return Hour([row for hour in some for row in hour.rows], sum(hour.parked for hour in some))


def ms(at: datetime) -> int:
    """Milliseconds since 1970."""
    return round(at.timestamp() * 1000)
