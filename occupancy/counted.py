"""The counting pass: every car park of an area, each folded from the words of all its gates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from occupancy.car_park import CarPark, CountEvent, CountFold, CountSpan, Recount, event_of
from occupancy.gates import CarParkCount, count_tail, known_until
from occupancy.model import AnyReading, Clock, ZoneId, ZoneKind
from occupancy.page import BEGINNING, Page
from occupancy.registry import Registry
from occupancy.schedule import Schedule


@dataclass(frozen=True, slots=True)
class CountHistory:
    """A checkpoint (None: the beginning) and what the gates said after it up to the batch, in no order."""

    start: CountFold | None
    readings: Sequence[AnyReading]
    recounts: Sequence[Recount] = ()


class CountedParks:
    """What the gates of one area say. Rows go into the page that the caller hands over."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.counts: dict[ZoneId, CarParkCount] = {}
        self._expiries: Schedule[ZoneId] = Schedule()

    def park_of(self, zone_id: ZoneId) -> CarPark | None:
        zone = self.registry.zones.get(zone_id)
        if zone is None or zone.kind is not ZoneKind.CAR_PARK:
            return None
        area = self.registry.area
        return CarPark(
            zone=zone,
            gates=self.registry.gates_by_zone.get(zone_id, ()),
            time_zone=area.time_zone if area else "UTC",
        )

    def load(
        self,
        folds: Mapping[ZoneId, tuple[CountFold | None, Iterable[CountEvent]]],
        watermark: datetime | None,
    ) -> None:
        for zone_id, (base, recent) in folds.items():
            if park := self.park_of(zone_id):
                self.counts[zone_id] = CarParkCount(park, base, recent)
                self._schedule(zone_id, watermark)

    def span_now(
        self, zone_id: ZoneId, watermark: datetime | None
    ) -> tuple[CountSpan | None, datetime | None]:
        """The count that holds now and the time of the last event; (None, None) before any."""
        count = self.counts.get(zone_id)
        if count is None or count.head is None:
            return None, None
        return count_tail(count.park, count.head, watermark)[-1], count.head.as_of

    def accepts(self, zone_id: ZoneId, event: CountEvent) -> bool:
        count = self.counts.get(zone_id)
        return count is None or count.accepts(event)

    def step(
        self, zone_id: ZoneId, events: Iterable[CountEvent], watermark: datetime | None, page: Page
    ) -> None:
        """Fold events whose places are among the recent ones: none is settled before all have found theirs."""
        park = self.park_of(zone_id)
        if park is None:
            return
        count = self.counts.setdefault(zone_id, CarParkCount(park))
        for event in sorted(events):
            cut, closed = count.add(event)
            self._write(count, cut if cut is not None else event.at, closed, watermark, page)
        page.count_checkpoints.extend((zone_id, base) for base in count.settle())
        page.count_folds[zone_id] = count
        self._schedule(zone_id, watermark)

    def refold(
        self, zone_id: ZoneId, history: CountHistory, clock: Clock, watermark: datetime | None, page: Page
    ) -> None:
        """Fold a car park again from a checkpoint."""
        page.count_checkpoint_cuts[zone_id] = history.start.as_of if history.start else BEGINNING
        page.count_checkpoints = [(z, c) for z, c in page.count_checkpoints if z != zone_id]
        park = self.park_of(zone_id)
        own = {gate.device_id for gate in park.gates} if park else set()
        said = [event_of(r, r.observed_at(clock)) for r in history.readings if r.device_id in own]
        events = sorted([*said, *(recount.event() for recount in history.recounts)])
        cut = history.start.since if history.start else BEGINNING
        if park is None or (history.start is None and not events):
            self._forget(zone_id, cut, page)
            return
        count = CarParkCount(park, history.start)
        closed: list[CountSpan] = []
        for event in events:
            if not count.accepts(event):
                continue  # before the checkpoint, which holds it already
            closed.extend(count.add(event)[1])
            page.count_checkpoints.extend((zone_id, base) for base in count.settle())
        self.counts[zone_id] = page.count_folds[zone_id] = count
        self._write(count, cut, closed, watermark, page)
        self._schedule(zone_id, watermark)

    def tick(self, watermark: datetime, page: Page) -> set[ZoneId]:
        """Counts whose support the watermark has passed become unknown."""
        expired = set(self._expiries.reached(watermark))
        for zone_id in expired:
            count = self.counts.get(zone_id)
            if count is not None and count.head is not None:
                self._write(count, count.head.since, [], watermark, page)
        return expired

    def _forget(self, zone_id: ZoneId, cut: datetime, page: Page) -> None:
        """Nothing was said of a car park since `cut`, as it turns out: its gates are others', or it is none."""
        self.counts.pop(zone_id, None)
        self._expiries.drop(zone_id)
        page.count_folds.pop(zone_id, None)
        page.gone_counts.add(zone_id)
        page.replace_count(zone_id, cut, [])

    def _write(
        self,
        count: CarParkCount,
        cut: datetime,
        closed: list[CountSpan],
        watermark: datetime | None,
        page: Page,
    ) -> None:
        if count.head is not None:
            tail = count_tail(count.park, count.head, watermark)
            page.replace_count(count.park.zone_id, cut, [*closed, *tail])

    def _schedule(self, zone_id: ZoneId, watermark: datetime | None) -> None:
        count = self.counts[zone_id]
        until = known_until(count.park, count.head) if count.head else None
        if until is None or (watermark is not None and until <= watermark):
            self._expiries.drop(zone_id)
        else:
            self._expiries.set(zone_id, until)
