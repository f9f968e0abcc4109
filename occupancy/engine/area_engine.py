"""One generation of one area: folds a page of the log, writes what changed and moves the cursor, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import TypeVar

from occupancy.arrivals import REMEMBERED
from occupancy.batch import Batch, Needs, at_once
from occupancy.cell_pass import capacities, closing, shut_parts
from occupancy.cells import car_park_cells
from occupancy.counted import CountHistory
from occupancy.due_cells import Changed, DueCells, Piece, lots
from occupancy.engine.config import EngineConfig
from occupancy.engine.history import HistoryHours
from occupancy.engine.metrics import LATE, PAGE_SECONDS, POSITION, READINGS, VERDICTS
from occupancy.fold import AreaFold
from occupancy.model import BayId, DeviceId, ReadingKey, Suspicion, ZoneCell, ZoneId, ZoneKind
from occupancy.outages import remembered_from
from occupancy.page import BEGINNING, FIRST_KEY, LAST_KEY, Before, Page
from occupancy.recent import newest_words
from occupancy.sensed import DeviceHistory
from occupancy.spans import FOREVER, Span, united
from occupancy.street_cells import street_cells
from store import (
    bay_pages,
    car_parks,
    cells,
    derived,
    generation,
    history_final,
    history_hours,
    learnt,
    suspicions,
    tail,
)
from store.generation import Cursor, Generation
from store.postgres import Connection

K = TypeVar("K")
V = TypeVar("V")
BAYS_JUDGED_AT_ONCE = 50
"""After a change of rules: so that years of stays of a city never sit in memory."""
SENSORS_AT_ONCE = 200
"""Folded from their seeds: so that the readings since then of a city never sit in memory."""
LEARNT_KEPT = 9
"""Entries of the log that may have held since `remembered_from`: one a day, and the one before."""


class AreaEngine:
    """One generation of one area, folded as far as `at`. After any error it is useless: make a new one."""

    def __init__(self, conn: Connection, at: Generation, config: EngineConfig) -> None:
        self.conn = conn
        self.at = at
        self.config = config
        with conn.transaction(), conn.cursor() as cur:
            registry = generation.registry_at(cur, at.area, at.position)
            self.fold = AreaFold(registry, position=at.position, watermark=at.watermark, version=at.version)
            since = remembered_from(at.watermark) if at.watermark else BEGINNING
            self.fold.load(
                generation.load_devices(cur, at.area, at.generation),
                car_parks.load_counts(cur, at.area, at.generation),
                generation.load_zones(cur, at.area, at.generation),
                generation.open_stays(cur, at.area, at.generation),
                generation.load_heard(cur, at),
                tail.pipeline_down(cur, at.area, at.position, since) if at.watermark else (),
                generation.load_outages(cur, at.area, at.generation),
                learnt.newest(cur, at.area, at.position, LEARNT_KEPT),
                suspicions.load_short_spells(cur, at, registry.bindings_by_bay, since),
                suspicions.load_suspicions(cur, at, since),
                generation.load_frozen(cur, at.area, at.generation),
                cells.held_since(cur, at, registry.bays, at.watermark - REMEMBERED) if at.watermark else None,
            )
            first = self._first_evidence(cur, registry.zones)
            self.cells = DueCells(registry, first, kept_from=at.kept_from)
            self.history = HistoryHours(
                registry,
                first,
                history_hours.all_series(cur, at.area),
                history_final.standing(cur, at),
                timedelta(hours=config.final_after_h),
                at.kept_from,
                tail.first_watermark(cur, at.area),
            )

    def advance(self, *, at_once_until: int = 0) -> int:
        """Fold the next page of the log; returns its positions, 0 at the end. Raises `LostRace`, `psycopg.Error`.

        Up to the position `at_once_until` they are folded at once, which may leave versions unsure.
        """
        position = self.at.position
        ahead = max(0, at_once_until - position)
        with self.conn.transaction(), self.conn.cursor() as cur:
            if self.config.patient:
                tail.allow_long_history(cur)
            batches = tail.batches_after(
                cur,
                self.at.area,
                position,
                positions=min(ahead or self.config.positions_per_page, self.config.positions_per_page),
                readings=self.config.readings_per_page,
            )
            if not batches:
                return 0
            with PAGE_SECONDS.time():
                for batch in at_once(batches) if ahead else batches:
                    self._fold(cur, batch)
                self._write(cur)
            derived.notify_feed(cur, self.at.area)
        READINGS.labels(self.at.area).inc(sum(len(batch.readings) for batch in batches))
        POSITION.labels(self.at.area).set(self.at.position)
        return len(batches)

    def fold_from_seeds(self) -> None:
        """Fold every sensor and car park from the checkpoint that was copied last up to where this generation begins.

        Raises `LostRace`, `psycopg.Error`.
        """
        fold = self.fold
        here = Batch(position=self.at.position)
        sensors = dict.fromkeys([*fold.registry.sensors, *fold.words.frozen_sensors], Before())
        with self.conn.transaction(), self.conn.cursor() as cur:
            for some in pieces(sensors, SENSORS_AT_ONCE):
                fold.fold_from_seeds(self._device_histories(cur, some, here.position, {}), {})
                self._put(cur)
            for zone_id, zone in fold.registry.zones.items():
                if zone.kind is ZoneKind.CAR_PARK:
                    fold.fold_from_seeds({}, {zone_id: self._count_history(cur, zone_id, FOREVER, here)})
            fold.show_all()
            self._put(cur)

    def _fold(self, cur: Cursor, batch: Batch) -> None:
        needs = self.fold.needs(batch)
        if needs:
            self._fold_late(cur, batch, needs)
        else:
            self.fold.apply(batch)
        if self.fold.reopened:
            reopened = self.fold.reopened
            newest = newest_words(self.fold.sensed.devices, reopened)
            self.fold.reopen(self._device_histories(cur, reopened, batch.position, newest))

    def _fold_late(self, cur: Cursor, batch: Batch, needs: Needs) -> None:
        if needs.car_parks:
            self._write(cur)  # where their counting is taken up again is looked up in the rows
            LATE.labels(self.at.area).inc(len(needs.car_parks))
            tail.allow_long_history(cur)
        devices = self.fold.recent.histories(needs, batch)
        others = {
            device_id: before for device_id, before in needs.devices.items() if device_id not in devices
        }
        LATE.labels(self.at.area).inc(len(devices))
        newest = newest_words(self.fold.sensed.devices, others, batch.readings)
        devices.update(self._device_histories(cur, others, batch.position, newest))
        car_parks = {
            zone_id: self._count_history(cur, zone_id, late, batch)
            for zone_id, late in needs.car_parks.items()
        }
        self.fold.apply(batch, devices, car_parks)

    def _device_histories(
        self,
        cur: Cursor,
        devices: Mapping[DeviceId, Before | None],
        position: int,
        newest: Mapping[DeviceId, ReadingKey],
    ) -> dict[DeviceId, DeviceHistory]:
        """Of each, from before its reopening up to a position; `newest`: the last word there is up to then, as far as
        known."""
        if devices:
            LATE.labels(self.at.area).inc(len(devices))
            tail.allow_long_history(cur)
        return {
            device_id: self._device_history(cur, device_id, before, newest.get(device_id, LAST_KEY), position)
            for device_id, before in devices.items()
        }

    def _device_history(
        self, cur: Cursor, device_id: DeviceId, before: Before | None, to: ReadingKey, position: int
    ) -> DeviceHistory:
        at = self.at
        start = before and self.fold.page.checkpoint_before(device_id, before)
        if before and start is None:
            written = self.fold.page.written_before(device_id, before)
            start = generation.checkpoint_before(cur, at.area, at.generation, device_id, written)
        if start is None and device_id in self.fold.words.frozen_sensors:
            start = generation.frozen_checkpoint(cur, at.area, at.generation, device_id)
        after = start.key if start else FIRST_KEY
        return DeviceHistory(
            start or None, tail.readings_of_device(cur, at.area, device_id, after, to, position)
        )

    def _count_history(
        self, cur: Cursor, zone_id: ZoneId, late: datetime | None, batch: Batch
    ) -> CountHistory:
        at = self.at
        start = late and car_parks.count_checkpoint_before(cur, at.area, at.generation, zone_id, late)
        if start is None and zone_id in self.fold.words.frozen_car_parks:
            start = car_parks.frozen_checkpoint(cur, at.area, at.generation, zone_id)
        after = start.as_of if start else BEGINNING
        moved_here = [DeviceId(i) for kind, i, doc in batch.changes if kind == "gate" and doc is not None]
        gates = {gate.device_id for gate in self.fold.registry.gates_by_zone.get(zone_id, ())}
        readings = tail.readings_of_gates(cur, at.area, [*gates, *moved_here], after, batch.position)
        recounts = tail.recounts_of(cur, at.area, zone_id, after, batch.position)
        return CountHistory(start or None, readings, recounts)

    def _write(self, cur: Cursor) -> None:
        if self.fold.position != self.at.position:
            self._put(cur)

    def _put(self, cur: Cursor) -> None:
        page = self.fold.take_page(self._told(cur))
        before, changed = self.at.watermark, derived.write_page(cur, self.at, page)
        for verdict, count in page.verdicts.items():
            VERDICTS.labels(self.at.area, verdict.value).inc(count)
        self.at = replace(self.at, position=page.position, watermark=page.watermark, version=page.version)
        judged = [self._judge_stays(cur, bays) for bays in pieces(page.judge_from, BAYS_JUDGED_AT_ONCE)]
        changed = replace(changed, turns=united(changed.turns, *judged))
        self._write_cells(cur, page, changed, before)
        self.history.write(cur, self.at, page, changed, before, partial(self._first_evidence, cur))

    def _told(self, cur: Cursor) -> list[Suspicion]:
        """What was written of sensors whose stays of long ago are judged anew."""
        page = self.fold.page
        bays = self.fold.suspects.untold(page)
        told = suspicions.suspicions_of(cur, self.at, bays) if bays else []
        return [
            row for row in told if (row.bay_id, row.device_id, row.kind, row.began_at) not in page.suspicions
        ]

    def _judge_stays(self, cur: Cursor, bays: Mapping[BayId, datetime]) -> dict[BayId, list[Span]]:
        """Hold the stays of some bays, each from an arrival on, against the limits as they are known now. Returns where
        overstays differ."""
        limited = self.fold.limited
        stays = [limited.stamp(stay) for stay in generation.stays_from(cur, self.at, bays)]
        told = suspicions.suspicions_of(cur, self.at, bays)
        overstays = limited.overstays(stays, partial(self.fold.word_of, told=told), self.fold.watermark)
        return bay_pages.replace_judgements(cur, self.at, bays, bay_pages.Judged(stays, overstays))

    def _write_cells(self, cur: Cursor, page: Page, changed: Changed, before: datetime | None) -> None:
        if page.watermark is None:
            return
        dirty = self.cells.dirty(page, changed)
        asked = self.cells.may_begin_anew(dirty)
        found = self._first_evidence(cur, asked) if asked else {}
        due = self.cells.due(
            dirty, {zone_id: found.get(zone_id) for zone_id in asked}, before, page.watermark
        )
        cells.replace_cells(cur, self.at, due.gone, ())
        zones = self.fold.registry.zones
        for some in lots(due.computed, self._bays_in):
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
            yield from street_cells(zone, span, own, intervals, shut_parts(registry, zone, span))

    def _car_park_cells(self, cur: Cursor, parks: Sequence[Piece]) -> Iterator[ZoneCell]:
        registry = self.fold.registry
        found = cells.count_spans_in(cur, self.at, parks) if parks else []
        for piece, counts in zip(parks, found, strict=True):
            zone, span = registry.zones[piece.zone_id], (piece.start, piece.end)
            closed, capacity_at = closing(registry, zone, span), capacities(registry, zone)
            yield from car_park_cells(zone, span, counts, closed, capacity_at)

    def _bays_in(self, zone_id: ZoneId) -> int:
        return len(self.fold.registry.bays_by_zone.get(zone_id, ()))

    def _first_evidence(self, cur: Cursor, zones: Iterable[ZoneId]) -> dict[ZoneId, datetime]:
        return cells.first_evidence(cur, self.at, self._evidence_of(zones))

    def _evidence_of(self, zones: Iterable[ZoneId]) -> dict[ZoneId, list[BayId] | None]:
        """By zone, the bays whose rows are its evidence; None: the car park's own."""
        registry = self.fold.registry
        return {
            zone_id: None
            if registry.zones[zone_id].kind is ZoneKind.CAR_PARK
            else [bay.bay_id for bay in registry.bays_by_zone.get(zone_id, ())]
            for zone_id in zones
        }


def pieces(whole: Mapping[K, V], size: int) -> Iterator[dict[K, V]]:
    """A mapping in pieces of at most `size`."""
    items = iter(whole.items())
    while piece := dict(islice(items, size)):
        yield piece
