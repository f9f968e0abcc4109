"""The derived tables as plain dictionaries: the pages of a fold laid over each other, as the store would."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import pairwise
from operator import attrgetter
from typing import Any

from occupancy.car_park import CountEvent, CountFold
from occupancy.cell_pass import capacities, closing, shut_parts
from occupancy.cells import Held, car_park_cells, floor_cell
from occupancy.chatter import is_short
from occupancy.device_fold import DeviceFold
from occupancy.due_cells import Changed, DueCells, Piece, bay_account, count_account
from occupancy.fold import AreaFold
from occupancy.model import (
    BayId,
    DeviceId,
    Suspicion,
    SuspicionKind,
    ZoneAvailability,
    ZoneCell,
    ZoneId,
    ZoneKind,
)
from occupancy.page import Page, SuspicionKey
from occupancy.registry import Registry
from occupancy.spans import Span, differences
from occupancy.street_cells import street_cells

_began = attrgetter("started_at")


class LaidRows:
    """Every table of one generation, as of `position`. Cells are kept up to `cells_until`."""

    def __init__(self, cells_until: datetime) -> None:
        self.position = 0
        self.version = 0
        self.watermark: datetime | None = None
        self.devices: dict[DeviceId, DeviceFold] = {}
        self.count_folds: dict[ZoneId, tuple[CountFold | None, tuple[CountEvent, ...]]] = {}
        """The base and the recent events: copied, since the fold goes on with the object that it hands over."""
        self.zones: dict[ZoneId, tuple[ZoneAvailability, int]] = {}
        """With the version."""
        self.intervals: dict[tuple[str, datetime], Any] = {}
        self.stays: dict[tuple[str, datetime], Any] = {}
        self.overstays: dict[tuple[str, datetime], Any] = {}
        self.counts: dict[tuple[str, datetime], Any] = {}
        self.bays: dict[str, Any] = {}
        self.outages: dict[tuple[str, datetime], Any] = {}
        self.suspicions: dict[SuspicionKey, Suspicion] = {}
        self.checkpoints: list[DeviceFold] = []
        self.count_checkpoints: list[tuple[ZoneId, Any]] = []
        self.cells: dict[tuple[str, datetime], ZoneCell] = {}
        self._cells_until = cells_until
        self._cells_to: datetime | None = None
        """The watermark of the cells."""
        self._due_cells = DueCells(Registry(), {})

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
            "zones": {zone_id: said for zone_id, (said, _) in sorted(self.zones.items())},
        }

    def short_spells(self, since: datetime | None) -> dict[tuple[BayId, DeviceId], list[datetime]]:
        """As `Suspects.load` wants them."""
        own: dict[tuple[BayId, DeviceId], list[Any]] = {}
        for row in sorted(self.intervals.values(), key=_began):
            own.setdefault((row.bay_id, row.device_id), []).append(row)
        ends = {
            key: [one.ended_at for one, then in pairwise(rows) if is_short(one, then)]
            for key, rows in own.items()
        }
        recent = {key: [at for at in found if since and at > since] for key, found in ends.items()}
        return {key: found for key, found in recent.items() if found}

    def held_since(self, since: datetime | None) -> dict[tuple[BayId, DeviceId], list[Held]]:
        """As `Arrivals.load` wants them."""
        found: dict[tuple[BayId, DeviceId], list[Held]] = {}
        for row in sorted(self.intervals.values(), key=_began):
            if since is not None and (row.ended_at is None or row.ended_at > since):
                held = Held(row.started_at, row.ended_at, row.state)
                found.setdefault((row.bay_id, row.device_id), []).append(held)
        return found

    def suspicions_since(self, since: datetime | None) -> list[Suspicion]:
        """As `Suspects.load` wants them."""
        rows = (row for row in self.suspicions.values() if since is not None)
        lasting = [
            row for row in rows if row.ended_at is None or (since is not None and row.ended_at >= since)
        ]
        return sorted(lasting, key=lambda row: (row.began_at, row.kind))

    def copied(
        self,
        position: int,
        watermark: datetime,
        devices: set[DeviceId],
        seeds: list[DeviceFold],
        parks: dict[ZoneId, CountFold],
    ) -> LaidRows:
        """What a generation that is folded from a position on begins with, as the store would copy it."""
        other = LaidRows(self._cells_until)
        other.position, other.watermark = position, watermark
        other.version = min(self.version, position)
        ends = {seed.device_id: seed for seed in seeds}
        begins = {device_id: seed.trail[0].since for device_id, seed in ends.items()}
        other.devices = {device_id: self.devices[device_id] for device_id in devices}
        other.checkpoints = [
            c for c in self.checkpoints if c.device_id in ends and c.key <= ends[c.device_id].key
        ]
        other.count_checkpoints = [
            (z, c) for z, c in self.count_checkpoints if z in parks and c.as_of <= parks[z].as_of
        ]
        for key, row in self.intervals.items():
            if row.device_id in begins and row.started_at <= begins[row.device_id]:
                other.intervals[key] = row
        for old, new in ((self.stays, other.stays), (self.overstays, other.overstays)):
            for key, row in old.items():
                if row.device_id in begins and row.arrived_at < begins[row.device_id]:
                    new[key] = row
        for (zone_id, at), span in self.counts.items():
            if zone_id in parks and at < parks[ZoneId(zone_id)].since:
                other.counts[zone_id, at] = span
        other.zones = {zone_id: said for zone_id, said in self.zones.items() if said[1] <= position}
        for row in self.outages.values():
            if row.noticed_at <= watermark:
                other.outages[row.group, row.began_at] = _as_of(row, watermark)
        for suspicion_key, row in self.suspicions.items():
            folded_to = watermark
            if row.kind is SuspicionKind.IMPLAUSIBLE:
                folded_to = max(watermark, begins.get(row.device_id, watermark))
            if row.began_at <= watermark or row.began_at < folded_to:
                other.suspicions[suspicion_key] = _as_of(row, folded_to)
        other._cells_to = min(watermark, self._cells_until)
        over = floor_cell(other._cells_to)
        other.cells = {key: cell for key, cell in self.cells.items() if key[1] < over}
        return other

    def taken_up_by(self, registry: Registry) -> None:
        """A process begins that has this registry."""
        evidence = {zone_id: self._first_evidence(registry, zone_id) for zone_id in registry.zones}
        self._due_cells = DueCells(registry, {z: at for z, at in evidence.items() if at is not None})

    def lay(self, page: Page, fold: AreaFold) -> None:
        """Write the page that `fold` has made."""
        self.position, self.watermark, self.version = page.position, page.watermark, page.version
        self.devices.update(page.devices)
        changed = Changed(bays=self._lay_bays(page), car_parks=self._lay_counts(page))
        self.bays.update(page.bay_states)
        for bay_id in page.gone_bays:
            self.bays.pop(bay_id, None)
        for zone_id in page.gone_zones:
            self.zones.pop(zone_id, None)
        self.zones.update(page.zones)
        for key, outage in page.outages.items():
            self.outages.pop(key, None)
            self.outages.update({} if outage is None else {key: outage})
        for suspicion_key, suspicion in page.suspicions.items():
            self.suspicions.pop(suspicion_key, None)
            self.suspicions.update({} if suspicion is None else {suspicion_key: suspicion})
        self._lay_overstays(page, fold)
        for device_id, cut in page.checkpoint_cuts.items():
            self.checkpoints = [c for c in self.checkpoints if c.device_id != device_id or c.key <= cut]
        self.checkpoints.extend(page.checkpoints)
        if page.watermark is not None:
            before, self._cells_to = self._cells_to, min(page.watermark, self._cells_until)
            self._lay_cells(page, changed, before, self._cells_to, fold.registry)

    def _lay_bays(self, page: Page) -> dict[Any, list[Span]]:
        changed: dict[Any, list[Span]] = {}
        for (bay_id, device_id), rows in page.bays.items():
            own = [row for (bay, _), row in self.intervals.items() if bay == bay_id]
            cut = [row for row in own if row.device_id == device_id and row.started_at >= rows.cut]
            found = differences(map(bay_account, cut), map(bay_account, rows.intervals))
            changed.setdefault(bay_id, []).extend(found)
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
        return changed

    def _lay_overstays(self, page: Page, fold: AreaFold) -> None:
        for (bay_id, device_id), judged in page.overstays.items():
            self._cut_overstays(bay_id, judged.cut, device_id)
            self.overstays.update({(o.bay_id, o.arrived_at): o for o in judged.overstays})
        for bay_id, arrived_from in page.judge_from.items():
            keys = [key for key in self.stays if key[0] == bay_id and key[1] >= arrived_from]
            self.stays.update({key: fold.limited.stamp(self.stays[key]) for key in keys})
            self._cut_overstays(bay_id, arrived_from)
            stays = [self.stays[key] for key in keys]
            told = [row for row in self.suspicions.values() if row.bay_id == bay_id]
            found = fold.limited.overstays(stays, partial(fold.word_of, told=told), fold.watermark)
            self.overstays.update({(o.bay_id, o.arrived_at): o for o in found})

    def _lay_counts(self, page: Page) -> dict[Any, list[Span]]:
        changed: dict[Any, list[Span]] = {}
        for zone_id, rows in page.counts.items():
            cut = [s for (z, _), s in self.counts.items() if z == zone_id and s.started_at >= rows.cut]
            changed[zone_id] = list(differences(map(count_account, cut), map(count_account, rows.spans)))
            for key, span in list(self.counts.items()):
                if key[0] == zone_id and span.started_at >= rows.cut:
                    del self.counts[key]
            for span in rows.spans:
                assert (zone_id, span.started_at) not in self.counts
                self.counts[zone_id, span.started_at] = span
        for zone_id in page.gone_counts:
            self.count_folds.pop(zone_id, None)
        self.count_folds.update(
            {zone_id: (count.base, tuple(count.recent)) for zone_id, count in page.count_folds.items()}
        )
        for zone_id, at in page.count_checkpoint_cuts.items():
            self.count_checkpoints = [
                (z, c) for z, c in self.count_checkpoints if z != zone_id or c.as_of <= at
            ]
        self.count_checkpoints.extend(page.count_checkpoints)
        return changed

    def _lay_cells(
        self, page: Page, changed: Changed, before: datetime | None, watermark: datetime, registry: Registry
    ) -> None:
        dirty = self._due_cells.dirty(page, changed)
        asked = self._due_cells.may_begin_anew(dirty)
        first = {zone_id: self._first_evidence(registry, zone_id) for zone_id in asked}
        due = self._due_cells.due(dirty, first, before, watermark)
        for piece in due.gone:
            for key in [key for key in self.cells if key[0] == piece.zone_id]:
                if piece.start <= key[1] < piece.end:
                    del self.cells[key]
        for piece in due.computed:
            for cell in self._cells_of(piece, registry):
                assert (cell.zone_id, cell.cell_at) not in self.cells, "a cell is written twice"
                self.cells[cell.zone_id, cell.cell_at] = cell

    def _first_evidence(self, registry: Registry, zone_id: ZoneId) -> datetime | None:
        bay_ids = {bay.bay_id for bay in registry.bays_by_zone.get(zone_id, ())}
        rows = self.counts if registry.zones[zone_id].kind is ZoneKind.CAR_PARK else self.intervals
        return min((at for id, at in rows if id in bay_ids or id == zone_id), default=None)

    def _cells_of(self, piece: Piece, registry: Registry) -> list[ZoneCell]:
        span = (piece.start, piece.end)
        zone = registry.zones[piece.zone_id]
        if zone.kind is ZoneKind.CAR_PARK:
            spans = sorted((s for (z, _), s in self.counts.items() if z == zone.zone_id), key=_began)
            return car_park_cells(
                zone, span, spans, closing(registry, zone, span), capacities(registry, zone)
            )
        bays = registry.bays_by_zone.get(zone.zone_id, ())
        intervals = {
            bay.bay_id: [
                Held(i.started_at, i.ended_at, i.state)
                for i in sorted((i for (b, _), i in self.intervals.items() if b == bay.bay_id), key=_began)
            ]
            for bay in bays
        }
        return street_cells(zone, span, bays, intervals, shut_parts(registry, zone, span))

    def _cut_overstays(self, bay_id: str, cut: datetime, device_id: str | None = None) -> None:
        for key, row in list(self.overstays.items()):
            if key[0] == bay_id and key[1] >= cut and device_id in (None, row.device_id):
                del self.overstays[key]


def _as_of(row: Any, watermark: datetime) -> Any:
    """An outage or a suspicion as it stood."""
    return replace(row, ended_at=None) if row.ended_at is not None and row.ended_at > watermark else row
