"""An engine without a database: a fold over a log in memory, its pages laid over plain dictionaries.

For the laws of the fold over many examples; the engine on the real database is under test in tests/integration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from occupancy.arrivals import REMEMBERED
from occupancy.batch import Batch, at_once
from occupancy.car_park import Recount
from occupancy.counted import CountHistory
from occupancy.fold import AreaFold
from occupancy.learnt import Learnt
from occupancy.model import (
    AnyReading,
    Clock,
    DeviceId,
    ReadingKey,
    ZoneId,
    ZoneKind,
)
from occupancy.outages import remembered_from, slot_of
from occupancy.overrides import KIND as OVERRIDE
from occupancy.page import BEGINNING, FIRST_KEY, Before
from occupancy.registry import Registry
from occupancy.sensed import DeviceHistory
from occupancy.spans import FOREVER
from tests.support.laid_rows import LaidRows
from tests.support.small_town import START, documents

CELLS_UNTIL = START + timedelta(days=3)
"""Cells are kept up to then: a year of silence has 35,000 in a zone."""


class Folded:
    """Folds batches and keeps the rows. A key that came before is not folded again, as the log would not store it."""

    def __init__(
        self,
        docs: Sequence[tuple[str, str, dict[str, Any]]] | None = None,
        *,
        pages_of: int = 1,
        cells_until: datetime = CELLS_UNTIL,
    ) -> None:
        self.pages_of = pages_of
        """Positions to a page, at most: who asks for rows ends one."""
        self.log: list[Batch] = []
        self.cells_until = cells_until
        self.tables = LaidRows(cells_until)
        self.fold = AreaFold(Registry())
        self.tables.taken_up_by(self.fold.registry)
        self._keys: set[tuple[str, ReadingKey]] = set()
        self.append(changes=documents() if docs is None else docs)

    @property
    def bays(self) -> dict[str, Any]:
        self.lay()
        return self.tables.bays

    @property
    def outages(self) -> dict[tuple[str, datetime], Any]:
        self.lay()
        return self.tables.outages

    @property
    def suspicions(self) -> dict[Any, Any]:
        self.lay()
        return self.tables.suspicions

    def rows(self) -> dict[str, Any]:
        self.lay()
        return self.tables.rows()

    def append(
        self,
        readings: Iterable[AnyReading] = (),
        *,
        watermark_s: float | None = None,
        changes: Sequence[tuple[str, str, object | None]] = (),
        pipeline_down: Sequence[tuple[datetime, datetime]] = (),
        recounts: Mapping[str, tuple[datetime, int]] | None = None,
        learnt: Learnt | None = None,
    ) -> None:
        """One position of the log. `recounts`: by car park, when somebody counted how many."""
        fresh = []
        for reading in readings:
            if (reading.device_id, reading.key) not in self._keys:
                self._keys.add((reading.device_id, reading.key))
                fresh.append(reading)
        position = len(self.log) + 1
        watermark = None if watermark_s is None else START + timedelta(seconds=watermark_s)
        if watermark is not None and self.fold.watermark is not None and watermark <= self.fold.watermark:
            watermark = None
        batch = Batch(
            position=position,
            watermark=watermark,
            readings=fresh,
            changes=changes,
            pipeline_down=pipeline_down,
            learnt=learnt,
            recounts=[
                Recount(ZoneId(zone), at, occupied, position, n)
                for n, (zone, (at, occupied)) in enumerate((recounts or {}).items())
            ],
        )
        self._take(batch)

    def rebuilt(self, *, pages_of: int = 1, together: bool = False) -> Folded:
        """Another generation: the same log, folded from its beginning; `together`: a page's positions at once."""
        other = Folded([], pages_of=pages_of, cells_until=self.cells_until)
        other.log, other.tables = [], LaidRows(self.cells_until)
        other._renew(Registry())
        other.follow(self.log, together=together)
        return other

    def crash(self) -> None:
        """What is not written is lost; a new process takes up from the rows, and folds the log after them."""
        after = self.tables.position
        unwritten = self.log[after:]
        del self.log[after:]
        self.take_up()
        self.follow(unwritten)

    def take_up(self) -> None:
        """Begin with what the rows and the log say."""
        tables = self.tables
        registry = Registry()
        for batch in self.log:
            for kind, id, doc in batch.changes:
                if kind == OVERRIDE:
                    registry.put_override(id, doc)
                elif doc is None:
                    registry.remove(kind, id)
                else:
                    registry.put(kind, id, doc)
        self._renew(registry)
        since = tables.watermark and remembered_from(tables.watermark)
        heard: dict[DeviceId, list[int]] = {}
        for reading in self._readings():
            live = self.fold.clock is Clock.LIVE
            at = reading.received_at if live else reading.observed_at(Clock.EVENT)
            if since and at >= since:
                heard.setdefault(reading.device_id, []).append(slot_of(at))
        self.fold.load(
            tables.devices.values(),
            tables.count_folds,
            {zone: said for zone, (said, _) in tables.zones.items()},
            [stay for stay in tables.stays.values() if stay.departed_at is None],
            heard,
            [span for batch in self.log for span in batch.pipeline_down if since and span[1] >= since],
            tables.outages.values(),
            [batch.learnt for batch in self.log if batch.learnt is not None][-9:],
            tables.short_spells(since),
            tables.suspicions_since(since),
            held=tables.held_since(tables.watermark and tables.watermark - REMEMBERED),
        )

    def fold_from_seeds(self) -> None:
        """Everything, from the newest checkpoints there are up to here; see `tests.support.seeded`."""
        zones = [
            zone_id for zone_id, zone in self.fold.registry.zones.items() if zone.kind is ZoneKind.CAR_PARK
        ]
        self.fold.fold_from_seeds(
            {device_id: self._history(device_id, Before()) for device_id in self.fold.registry.sensors},
            {zone_id: self._count_history(zone_id, FOREVER) for zone_id in zones},
        )
        self.fold.show_all()
        self.lay()

    def follow(self, batches: Sequence[Batch], *, together: bool = False) -> None:
        """Fold what comes next; `together`: a page's positions at once."""
        for start in range(0, len(batches), self.pages_of):
            page = batches[start : start + self.pages_of]
            for batch in at_once(page) if together else page:
                self._take(batch)

    def fold_again(self, device_id: DeviceId, before: Before | None) -> None:
        """Fold a sensor again from a checkpoint, as if a word had come late (None: from the beginning)."""
        self.fold.reopen({device_id: self._history(device_id, before)})

    def lay(self) -> None:
        """Write what there is as a page."""
        page, written = self.fold.page, self.tables.suspicions
        bays = self.fold.suspects.untold(page)
        told = [row for key, row in written.items() if key[0] in bays and key not in page.suspicions]
        self.tables.lay(self.fold.take_page(told), self.fold)

    def _renew(self, registry: Registry) -> None:
        at = self.tables
        self.fold = AreaFold(registry, position=at.position, watermark=at.watermark, version=at.version)
        at.taken_up_by(registry)

    def _take(self, batch: Batch) -> None:
        self.log.append(batch)
        needs = self.fold.needs(batch)
        if needs.car_parks:
            self.lay()
        self.fold.apply(
            batch,
            {device: self._history(device, before) for device, before in needs.devices.items()}
            | self.fold.recent.histories(needs, batch),
            {zone: self._count_history(zone, late) for zone, late in needs.car_parks.items()},
        )
        if self.fold.reopened:
            again = self.fold.reopened.items()
            self.fold.reopen({device: self._history(device, before) for device, before in again})
        if batch.position % self.pages_of == 0:
            self.lay()

    def _readings(self) -> Iterable[AnyReading]:
        return (reading for batch in self.log for reading in batch.readings)

    def _history(self, device_id: DeviceId, before: Before | None) -> DeviceHistory:
        start = before and self.fold.page.checkpoint_before(device_id, before)
        if before and start is None:
            written = self.fold.page.written_before(device_id, before)
            own = [c for c in self.tables.checkpoints if c.device_id == device_id and written.leaves(c)]
            start = max(own, key=lambda c: c.key, default=None)
        after = start.key if start else FIRST_KEY
        readings = [r for r in self._readings() if r.device_id == device_id and r.key > after]
        return DeviceHistory(start, sorted(readings, key=lambda r: r.key))

    def _count_history(self, zone_id: ZoneId, late: datetime | None) -> CountHistory:
        before = [c for z, c in self.tables.count_checkpoints if late and z == zone_id and c.as_of < late]
        start = max(before, key=lambda c: c.as_of, default=None)
        after = start.as_of if start else BEGINNING
        recounts = [r for batch in self.log for r in batch.recounts if r.zone_id == zone_id and r.at > after]
        said = [r for r in self._readings() if max(r.at or r.received_at, r.received_at) > after]
        return CountHistory(start, said, recounts)
