"""The year that `bench history` asks about: in the log, folded, final, rebuilt and revised. A kept one goes on.

How far it is says the area's watermark: after the year's end it moves on by an hour with every stage that is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from baycast import cardiff
from baycast.offline import city as offline_city
from baycast.offline.city import write
from baycast.offline.hours import OfflineRun, reading_of
from baycast.settings import UsageError
from baycast.world_plan import world_plan
from firmware_contract.messages import State
from occupancy.engine import ENGINE_VERSION, AreaEngine, EngineConfig, drop_retired, rebuild
from occupancy.model import AreaId
from simulator.delivery import ORDINARY
from simulator.plan import CityPlan
from simulator.words import Word
from store import bench, generation
from store.log import append
from store.postgres import Connection
from store.registry import Change, apply
from store.registry_documents import list_entered
from store.tail import newest

AREA = AreaId("year")
START = datetime(2026, 1, 1, tzinfo=UTC)
PACE = 1.5
"""At which our Cardiff has more than eight stays per bay and day."""
_WEEK, _DAY, _HOUR = timedelta(days=7), timedelta(days=1), timedelta(hours=1)
_ALL_RECEIVED = timedelta(days=6)
"""After which nothing of a day comes any more."""
_TELL_EVERY_S = 10.0

Figures = dict[str, float | None]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Year:
    """Which city is played, and for how many days."""

    days: int
    bays: int
    seed: int
    car_parks: bool = True

    def __post_init__(self) -> None:
        if not 4 <= self.days <= 3_660:
            raise ValueError("--days is from 4 (hours are final after two) to 3660")
        if self.bays < 1:
            raise ValueError("--bays is above 0")

    @property
    def end(self) -> datetime:
        """When the last word is said."""
        return START + self.days * _DAY

    @property
    def name(self) -> str:
        """What a kept database is known by."""
        parks = "" if self.car_parks else ", streets only"
        return f"bench history: {self.days} days, {self.bays} bays, seed {self.seed}{parks}"

    def documents(self) -> list[tuple[str, str, cardiff.Document]]:
        """The registry: the first bays and their streets, and the car parks."""
        plan = self._played()
        kept = {AREA} | {bay.zone_id for bay in plan.bays} | {bay.bay_id for bay in plan.bays}
        kept |= {park.zone_id for park in plan.car_parks} | set(plan.device_ids())
        return [
            (kind, id, doc)
            for kind, id, doc in offline_city.documents(AREA)
            if id in kept or kind == "rule" or (kind == "binding" and doc["device_id"] in kept)
        ]

    def plan(self) -> CityPlan:
        """What is played."""
        return replace(self._played(), pace=PACE)

    def _played(self) -> CityPlan:
        whole = world_plan(
            offline_city.documents(AREA), at=START + _WEEK, rhythm=cardiff.rhythm(AREA)
        ).first_bays(self.bays)
        return whole if self.car_parks else replace(whole, car_parks=())


class BenchCity:
    """The stages, each done once; those that are measured say how fast. Raises `UsageError`, `psycopg.Error`."""

    def __init__(self, conn: Connection, url: str, year: Year, tell: Tell) -> None:
        self._conn = conn
        self._config = EngineConfig(database_url=url).in_bulk()
        self._year = year
        self._tell = tell

    def prepare(self) -> Figures:
        """Do what is not done yet."""
        figures: Figures = {"write_readings_per_s": None, "fold_readings_per_s": None}
        self._register()
        if self._reached() < self._year.end:
            figures["write_readings_per_s"] = self._write()
        if self._reached() == self._year.end:
            figures["fold_readings_per_s"] = self._fold()
            self._close(1)
        if self._reached() == self._year.end + _HOUR:
            since = START + 2 * (self._year.end - START) / 3
            self._tell(f"rebuilding from {since:%F} on")
            rebuild(self._conn, AREA, self._config, from_at=since, progress=self._progress("rebuilt"))
            drop_retired(self._conn, AREA)
            self._close(2)
        if self._reached() == self._year.end + 2 * _HOUR:
            self._tell(f"{self._come_late():,} readings came late")
        self._follow()
        return figures

    def standing(self) -> Figures:
        """What there is now."""
        with self._conn.transaction(), self._conn.cursor() as cur:
            live = generation.live_generation(cur, AREA, ENGINE_VERSION)
            readings, stays, hours = bench.counts(cur, AREA, live.generation)
            revisions = bench.revisions(cur, AREA)
            sizes = bench.sizes(cur)
        return {
            "readings": readings,
            "stays": stays,
            "hours": hours,
            "revisions": sum(revisions.values()),
            "revisions_rebuilt": revisions.get("rebuilt", 0),
            "revisions_late": revisions.get("late knowledge", 0),
            **{f"bytes.{table}": size for table, size in sizes.items()},
        }

    def _register(self) -> None:
        with self._conn.transaction():
            known = list_entered(self._conn, "area", AREA, 1)
        if known and known[0].by != self._year.name:
            raise UsageError(
                f"bench history: the kept database is of another run ({known[0].by}); drop it first"
            )
        if not known:
            changes = [Change(kind, id, doc) for kind, id, doc in self._year.documents()]
            apply(self._conn, changes, entered_by=self._year.name, entered_at=START)

    def _write(self) -> float:
        year = self._year
        run = OfflineRun(plan=year.plan(), seed=year.seed, start=START, hours=24 * year.days, faults=ORDINARY)
        began = told = time.monotonic()

        def tell(done: offline_city.Written) -> None:
            nonlocal told
            if time.monotonic() - told >= _TELL_EVERY_S:
                told = time.monotonic()
                self._tell(f"written up to {done.until:%F}: {done.stored / (told - began):,.0f} readings/s")

        reached = self._reached()
        done = write(self._conn, run, tell, beyond=reached if reached > START else None)
        self._tell(f"{done.stored:,} readings are in the log, {done.parked:,} vehicles parked")
        return done.stored / (time.monotonic() - began)

    def _fold(self) -> float:
        began = time.monotonic()
        rebuild(self._conn, AREA, self._config, progress=self._progress("folded"))
        took_s = time.monotonic() - began
        drop_retired(self._conn, AREA)
        with self._conn.transaction(), self._conn.cursor() as cur:
            live = generation.live_generation(cur, AREA, ENGINE_VERSION)
            return bench.counts(cur, AREA, live.generation)[0] / took_s

    def _come_late(self) -> int:
        """What was lost of one day comes after all, long after its hours were final."""
        year = self._year
        day = max(START, year.end - 2 * _ALL_RECEIVED)
        received_at = year.end + 2.5 * _HOUR
        with self._conn.transaction(), self._conn.cursor() as cur:
            lost = bench.words_lost(cur, AREA, day, day + _DAY, min(year.end, day + _DAY + _ALL_RECEIVED))
            rows = [reading_of(_said_between(one), AREA, received_at) for one in lost]
            return append(cur, rows, {AREA: year.end + 3 * _HOUR}).stored

    def _close(self, stage: int) -> None:
        """A stage is done; the engine takes up the time that has passed, and what is due becomes final."""
        with self._conn.transaction(), self._conn.cursor() as cur:
            append(cur, [], {AREA: self._year.end + stage * _HOUR})
        self._follow()

    def _follow(self) -> None:
        with self._conn.transaction(), self._conn.cursor() as cur:
            live = generation.live_generation(cur, AREA, ENGINE_VERSION)
        engine = AreaEngine(self._conn, live, self._config)
        while engine.advance():
            pass

    def _reached(self) -> datetime:
        with self._conn.transaction(), self._conn.cursor() as cur:
            return newest(cur, AREA) or START

    def _progress(self, done: str) -> Callable[[int, int], None]:
        told = 0.0

        def tell(position: int, head: int) -> None:
            nonlocal told
            if time.monotonic() - told >= _TELL_EVERY_S or position == head:
                told = time.monotonic()
                self._tell(f"{done} {position} of {head} positions")

        return tell


def _said_between(lost: bench.Lost) -> Word:
    """What the sensor must have said between two words, in the middle of them."""
    occupied = not lost.next_occupied if lost.next_cause == "change" else lost.next_occupied
    message = State(
        boot=lost.boot,
        seq=lost.seq,
        at=lost.at + (lost.next_at - lost.at) / 2,
        occupied=occupied,
        cause="heartbeat" if occupied == lost.occupied else "change",
    )
    return Word(0, lost.device_id, "state", message)
