"""The engine: tails the log, folds it, writes what changed and moves its cursor, in one transaction a page.

The only file of this room with I/O. One process serves every area; a second one is harmless, because the cursor
moves by compare-and-swap (the advisory lock only saves it the work).
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

import psycopg
from prometheus_client import Counter, Gauge, Histogram

from occupancy.cell_pass import capacities, closing
from occupancy.cells import car_park_cells, street_cells
from occupancy.counted import CountHistory
from occupancy.due_cells import Changed, DueCells, Piece, at_once
from occupancy.fold import AreaFold, Batch, Needs
from occupancy.model import AreaId, BayId, DeviceId, ZoneCell, ZoneId, ZoneKind
from occupancy.outages import remembered_from
from occupancy.page import BEGINNING, FIRST_KEY, Before, Page
from occupancy.sensed import DeviceHistory
from store import car_parks, cells, derived, generation, tail
from store.derived import LostRace
from store.faults import Fault, classify
from store.generation import Cursor, Generation
from store.postgres import Connection, connect

ENGINE_VERSION = "5"
"""Recorded with each generation; raise it when the same log would give other rows: the engine then rebuilds."""

BAYS_JUDGED_AT_ONCE = 50
"""After a change of rules: so that years of stays of a city never sit in memory."""

_log = logging.getLogger("baycast.engine")

POSITION = Gauge("baycast_engine_position", "Position of the log folded last", ["area"])
LAG = Gauge("baycast_engine_lag_positions", "Positions of the log not folded yet", ["area"])
READINGS = Counter("baycast_engine_readings_total", "Readings folded", ["area"])
LATE = Counter("baycast_engine_late_total", "Devices and car parks folded again for a late reading", ["area"])
PAGE_SECONDS = Histogram("baycast_engine_page_seconds", "Folding and writing one page")
OVERDUE = Gauge("baycast_engine_overdue_sensors", "Sensors silent beyond their model's promise", ["area"])
VERDICTS = Counter(
    "baycast_engine_verdicts_total", "What became of readings and silences", ["area", "verdict"]
)
LOST_RACES = Counter("baycast_engine_lost_races_total", "Pages given up because another engine was first")
OUTAGES = Counter("baycast_engine_outages_total", "Times the database was away or would not take writes")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    database_url: str
    positions_per_page: int = 500
    readings_per_page: int = 4_000
    """A page's readings at most (about): what is in memory at once, in one transaction, and in one area's turn."""
    poll_s: float = 1.0
    """A lost notification costs this much latency, never data."""
    forget_every_s: float = 3600.0
    """How often vehicle tokens past the longest stay are looked for."""

    def in_bulk(self) -> EngineConfig:
        """For a rebuild, which nobody waits for: pages so large that rows which change often are written seldom."""
        return replace(self, positions_per_page=20_000, readings_per_page=20_000)


class AreaEngine:
    """One generation of one area, folded as far as `at`. After any error it is useless: make a new one."""

    def __init__(self, conn: Connection, at: Generation, config: EngineConfig) -> None:
        self.conn = conn
        self.at = at
        self.config = config
        with conn.transaction(), conn.cursor() as cur:
            registry = generation.registry_at(cur, at.area, at.position)
            self.fold = AreaFold(registry, position=at.position, watermark=at.watermark, version=at.version)
            self.fold.load(
                generation.load_devices(cur, at.area, at.generation),
                car_parks.load_counts(cur, at.area, at.generation),
                generation.load_zones(cur, at.area, at.generation),
                generation.open_stays(cur, at.area, at.generation),
                generation.load_heard(cur, at),
                tail.pipeline_down(cur, at.area, at.position, remembered_from(at.watermark))
                if at.watermark
                else (),
                generation.load_outages(cur, at.area, at.generation),
            )
            first = cells.first_evidence(cur, at, self._evidence_of(registry.zones))
            self.cells = DueCells(registry, first)

    def advance(self) -> int:
        """Fold the next page of the log; returns its positions, 0 at the end. Raises `LostRace`, `psycopg.Error`."""
        with self.conn.transaction(), self.conn.cursor() as cur:
            batches = tail.batches_after(
                cur,
                self.at.area,
                self.at.position,
                positions=self.config.positions_per_page,
                readings=self.config.readings_per_page,
            )
            if not batches:
                return 0
            with PAGE_SECONDS.time():
                for batch in batches:
                    self._fold(cur, batch)
                self._write(cur)
            derived.notify_feed(cur, self.at.area)
        READINGS.labels(self.at.area).inc(sum(len(batch.readings) for batch in batches))
        POSITION.labels(self.at.area).set(self.at.position)
        return len(batches)

    def _fold(self, cur: Cursor, batch: Batch) -> None:
        needs = self.fold.needs(batch)
        if needs.car_parks:
            self._write(cur)  # where their counting is taken up again is looked up in the rows
        devices = self._device_histories(cur, needs.devices, batch)
        if needs.car_parks:
            LATE.labels(self.at.area).inc(len(needs.car_parks))
            tail.allow_long_history(cur)
        car_parks = {zone_id: self._count_history(cur, zone_id, needs, batch) for zone_id in needs.car_parks}
        self.fold.apply(batch, devices, car_parks)
        if self.fold.reopened:
            self.fold.reopen(self._device_histories(cur, self.fold.reopened, batch))

    def _device_histories(
        self, cur: Cursor, devices: Mapping[DeviceId, Before | None], batch: Batch
    ) -> dict[DeviceId, DeviceHistory]:
        if devices:
            LATE.labels(self.at.area).inc(len(devices))
            tail.allow_long_history(cur)
        return {
            device_id: self._device_history(cur, device_id, devices[device_id], batch)
            for device_id in devices
        }

    def _device_history(
        self, cur: Cursor, device_id: DeviceId, before: Before | None, batch: Batch
    ) -> DeviceHistory:
        at = self.at
        start = before and self.fold.page.checkpoint_before(device_id, before)
        if before and start is None:
            written = self.fold.page.written_before(device_id, before)
            start = generation.checkpoint_before(cur, at.area, at.generation, device_id, written)
        after = start.key if start else FIRST_KEY
        return DeviceHistory(
            start or None, tail.readings_of_device(cur, at.area, device_id, after, batch.position)
        )

    def _count_history(self, cur: Cursor, zone_id: ZoneId, needs: Needs, batch: Batch) -> CountHistory:
        late = needs.car_parks[zone_id]
        at = self.at
        start = late and car_parks.count_checkpoint_before(cur, at.area, at.generation, zone_id, late)
        after = start.as_of if start else BEGINNING
        moved_here = [DeviceId(i) for kind, i, doc in batch.changes if kind == "gate" and doc is not None]
        gates = {gate.device_id for gate in self.fold.registry.gates_by_zone.get(zone_id, ())}
        readings = tail.readings_of_gates(cur, at.area, [*gates, *moved_here], after, batch.position)
        recounts = tail.recounts_of(cur, at.area, zone_id, after, batch.position)
        return CountHistory(start or None, readings, recounts)

    def _write(self, cur: Cursor) -> None:
        page = self.fold.take_page()
        if page.position == self.at.position:
            return
        before, changed = self.at.watermark, derived.write_page(cur, self.at, page)
        for verdict, count in page.verdicts.items():
            VERDICTS.labels(self.at.area, verdict.value).inc(count)
        self.at = Generation(self.at.area, self.at.generation, page.position, page.watermark, page.version)
        for bays in pieces(page.judge_from, BAYS_JUDGED_AT_ONCE):
            self._judge_stays(cur, bays)
        self._write_cells(cur, page, changed, before)

    def _judge_stays(self, cur: Cursor, bays: Mapping[BayId, datetime]) -> None:
        """Hold the stays of some bays, each from an arrival on, against the limits as they are known now."""
        limited = self.fold.limited
        stays = [limited.stamp(stay) for stay in generation.stays_from(cur, self.at, bays)]
        overstays = limited.overstays(stays, self.fold.word_of, self.fold.watermark)
        derived.replace_judgements(cur, self.at, bays, derived.Judged(stays, overstays))

    def _write_cells(self, cur: Cursor, page: Page, changed: Changed, before: datetime | None) -> None:
        if page.watermark is None:
            return
        dirty = self.cells.dirty(page, changed)
        asked = self.cells.may_begin_anew(dirty)
        found = cells.first_evidence(cur, self.at, self._evidence_of(asked)) if asked else {}
        due = self.cells.due(
            dirty, {zone_id: found.get(zone_id) for zone_id in asked}, before, page.watermark
        )
        cells.replace_cells(cur, self.at, due.gone, ())
        zones = self.fold.registry.zones
        for some in at_once(due.computed, self._bays_in):
            streets = [piece for piece in some if zones[piece.zone_id].kind is not ZoneKind.CAR_PARK]
            parks = [piece for piece in some if zones[piece.zone_id].kind is ZoneKind.CAR_PARK]
            computed = [*self._street_cells(cur, streets), *self._car_park_cells(cur, parks)]
            cells.replace_cells(cur, self.at, [], computed)

    def _street_cells(self, cur: Cursor, streets: Sequence[Piece]) -> Iterator[ZoneCell]:
        registry = self.fold.registry
        bays = [registry.bays_by_zone.get(piece.zone_id, ()) for piece in streets]
        wanted = [(piece, [bay.bay_id for bay in own]) for piece, own in zip(streets, bays, strict=True)]
        found = iter(cells.bay_intervals_in(cur, self.at, wanted) if wanted else ())
        for piece, own in zip(streets, bays, strict=True):
            zone, span = registry.zones[piece.zone_id], (piece.start, piece.end)
            intervals = {bay.bay_id: next(found) for bay in own}
            yield from street_cells(zone, span, own, intervals, closing(registry, zone, span))

    def _car_park_cells(self, cur: Cursor, parks: Sequence[Piece]) -> Iterator[ZoneCell]:
        registry = self.fold.registry
        found = cells.count_spans_in(cur, self.at, parks) if parks else []
        for piece, counts in zip(parks, found, strict=True):
            zone, span = registry.zones[piece.zone_id], (piece.start, piece.end)
            closed, capacity_at = closing(registry, zone, span), capacities(registry, zone)
            yield from car_park_cells(zone, span, counts, closed, capacity_at)

    def _bays_in(self, zone_id: ZoneId) -> int:
        return len(self.fold.registry.bays_by_zone.get(zone_id, ()))

    def _evidence_of(self, zones: Iterable[ZoneId]) -> dict[ZoneId, list[BayId] | None]:
        """By zone, the bays whose rows are its evidence; None: the car park's own."""
        registry = self.fold.registry
        return {
            zone_id: None
            if registry.zones[zone_id].kind is ZoneKind.CAR_PARK
            else [bay.bay_id for bay in registry.bays_by_zone.get(zone_id, ())]
            for zone_id in zones
        }


