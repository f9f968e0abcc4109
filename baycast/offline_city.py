"""A simulated city written straight into the log of an event area: months in minutes, without a broker.

World and devices are those of `baycast simulate`, and what they say is translated as ingest does. Nothing but the hours
under way is held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter

from baycast import cardiff
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
from store.log import Appended, ReadingRow, append
from store.postgres import Connection

HEARTBEAT_S = 6 * 3_600
"""Of the sensors and gates of a city that we register for this: most of what a year says should be changes."""
BATCH = 10_000
"""A batch is closed at the first full hour at which it has so many readings, and after a day at the latest."""
_HOUR = timedelta(hours=1)
_in_order: Callable[[ReadingRow], tuple[str, int, int]] = attrgetter("device_id", "boot", "seq")


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
        return self.start + self.hours * _HOUR


@dataclass(slots=True)
class Written:
    """What came of it up to the watermark `until`: readings `stored`, those that the log had `already`, and vehicles
    that `parked` in bays."""

    stored: int = 0
    already: int = 0
    parked: int = 0
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Batch:
    rows: list[ReadingRow]
    until: datetime
    parked: int


def documents(area_id: str) -> list[tuple[str, str, cardiff.Document]]:
    """Our Cardiff as an event area whose devices speak seldom of their own accord."""
    return [
        (kind, id, {**doc, "expected_heartbeat_s": HEARTBEAT_S} if kind in ("sensor", "gate") else doc)
        for kind, id, doc in cardiff.documents(area_id, "event")
    ]


def write(
    conn: Connection,
    run: OfflineRun,
    tell: Callable[[Written], None],
    *,
    beyond: datetime | None = None,
) -> Written:
    """Play the city and append what its devices say, a batch at a time with its watermark.

    The log of the area exists. `beyond` is the watermark of a run with the same arguments that was cut off: the city
    is played again, and only what comes after it is appended. Raises `psycopg.Error`.
    """
    done = Written()
    with ThreadPoolExecutor(1) as writer:  # the database stores one batch while the next one is played
        under_way: tuple[_Batch, Future[Appended]] | None = None
        for batch in _batches(run):
            if beyond is not None and batch.until <= beyond:
                done.parked += batch.parked
                continue
            if under_way is not None:
                _count(done, *under_way)
                tell(done)
            under_way = batch, writer.submit(_append, conn, run.plan.area_id, batch)
        if under_way is not None:
            _count(done, *under_way)
            tell(done)
    return done


def _append(conn: Connection, area: str, batch: _Batch) -> Appended:
    with conn.transaction(), conn.cursor() as cur:
        return append(cur, batch.rows, {area: batch.until})


def _count(done: Written, batch: _Batch, appended: Future[Appended]) -> None:
    stored = appended.result()
    done.stored += stored.stored
    done.already += stored.duplicates
    done.parked += batch.parked
    done.until = batch.until


def _batches(run: OfflineRun) -> Iterator[_Batch]:
    plan, start_ms = run.plan, _ms(run.start)
    boot = start_ms // 1000  # grows from run to run, as a real device's does
    boots = dict.fromkeys(plan.device_ids(), boot)
    world = World(plan, seed=run.seed, start_ms=start_ms)
    devices = Devices(plan, world, boots, seed=run.seed, config=DeviceConfig(heartbeat_after_word=True))
    sensors = [bay.device_id for bay in plan.bays if bay.device_id is not None]
    delivery = Delivery(run.faults, sensors, seed=run.seed, start_ms=start_ms, end_ms=_ms(run.end))
    rows: list[ReadingRow] = []
    before = 0
    for hour in range(1, run.hours + 1):
        until = run.start + hour * _HOUR
        until_ms = _ms(until)
        for arrived_ms, word in delivery.carry(devices.words(until_ms), until_ms):
            rows.append(reading_of(word, plan.area_id, time_of(arrived_ms)))
        if len(rows) >= BATCH or hour % 24 == 0 or hour == run.hours:
            rows.sort(key=_in_order)
            yield _Batch(rows, until, world.arrivals - before)
            rows, before = [], world.arrivals


def reading_of(word: Word, area: str, received_at: datetime) -> ReadingRow:
    """What the log keeps of a word."""
    topic = device_topic(word.device_id, word.kind)
    accepted = Accepted(word.device_id, word.kind, word.message, encode(word.message), topic)
    return reading(accepted, word.message, Device(area, 0, ""), received_at)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
