"""The engine without a database: the log and the derived tables in memory, everything between them as it is."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from operator import attrgetter

from baycast.score.engine_view import PageView
from occupancy.batch import Batch
from occupancy.car_park import CountFold
from occupancy.cells import Held
from occupancy.counted import CountHistory
from occupancy.device_fold import DeviceFold
from occupancy.fold import AreaFold
from occupancy.learnt import Learnt, ZoneHistory, due_day, holds_from, learn_day
from occupancy.model import AnyReading, BayId, BayInterval, BayState, DeviceId, ReadingKey, Stay, ZoneId
from occupancy.page import BEGINNING, Before, Page
from occupancy.registry import Registry
from occupancy.sensed import DeviceHistory

_key = attrgetter("key")


class MemoryEngine:
    """One area. `append` is one position of the log; what it changed of the bays' live states is returned."""

    def __init__(self, registry: Registry) -> None:
        self.fold = AreaFold(registry)
        self.stays: dict[tuple[BayId, DeviceId], list[Stay]] = {}
        self.intervals: dict[tuple[BayId, DeviceId], list[BayInterval]] = {}
        self.view = PageView()
        self.stored = 0
        self._log: dict[DeviceId, list[AnyReading]] = {}
        self._keys: dict[DeviceId, set[ReadingKey]] = {}
        self._checkpoints: dict[DeviceId, list[DeviceFold]] = {}
        self._count_checkpoints: dict[ZoneId, list[CountFold]] = {}
        self._position = 0
        self._learnt: Learnt | None = None
        self._learnt_on: date | None = None

    def append(self, readings: Iterable[AnyReading], watermark: datetime) -> dict[BayId, BayState]:
        fresh = [reading for reading in readings if self._store(reading)]
        shown = self._fold(readings=fresh, watermark=watermark)
        learnt = self._learn(watermark)
        return shown if learnt is None else shown | self._fold(learnt=learnt, watermark=watermark)

    def _fold(
        self, *, watermark: datetime, readings: Sequence[AnyReading] = (), learnt: Learnt | None = None
    ) -> dict[BayId, BayState]:
        self._position += 1
        batch = Batch(
            position=self._position,
            watermark=None if learnt else watermark,
            readings=readings,
            learnt=learnt,
        )
        needs = self.fold.needs(batch)
        if needs:
            self.fold.apply(
                batch,
                {device: self._history(device, before) for device, before in needs.devices.items()},
                {zone: self._count_history(zone, late) for zone, late in needs.car_parks.items()},
            )
        else:
            self.fold.apply(batch)
        if self.fold.reopened:
            again = self.fold.reopened.items()
            self.fold.reopen({device: self._history(device, before) for device, before in again})
        page = self.fold.take_page()
        self._lay(page)
        self.view.take(page, watermark)
        return page.bay_states

    def _learn(self, watermark: datetime) -> Learnt | None:
        """What the closed days teach, once a civil day."""
        registry = self.fold.registry
        time_zone = registry.area.time_zone if registry.area else "UTC"
        day = due_day(time_zone, watermark)
        if day is None or day == self._learnt_on:
            return None
        self._learnt_on = day
        found = learn_day(self._learnt, day, registry, self._history_of_zones(), begins=holds_from(watermark))
        self._learnt = found or self._learnt
        return found

    def _history_of_zones(self) -> Iterator[ZoneHistory]:
        by_bay: dict[BayId, list[Held]] = {}
        for (bay_id, _), own in self.intervals.items():
            held = (Held(one.started_at, one.ended_at, one.state) for one in own)
            by_bay.setdefault(bay_id, []).extend(held)
        for zone_id, bays in self.fold.registry.bays_by_zone.items():
            yield zone_id, {bay.bay_id: by_bay.get(bay.bay_id, []) for bay in bays}

    def final_stays(self) -> dict[BayId, list[Stay]]:
        """Each bay's stays as the tables hold them now, in order of arrival."""
        found: dict[BayId, list[Stay]] = {}
        for (bay_id, _), own in self.stays.items():
            found.setdefault(bay_id, []).extend(own)
        for own in found.values():
            own.sort(key=attrgetter("arrived_at"))
        return found

    def _store(self, reading: AnyReading) -> bool:
        keys = self._keys.setdefault(reading.device_id, set())
        if reading.key in keys:
            return False
        keys.add(reading.key)
        insort(self._log.setdefault(reading.device_id, []), reading, key=_key)
        self.stored += 1
        return True

    def _lay(self, page: Page) -> None:
        for (bay_id, device_id), rows in page.bays.items():
            own = self.stays.setdefault((bay_id, device_id), [])
            while own and own[-1].arrived_at >= rows.cut:
                own.pop()
            own.extend(rows.stays)
            history = self.intervals.setdefault((bay_id, device_id), [])
            while history and history[-1].started_at >= rows.cut:
                history.pop()
            history.extend(rows.intervals)
        for device_id, key in page.checkpoint_cuts.items():
            self._checkpoints[device_id] = [
                one for one in self._checkpoints.get(device_id, ()) if one.key <= key
            ]
        for checkpoint in page.checkpoints:
            self._checkpoints.setdefault(checkpoint.device_id, []).append(checkpoint)
        for zone_id, at in page.count_checkpoint_cuts.items():
            self._count_checkpoints[zone_id] = [
                one for one in self._count_checkpoints.get(zone_id, ()) if one.as_of <= at
            ]
        for zone_id, count in page.count_checkpoints:
            self._count_checkpoints.setdefault(zone_id, []).append(count)

    def _history(self, device_id: DeviceId, before: Before | None) -> DeviceHistory:
        log: Sequence[AnyReading] = self._log.get(device_id, ())
        standing = [one for one in self._checkpoints.get(device_id, ()) if before and before.leaves(one)]
        if not standing:
            return DeviceHistory(None, list(log))
        start = max(standing, key=_key)
        return DeviceHistory(start, log[bisect_right(log, start.key, key=_key) :])

    def _count_history(self, zone_id: ZoneId, late: datetime | None) -> CountHistory:
        before = [one for one in self._count_checkpoints.get(zone_id, ()) if late and one.as_of < late]
        start = max(before, key=attrgetter("as_of"), default=None)
        after = start.as_of if start else BEGINNING
        gates = self.fold.registry.gates_by_zone.get(zone_id, ())
        return CountHistory(
            start,
            [
                reading
                for gate in gates
                for reading in self._log.get(gate.device_id, ())
                if max(reading.at or reading.received_at, reading.received_at) > after
            ],
        )