def pieces(bays: Mapping[BayId, datetime], size: int) -> Iterator[dict[BayId, datetime]]:
    """A mapping in pieces of at most `size`."""
    items = iter(bays.items())
    while piece := dict(islice(items, size)):
        yield piece


def run(config: EngineConfig, stop: threading.Event) -> None:
    """Serve every area until `stop`. An outage of the database is waited out with jittered back-off."""
    delay = 0.1
    while not stop.is_set():
        try:
            with connect(config.database_url, role="baycast engine") as conn:
                _serve(conn, config, stop)
                delay = 0.1
        except psycopg.Error as error:
            if classify(error) not in (Fault.OUTAGE, Fault.BUSY):
                raise
            OUTAGES.inc()
            _log.warning("database not reachable, trying again", extra={"error": str(error).strip()})
            stop.wait(delay * random.uniform(0.5, 1.5))  # noqa: S311
            delay = min(delay * 2, 5.0)


class RebuildRunningError(RuntimeError):
    """Another process rebuilds this area now."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What took over from what; `differing` are the tables whose rows differ, None when that was not asked."""

    old: int
    new: int
    differing: tuple[str, ...] | None


def rebuild(
    conn: Connection,
    area: AreaId,
    config: EngineConfig,
    *,
    compare: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Rebuilt:
    """Fold the whole log into a new generation beside the live one and switch to it.

    The live engine goes on meanwhile and takes up the new generation when its next swap fails; with `compare` it waits
    while the two are compared at the same position. The old rows stay until `drop_retired`. Raises `LookupError` for an
    area without a log, `RebuildRunningError`.
    """
    with conn.transaction(), conn.cursor() as cur:
        if not generation.try_rebuild_lock(cur, area):
            raise RebuildRunningError(f"area {area} is being rebuilt by another process")
        generation.live_generation(cur, area, ENGINE_VERSION)
        fresh = generation.start_building(cur, area, ENGINE_VERSION)
    engine = AreaEngine(conn, fresh, config)
    while True:
        while engine.advance():
            if progress is not None:
                with conn.transaction(), conn.cursor() as cur:
                    progress(engine.at.position, generation.heads(cur)[area])
        with conn.transaction(), conn.cursor() as cur:
            old, position = generation.hold_live(cur, area)
            new = engine.at.generation
            # Rows can only be compared at one position; versions must not go back.
            if position > engine.at.position or (compare and position != engine.at.position):
                continue
            differing: tuple[str, ...] | None = None
            if compare:
                before, after = derived.digest(cur, area, old), derived.digest(cur, area, new)
                differing = tuple(table for table in before if before[table] != after[table])
            generation.switch(cur, area, old, new)
            generation.release_rebuild_lock(cur, area)
            derived.notify_feed(cur, area)
            return Rebuilt(old, new, differing)


def drop_retired(conn: Connection, area: AreaId) -> int:
    """Delete the rows of generations that are not live, also those of a rebuild that was cut off."""
    with conn.transaction(), conn.cursor() as cur:
        live = generation.live_generation(cur, area, ENGINE_VERSION)
        old = generation.not_live(cur, live)
    for number in old:
        with conn.transaction(), conn.cursor() as cur:
            derived.drop_generation(cur, area, number)
    return len(old)


def _serve(conn: Connection, config: EngineConfig, stop: threading.Event) -> None:
    engines: dict[AreaId, AreaEngine] = {}
    forgotten_at: float | None = None
    with connect(config.database_url, autocommit=True, role="baycast engine listener") as listener:
        listener.execute("LISTEN baycast_log")
        while not stop.is_set() and not generation.try_engine_lock(conn):
            stop.wait(config.poll_s)
        while not stop.is_set():
            with conn.transaction(), conn.cursor() as cur:
                heads = generation.heads(cur)
            if forgotten_at is None or time.monotonic() - forgotten_at >= config.forget_every_s:
                forgotten_at = time.monotonic()
                _forget_tokens(conn, heads)
            # A page each in turn: an area with a backlog (a replay) must not hold up the others.
            behind = [area for area in heads if _advance(conn, area, engines, config)]
            for area, head in heads.items():
                LAG.labels(area).set(max(0, head - engines[area].at.position) if area in engines else head)
            if not behind:
                for _ in listener.notifies(timeout=config.poll_s, stop_after=1):
                    pass


def _forget_tokens(conn: Connection, areas: Iterable[AreaId]) -> None:
    """Vehicle tokens past the longest stay go from the log (L10). By the time of day: it changes no derived row."""
    for area in areas:
        with conn.transaction(), conn.cursor() as cur:
            car_parks.forget_tokens(cur, area)


def _advance(conn: Connection, area: AreaId, engines: dict[AreaId, AreaEngine], config: EngineConfig) -> bool:
    """Fold one page of an area; whether there may be more."""
    try:
        if area not in engines:
            if not _brought_up(conn, area, config):
                return False
            with conn.transaction(), conn.cursor() as cur:
                at = generation.live_generation(cur, area, ENGINE_VERSION)
            engines[area] = AreaEngine(conn, at, config)
            _log.info(
                "serving area", extra={"area": area, "generation": at.generation, "position": at.position}
            )
        advanced = engines[area].advance()
        if advanced:
            OVERDUE.labels(area).set(engines[area].fold.sensed.overdue())
    except LostRace as lost:
        LOST_RACES.inc()
        _log.info(
            "another engine was first or the generation changed, loading again", extra={"why": str(lost)}
        )
        engines.pop(area, None)
        return True
    return advanced > 0


def _brought_up(conn: Connection, area: AreaId, config: EngineConfig) -> bool:
    """Rows of another version of the engine are rebuilt first, and answer until then. False: another process does."""
    with conn.transaction(), conn.cursor() as cur:
        version = generation.live_version(cur, area)
    if version in (None, ENGINE_VERSION):
        return True
    _log.info("rows of another version of the engine, rebuilding", extra={"area": area, "version": version})
    try:
        rebuild(conn, area, config.in_bulk())
    except RebuildRunningError:
        return False
    return True
