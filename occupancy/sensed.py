"""The device pass: every sensor of an area, each folded in its own order, and the bays they watch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from occupancy.bays import bay_rows, live_state, unsensed
from occupancy.model import AnyReading, BayId, BayState, Binding, Clock, DeviceId
from occupancy.page import BEGINNING, FIRST_KEY, Page
from occupancy.registry import Registry
from occupancy.schedule import Schedule
from occupancy.step import DeviceFold, Span, fold_all, lost_at, step, tail

CHECKPOINT_EVERY = 200
"""Readings of a device between two checkpoints: the most that a late reading makes us fold again."""


@dataclass(frozen=True, slots=True)
class DeviceHistory:
    """A checkpoint (None: the beginning) and all readings after it up to the batch, in the device's order."""

    start: DeviceFold | None
    readings: Sequence[AnyReading]


class SensedBays:
    """What the sensors of one area say. Rows go into the page that the caller hands over."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.devices: dict[DeviceId, DeviceFold] = {}
        self.states: dict[BayId, BayState] = {}
        self._silences: Schedule[DeviceId] = Schedule()
        self._bindings: Schedule[DeviceId] = Schedule()

    def load(self, folds: Iterable[DeviceFold], watermark: datetime | None) -> None:
        for fold in folds:
            self.devices[fold.device_id] = fold
            if sensor := self.registry.sensors.get(fold.device_id):
                if watermark is None or fold.as_of + sensor.silent_after > watermark:
                    self._silences.set(fold.device_id, fold.as_of + sensor.silent_after)
                self._refresh(self.bays_of(fold.device_id), watermark)
        self.watch_bindings(watermark)

    def watch_bindings(self, watermark: datetime | None) -> None:
        """Note when bindings begin or end, so that the bays change hands as the watermark gets there."""
        for device_id, bindings in self.registry.bindings_by_device.items():
            edges = [edge for binding in bindings for edge in (binding.valid_from, binding.valid_to) if edge]
            ahead = [edge for edge in edges if watermark is None or edge > watermark]
            if ahead:
                self._bindings.set(device_id, min(ahead))

    def bays_of(self, device_id: DeviceId) -> set[BayId]:
        return {binding.bay_id for binding in self.registry.bindings_by_device.get(device_id, ())}

    def moves_of(self, device_id: DeviceId) -> list[datetime]:
        """When the sensor began to watch another bay, or one again after a time in which it watched none."""
        moves = []
        before: Binding | None = None
        for binding in self.registry.bindings_by_device.get(device_id, ()):
            start = binding.valid_from
            same = before and (before.bay_id, before.valid_to) == (binding.bay_id, start)
            if start is not None and not same:
                moves.append(start)
            before = binding
        return moves

    def overdue(self) -> int:
        """How many sensors have broken their promise to speak."""
        return sum(device_id not in self._silences for device_id in self.devices)

    def is_late(self, reading: AnyReading) -> bool:
        fold = self.devices.get(reading.device_id)
        return fold is not None and reading.key < fold.key

    def step(
        self,
        device_id: DeviceId,
        readings: Sequence[AnyReading],
        clock: Clock,
        watermark: datetime | None,
        page: Page,
    ) -> set[BayId]:
        """Fold readings that come after all before them, in order. Returns the bays whose live state was set."""
        sensor = self.registry.sensors[device_id]
        fold = before = self.devices.get(device_id)
        closed: list[Span] = []
        moves = self.moves_of(device_id)
        for reading in readings:
            fold, spans = step(fold, reading, silent_after=sensor.silent_after, clock=clock, moves=moves)
            closed.extend(spans)
            if fold.folded % CHECKPOINT_EVERY == 0:
                page.checkpoints.append(fold)
        if fold is None:
            return set()
        self.devices[device_id] = page.devices[device_id] = fold
        self._silences.set(device_id, fold.as_of + sensor.silent_after)
        bays = self.bays_of(device_id)
        if before is None:
            first = closed[0].started_at if closed else fold.since
            self._write(fold, closed, first, bays, watermark, page, changed_at=first)
        else:
            changes = []
            now: Span | DeviceFold = closed[0] if closed else fold
            if (now.state, now.reason) != (before.state, before.reason):
                changes.append(before.since)  # something else was said of the very same instant
            elif closed and closed[0].ended_at:
                changes.append(closed[0].ended_at)
            lost = lost_at(before, sensor.silent_after, moves)
            if watermark is not None and lost <= watermark:
                changes.append(lost)  # the rows end the state there; it may have lasted
            if changes:
                cut = min(before.since, fold.since)
                self._write(fold, closed, cut, bays, watermark, page, changed_at=min(changes))
        self._refresh(bays, watermark)
        return bays

    def refold(
        self,
        device_id: DeviceId,
        history: DeviceHistory,
        old_bays: set[BayId],
        clock: Clock,
        watermark: datetime | None,
        page: Page,
    ) -> set[BayId]:
        """Fold a device again from a checkpoint. `old_bays` were bound to it before the registry changed."""
        bays = self.bays_of(device_id) | old_bays
        start = history.start
        cut = start.since if start else BEGINNING
        page.cut_checkpoints(device_id, start.key if start else FIRST_KEY)
        sensor = self.registry.sensors.get(device_id)
        if sensor is None:
            for bay_id in bays:
                page.replace_bay(bay_id, device_id, BEGINNING, [], [])
                self._dirty(bay_id, BEGINNING, page)
            self._refresh(bays, watermark)
            return bays
        fold, closed, path = fold_all(
            start,
            history.readings,
            silent_after=sensor.silent_after,
            clock=clock,
            moves=self.moves_of(device_id),
        )
        if fold is None:
            return set()
        page.checkpoints.extend(f for f in path if f.folded % CHECKPOINT_EVERY == 0)
        self.devices[device_id] = page.devices[device_id] = fold
        self._silences.set(device_id, fold.as_of + sensor.silent_after)
        self._write(fold, closed, cut, bays, watermark, page, changed_at=cut)
        self._refresh(bays, watermark)
        return bays

    def tick(self, before: datetime | None, watermark: datetime, page: Page) -> set[BayId]:
        """The watermark moves on from `before`: sensors fall silent by their promise, bindings begin and end."""
        touched: set[BayId] = set()
        for device_id in list(self._silences.reached(watermark)):
            sensor, fold = self.registry.sensors.get(device_id), self.devices.get(device_id)
            if sensor is None or fold is None:
                continue
            bays = self.bays_of(device_id)
            silent_at = fold.as_of + sensor.silent_after
            self._write(fold, [], fold.since, bays, watermark, page, changed_at=silent_at)
            touched |= bays
        handed_over = list(self._bindings.reached(watermark))
        for device_id in handed_over:
            bays = self.bays_of(device_id)
            if (fold := self.devices.get(device_id)) and device_id in self.registry.sensors:
                self._write(fold, [], fold.since, bays, watermark, page, changed_at=before or BEGINNING)
            touched |= bays
        if handed_over:
            self.watch_bindings(watermark)
        self._refresh(touched, watermark)
        return touched

    def refresh_all(self, watermark: datetime | None) -> set[BayId]:
        """Set every bay's live state anew, after a registry change."""
        bays = set(self.registry.bays)
        for bay_id in set(self.states) - bays:
            del self.states[bay_id]
        self._refresh(bays, watermark)
        return bays

    def _write(
        self,
        fold: DeviceFold,
        closed: Sequence[Span],
        cut: datetime,
        bays: Iterable[BayId],
        watermark: datetime | None,
        page: Page,
        *,
        changed_at: datetime,
    ) -> None:
        sensor = self.registry.sensors[fold.device_id]
        moves = self.moves_of(fold.device_id)
        spans = [*closed, *tail(fold, watermark, sensor.silent_after, moves)]
        bindings = self.registry.bindings_by_device.get(fold.device_id, ())
        for bay_id in bays:
            own = [binding for binding in bindings if binding.bay_id == bay_id]
            intervals, stays = bay_rows(fold.device_id, bay_id, own, spans, watermark)
            page.replace_bay(bay_id, fold.device_id, cut, intervals, stays)
            self._dirty(bay_id, changed_at, page)

    def _dirty(self, bay_id: BayId, at: datetime, page: Page) -> None:
        if bay := self.registry.bays.get(bay_id):
            page.dirty(bay.zone_id, at)

    def _refresh(self, bays: Iterable[BayId], watermark: datetime | None) -> None:
        for bay_id in bays:
            self.states[bay_id] = self._live(bay_id, watermark)

    def _live(self, bay_id: BayId, watermark: datetime | None) -> BayState:
        for binding in self.registry.bindings_by_bay.get(bay_id, ()):
            fold, sensor = self.devices.get(binding.device_id), self.registry.sensors.get(binding.device_id)
            if fold and sensor and binding.holds_at(watermark or fold.as_of):
                last = tail(fold, watermark, sensor.silent_after, self.moves_of(fold.device_id))[-1]
                return live_state(bay_id, fold, last, binding)
        return unsensed(bay_id)


def late_devices(sensed: SensedBays, readings: Iterable[AnyReading]) -> Mapping[DeviceId, AnyReading]:
    """The earliest late reading of each sensor that has one."""
    late: dict[DeviceId, AnyReading] = {}
    for reading in readings:
        if sensed.is_late(reading):
            first = late.get(reading.device_id, reading)
            late[reading.device_id] = min(first, reading, key=lambda r: r.key)
    return late
