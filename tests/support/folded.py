"""A small city, and an engine without a database: the fold's pages laid over plain dictionaries.

For the laws of the fold over many examples; the engine on the real database is under test in tests/integration.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

from occupancy.batch import Batch
from occupancy.cell_pass import capacities, closing
from occupancy.cells import Held, car_park_cells
from occupancy.chatter import is_short
from occupancy.counted import CountHistory
from occupancy.device_fold import DeviceFold
from occupancy.due_cells import Changed, DueCells, Piece, bay_account, count_account
from occupancy.fold import AreaFold
from occupancy.learnt import Learnt
from occupancy.model import (
    AnyReading,
    BayId,
    Cause,
    CountReading,
    DeviceId,
    Direction,
    HealthReading,
    PassageReading,
    ReadingKey,
    StateReading,
    ZoneCell,
    ZoneId,
    ZoneKind,
)
from occupancy.outages import remembered_from, slot_of
from occupancy.page import BEGINNING, FIRST_KEY, Page
from occupancy.registry import Registry
from occupancy.sensed import DeviceHistory
from occupancy.spans import differences
from occupancy.street_cells import street_cells

START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)  # a Monday
CELLS_UNTIL = START + timedelta(days=3)
"""Cells are kept up to then: a year of silence has 35,000 in a zone."""
HEARTBEAT_S = 600
AREA = "town"


def documents(bays: int = 3) -> list[tuple[str, str, dict[str, Any]]]:
    """One street of sensed bays (the last one a Blue Badge bay), one car park with two gates and a counter."""
    docs: list[tuple[str, str, dict[str, Any]]] = [
        (
            "area",
            AREA,
            {
                "name": {"en": "Town", "cy": "Tref"},
                "time_zone": "Europe/London",
                "languages": ["cy", "en"],
                "clock": "live",
            },
        ),
        (
            "zone",
            "high-st",
            {
                "area_id": AREA,
                "kind": "street",
                "name": {"en": "High Street", "cy": "Stryd Fawr"},
                "lat": 51.5,
                "lon": -3.2,
            },
        ),
        (
            "zone",
            "castle",
            {
                "area_id": AREA,
                "kind": "car_park",
                "name": {"en": "Castle", "cy": "Castell"},
                "lat": 51.5,
                "lon": -3.2,
                "capacity": 5,
            },
        ),
    ]
    for n in range(bays):
        bay_type = "blue_badge" if n == bays - 1 else "standard"
        docs.append(
            (
                "bay",
                f"high-st-{n}",
                {"area_id": AREA, "zone_id": "high-st", "bay_type": bay_type, "lat": 51.5, "lon": -3.2},
            )
        )
        docs.append(
            ("sensor", f"s{n}", {"area_id": AREA, "model": "ir-flush", "expected_heartbeat_s": HEARTBEAT_S})
        )
        docs.append(
            (
                "binding",
                f"s{n}@high-st-{n}@always",
                {"area_id": AREA, "device_id": f"s{n}", "bay_id": f"high-st-{n}"},
            )
        )
    for gate, model in (("g-in", "barrier"), ("g-out", "barrier"), ("g-count", "counter")):
        docs.append(
            (
                "gate",
                gate,
                {"area_id": AREA, "zone_id": "castle", "model": model, "expected_heartbeat_s": HEARTBEAT_S},
            )
        )
    return docs


def state(
    device: str, seq: int, at_s: float, occupied: bool | None, *, boot: int = 1, cause: str = "change"
) -> StateReading:
    at = START + timedelta(seconds=at_s)
    return StateReading(
        device_id=DeviceId(device),
        key=ReadingKey(0, boot, seq),
        at=at,
        age_ms=None,
        received_at=at + timedelta(seconds=1),
        occupied=occupied,
        cause=Cause(cause),
    )


def health(device: str, seq: int, at_s: float) -> HealthReading:
    at = START + timedelta(seconds=at_s)
    return HealthReading(
        device_id=DeviceId(device), key=ReadingKey(0, 1, seq), at=at, age_ms=None, received_at=at
    )


def passage(device: str, seq: int, at_s: float, direction: str) -> PassageReading:
    at = START + timedelta(seconds=at_s)
    return PassageReading(
        device_id=DeviceId(device),
        key=ReadingKey(0, 1, seq),
        at=at,
        age_ms=None,
        received_at=at,
        direction=Direction(direction),
    )


def count(device: str, seq: int, at_s: float, occupied: int) -> CountReading:
    at = START + timedelta(seconds=at_s)
    return CountReading(
        device_id=DeviceId(device),
        key=ReadingKey(0, 1, seq),
        at=at,
        age_ms=None,
        received_at=at,
        occupied=occupied,
    )


_began = attrgetter("started_at")


class Folded:
    """Folds batches and keeps the rows. A key that came before is not folded again, as the log would not store it."""

    def __init__(
        self, docs: Sequence[tuple[str, str, dict[str, Any]]] | None = None, *, pages_of: int = 1
    ) -> None:
        self.pages_of = pages_of
        """Positions to a page, at most: a watermark ends one."""
        self.fold = AreaFold(Registry())
        self.log: list[AnyReading] = []
        self.keys: set[tuple[str, ReadingKey]] = set()
        self.intervals: dict[tuple[str, datetime], Any] = {}
        self.stays: dict[tuple[str, datetime], Any] = {}
        self.overstays: dict[tuple[str, datetime], Any] = {}
        self.counts: dict[tuple[str, datetime], Any] = {}
        self.bays: dict[str, Any] = {}
        self.outages: dict[tuple[str, datetime], Any] = {}
        self.suspicions: dict[Any, Any] = {}
        self.checkpoints: list[DeviceFold] = []
        self.count_checkpoints: list[tuple[ZoneId, Any]] = []
        self.cells: dict[tuple[str, datetime], ZoneCell] = {}
        self.due_cells = DueCells(self.fold.registry, {})
        self.laid_to: datetime | None = None
        """The watermark of the cells."""
        self.position = 0
        self.learnt: list[Learnt] = []
        self.append(changes=documents() if docs is None else docs)

    def append(
        self,
        readings: Iterable[AnyReading] = (),
        *,
        watermark_s: float | None = None,
        changes: Sequence[tuple[str, str, object | None]] = (),
        pipeline_down: Sequence[tuple[datetime, datetime]] = (),
        learnt: Learnt | None = None,
    ) -> None:
        self.learnt += [] if learnt is None else [learnt]
        fresh = []
        for reading in readings:
            if (reading.device_id, reading.key) not in self.keys:
                self.keys.add((reading.device_id, reading.key))
                fresh.append(reading)
        self.log.extend(fresh)
        self.position += 1
        watermark = None if watermark_s is None else START + timedelta(seconds=watermark_s)
        if watermark is not None and self.fold.watermark is not None and watermark <= self.fold.watermark:
            watermark = None
        batch = Batch(
            position=self.position,
            watermark=watermark,
            readings=fresh,
            changes=changes,
            pipeline_down=pipeline_down,
            learnt=learnt,
        )
        needs = self.fold.needs(batch)
        if needs.car_parks:
            self._lay()
        self.fold.apply(
            batch,
            {device: self._history(device, late) for device, late in needs.devices.items()},
            {zone: self._count_history(zone, late) for zone, late in needs.car_parks.items()},
        )
        if self.position % self.pages_of == 0 or watermark_s is not None:
            self._lay()

    def restart(self) -> None:
        """A new process takes up from the rows and the log."""
        self._lay()
        old = self.fold
        fold = AreaFold(old.registry, position=old.position, watermark=old.watermark, version=old.version)
        since = BEGINNING if old.watermark is None else remembered_from(old.watermark)
        heard: dict[DeviceId, list[int]] = {}
        for reading in self.log:
            if reading.received_at >= since:
                heard.setdefault(reading.device_id, []).append(slot_of(reading.received_at))
        short: dict[tuple[BayId, DeviceId], list[datetime]] = {}
        for row in sorted(self.intervals.values(), key=_began):
            if is_short(row) and row.ended_at > since:
                short.setdefault((row.bay_id, row.device_id), []).append(row.ended_at)
        fold.load(
            old.sensed.devices.values(),
            {zone: (count.base, count.recent) for zone, count in old.counted.counts.items()},
            old.zones,
            [stay for stay in self.stays.values() if stay.departed_at is None],
            heard,
            (),
            self.outages.values(),
            self.learnt[-9:],
            short,
            sorted(
                (one for one in self.suspicions.values() if one.ended_at is None or one.ended_at > since),
                key=lambda one: (one.began_at, one.kind),
            ),
        )
        self.fold = fold

    def rows(self) -> dict[str, Any]:
        """Every derived row, comparable: what must not depend on the order of arrival."""
        return {
            "intervals": sorted(self.intervals.values(), key=lambda i: (i.bay_id, i.started_at)),
            "stays": sorted(self.stays.values(), key=lambda s: (s.bay_id, s.arrived_at)),
            "overstays": sorted(self.overstays.values(), key=lambda o: (o.bay_id, o.arrived_at)),
            "counts": sorted(
                ((z, s) for (z, _), s in self.counts.items()), key=lambda c: (c[0], c[1].started_at)
            ),
            "bays": dict(sorted(self.bays.items())),
            "cells": [self.cells[key] for key in sorted(self.cells)],
            "outages": dict(sorted(self.outages.items())),
            "suspicions": dict(sorted(self.suspicions.items())),
            "zones": dict(sorted(self.fold.zones.items())),
        }

    def _lay(self) -> None:
        before = self.laid_to
        page = self.fold.take_page()
        self.laid_to = page.watermark and min(page.watermark, CELLS_UNTIL)
        bays: dict[Any, list[Any]] = {}
        for (bay_id, device_id), rows in page.bays.items():
            own = [row for (bay, _), row in self.intervals.items() if bay == bay_id]
            cut = [row for row in own if row.device_id == device_id and row.started_at >= rows.cut]
            found = differences(map(bay_account, cut), map(bay_account, rows.intervals))
            bays.setdefault(bay_id, []).extend(found)
            for table, new, at in (
                (self.intervals, rows.intervals, "started_at"),
                (self.stays, rows.stays, "arrived_at"),
            ):
                for key, row in list(table.items()):
                    if row.bay_id == bay_id and row.device_id == device_id and getattr(row, at) >= rows.cut:
                        del table[key]
                for row in new:
                    assert (bay_id, getattr(row, at)) not in table, "two rows of a bay begin at once"
                    table[bay_id, getattr(row, at)] = row
        for (bay_id, device_id), judged in page.overstays.items():
            self._cut_overstays(bay_id, judged.cut, device_id)
            self.overstays.update({(o.bay_id, o.arrived_at): o for o in judged.overstays})
        for bay_id, arrived_from in page.judge_from.items():
            keys = [key for key in self.stays if key[0] == bay_id and key[1] >= arrived_from]
            self.stays.update({key: self.fold.limited.stamp(self.stays[key]) for key in keys})
            self._cut_overstays(bay_id, arrived_from)
            found = self.fold.limited.overstays(
                [self.stays[key] for key in keys], self.fold.word_of, self.fold.watermark
            )
            self.overstays.update({(o.bay_id, o.arrived_at): o for o in found})
        parks: dict[Any, list[Any]] = {}
        for zone_id, count_rows in page.counts.items():
            cut = [s for (z, _), s in self.counts.items() if z == zone_id and s.started_at >= count_rows.cut]
            parks[zone_id] = list(differences(map(count_account, cut), map(count_account, count_rows.spans)))
            for key, span in list(self.counts.items()):
                if key[0] == zone_id and span.started_at >= count_rows.cut:
                    del self.counts[key]
            for span in count_rows.spans:
                assert (zone_id, span.started_at) not in self.counts
                self.counts[zone_id, span.started_at] = span
        self.bays.update(page.bay_states)
        for key, outage in page.outages.items():
            self.outages.pop(key, None)
            self.outages.update({} if outage is None else {key: outage})
        for suspicion_key, suspicion in page.suspicions.items():
            self.suspicions.pop(suspicion_key, None)
            self.suspicions.update({} if suspicion is None else {suspicion_key: suspicion})
        for bay_id in page.gone_bays:
            self.bays.pop(bay_id, None)
        for device_id, cut in page.checkpoint_cuts.items():
            self.checkpoints = [c for c in self.checkpoints if c.device_id != device_id or c.key <= cut]
        self.checkpoints.extend(page.checkpoints)
        for zone_id, at in page.count_checkpoint_cuts.items():
            self.count_checkpoints = [
                (z, c) for z, c in self.count_checkpoints if z != zone_id or c.as_of <= at
            ]
        self.count_checkpoints.extend(page.count_checkpoints)
        if self.laid_to is not None:
            self._lay_cells(page, Changed(bays=bays, car_parks=parks), before, self.laid_to)

    def _lay_cells(self, page: Page, changed: Changed, before: datetime | None, watermark: datetime) -> None:
        registry = self.fold.registry
        dirty = self.due_cells.dirty(page, changed)
        first: dict[ZoneId, datetime | None] = {}
        for zone_id in self.due_cells.may_begin_anew(dirty):
            bay_ids = {bay.bay_id for bay in registry.bays_by_zone.get(zone_id, ())}
            rows = self.counts if registry.zones[zone_id].kind is ZoneKind.CAR_PARK else self.intervals
            first[zone_id] = min((at for id, at in rows if id in bay_ids or id == zone_id), default=None)
        due = self.due_cells.due(dirty, first, before, watermark)
        for piece in due.gone:
            for key in [key for key in self.cells if key[0] == piece.zone_id]:
                if piece.start <= key[1] < piece.end:
                    del self.cells[key]
        for piece in due.computed:
            for cell in self._cells_of(piece):
                assert (cell.zone_id, cell.cell_at) not in self.cells, "a cell is written twice"
                self.cells[cell.zone_id, cell.cell_at] = cell

    def _cells_of(self, piece: Piece) -> list[ZoneCell]:
        registry, span = self.fold.registry, (piece.start, piece.end)
        zone = registry.zones[piece.zone_id]
        closed = closing(registry, zone, span)
        if zone.kind is ZoneKind.CAR_PARK:
            spans = sorted((s for (z, _), s in self.counts.items() if z == zone.zone_id), key=_began)
            return car_park_cells(zone, span, spans, closed, capacities(registry, zone))
        bays = registry.bays_by_zone.get(zone.zone_id, ())
        intervals = {
            bay.bay_id: [
                Held(i.started_at, i.ended_at, i.state)
                for i in sorted((i for (b, _), i in self.intervals.items() if b == bay.bay_id), key=_began)
            ]
            for bay in bays
        }
        return street_cells(zone, span, bays, intervals, closed)

    def _cut_overstays(self, bay_id: str, cut: datetime, device_id: str | None = None) -> None:
        for key, row in list(self.overstays.items()):
            if key[0] == bay_id and key[1] >= cut and device_id in (None, row.device_id):
                del self.overstays[key]

    def _history(self, device_id: DeviceId, late: AnyReading | None) -> DeviceHistory:
        start = late and self.fold.page.checkpoint_before(device_id, late.key)
        if late and start is None:
            key = self.fold.page.written_before(device_id, late.key)
            before = [c for c in self.checkpoints if c.device_id == device_id and c.key < key]
            start = max(before, key=lambda c: c.key, default=None)
        after = start.key if start else FIRST_KEY
        own = [r for r in self.log if r.device_id == device_id and r.key > after]
        return DeviceHistory(start, sorted(own, key=lambda r: r.key))

    def _count_history(self, zone_id: ZoneId, late: datetime | None) -> CountHistory:
        before = [c for z, c in self.count_checkpoints if late and z == zone_id and c.as_of < late]
        start = max(before, key=lambda c: c.as_of, default=None)
        after = start.as_of if start else BEGINNING
        return CountHistory(start, [r for r in self.log if max(r.at or r.received_at, r.received_at) > after])
