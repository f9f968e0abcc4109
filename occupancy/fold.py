"""Folds an area's log, batch by batch, into what is derived from it.

Pure: batches come in, a `Page` of rows goes out, and what must be looked up for a batch (a late reading's history) is
asked for by `needs` first. The unit is the position: zones are judged after every batch, however many of them are
written at once, so that a rebuild gives the same versions as the first run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from occupancy.availability import car_park_availability, street_availability
from occupancy.bays import shown, unsensed
from occupancy.car_park import CountEvent, CountFold, Recount, event_of, scheduled_capacity
from occupancy.cell_pass import grounds
from occupancy.cells import floor_cell
from occupancy.counted import CountedParks, CountHistory
from occupancy.device_fold import DeviceFold
from occupancy.model import (
    AnyReading,
    Area,
    Bay,
    BayId,
    BayType,
    Clock,
    DeviceId,
    Gate,
    Outage,
    Override,
    Sensor,
    Stay,
    Zone,
    ZoneAvailability,
    ZoneId,
    ZoneKind,
)
from occupancy.outages import Outages
from occupancy.overrides import KIND as OVERRIDE
from occupancy.overrides import in_force
from occupancy.overstays import LimitedStays, Word
from occupancy.page import BEGINNING, Before, Page
from occupancy.registry import Registry, entity
from occupancy.rules import Access, access_of, is_open, overrides_at, zones_of
from occupancy.sensed import DeviceHistory, SensedBays, late_devices
from occupancy.spans import FOREVER

Change = tuple[str, str, object | None]
"""A change of the registry or of an override: (kind, id, document or None when removed)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One position of the log."""

    position: int
    watermark: datetime | None = None
    readings: Sequence[AnyReading] = ()
    changes: Sequence[Change] = ()
    recounts: Sequence[Recount] = ()
    pipeline_down: Sequence[tuple[datetime, datetime]] = ()
    """When nothing could be received, as the log says."""


@dataclass(slots=True)
class Needs:
    """What `apply` must be given: what the checkpoint must lie before; None: all from the start."""

    devices: dict[DeviceId, Before | None] = field(default_factory=dict)
    car_parks: dict[ZoneId, datetime | None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.devices or self.car_parks)


class AreaFold:
    """One area in one generation."""

    def __init__(
        self, registry: Registry, *, position: int = 0, watermark: datetime | None = None, version: int = 0
    ) -> None:
        self.registry = registry
        self.position = position
        self.watermark = watermark
        self.version = version
        self.outages = Outages(registry)
        self.sensed = SensedBays(registry, self.outages.cut_offs_of)
        self.counted = CountedParks(registry)
        self.limited = LimitedStays(registry)
        self.zones: dict[ZoneId, ZoneAvailability] = {}
        self.page = Page(position, watermark, version)
        self.reopened: dict[DeviceId, Before] = {}
        """Sensors whose history the last batch showed to be other than folded: the next thing is to `reopen` them."""
        self._access: dict[tuple[tuple[str, ...], BayType, tuple[Override, ...]], Access] = {}
        self._access_of: dict[BayId, Access] = {}
        self._overrides: tuple[Override, ...] = ()
        """Those in force in the minute that is judged."""
        self._closed: dict[BayId, str] = {}
        """Why the closed bays are."""
        self._judged_at: datetime | None = None

    def load(
        self,
        devices: Iterable[DeviceFold],
        counts: Mapping[ZoneId, tuple[CountFold | None, Iterable[CountEvent]]],
        zones: Mapping[ZoneId, ZoneAvailability],
        open_stays: Iterable[Stay] = (),
        heard: Mapping[DeviceId, Iterable[int]] | None = None,
        pipeline_down: Iterable[tuple[datetime, datetime]] = (),
        outages: Iterable[Outage] = (),
    ) -> None:
        """Take up where an earlier process stopped; the registry is that of the same position.

        `heard` holds the slots in which each sensor was heard, as `Outages.load` wants them.
        """
        self.outages.load(self.watermark, heard or {}, pipeline_down, outages)
        self.limited.load(open_stays)
        self.sensed.load(devices, self.watermark)
        self.counted.load(counts, self.watermark)
        self.zones = dict(zones)
        if self.watermark is not None and self.registry.area is not None:
            self._judged_at = _minute(self.watermark)
            self._forget_access()
            self._closed = self._closures()

    def take_page(self) -> Page:
        """The rows collected since the last call; the next page begins empty."""
        self.limited.judge(self.page, self.word_of, self.watermark)
        page, self.page = self.page, Page(self.position, self.watermark, self.version)
        return page

    def word_of(self, bay_id: BayId, device_id: DeviceId) -> Word | None:
        """What a sensor says of the stay that lasts in a bay."""
        fold, state = self.sensed.devices.get(device_id), self.sensed.states.get(bay_id)
        if fold is None or fold.stated_at is None:
            return None
        return Word(fold.stated_at, state is not None and state.suspect)

    @property
    def clock(self) -> Clock:
        return self.registry.area.clock if self.registry.area else Clock.LIVE

    def needs(self, batch: Batch) -> Needs:
        """Devices and car parks whose history the batch reopens: late readings, changed bindings and models."""
        needs = Needs(devices=dict(late_devices(self.sensed, batch.readings)))
        for event, zone_id in self._events(batch):
            if not self.counted.accepts(zone_id, event):
                needs.car_parks[zone_id] = min(event.at, needs.car_parks.get(zone_id) or event.at)
        for kind, id, doc in batch.changes:
            needs.devices.update(dict.fromkeys(self._devices_of(kind, id, doc), None))
            needs.car_parks.update(dict.fromkeys(self._parks_of(kind, id, doc), None))
        return needs

    def apply(
        self,
        batch: Batch,
        devices: Mapping[DeviceId, DeviceHistory] | None = None,
        car_parks: Mapping[ZoneId, CountHistory] | None = None,
    ) -> None:
        """Fold one batch. `devices` and `car_parks` hold what `needs` asked for. What `reopened` holds after it, `reopen`
        must be given."""
        devices, car_parks = devices or {}, car_parks or {}
        old_bays = {device_id: self.sensed.bays_of(device_id) for device_id in devices}
        self.position = self.page.position = batch.position
        touched = self._change_registry(batch.changes)
        for span in batch.pipeline_down:
            self.outages.pipeline_was_down(span)
        self.outages.hear(batch.readings, self.clock)
        bays = self._look_for_outages(batch)
        for device_id, history in devices.items():
            bays |= self.sensed.refold(device_id, history, old_bays[device_id], self.watermark, self.page)
        for zone_id, count_history in car_parks.items():
            self.counted.refold(zone_id, count_history, self.clock, self.watermark, self.page)
            touched.add(zone_id)
        for device_id, readings in self._by_sensor(batch.readings).items():
            if device_id not in devices:
                bays |= self.sensed.step(device_id, readings, self.watermark, self.page)
        for zone_id, events in self._by_park(batch).items():
            if zone_id not in car_parks:
                self.counted.step(zone_id, events, self.watermark, self.page)
            touched.add(zone_id)
        if batch.watermark is not None:
            bays |= self.sensed.tick(batch.watermark, self.page)
            touched |= self.counted.tick(batch.watermark, self.page)
            touched |= self._move(batch.watermark)
        self._show(bays)
        self._judge(touched | self._zones_of(bays))

    def reopen(self, devices: Mapping[DeviceId, DeviceHistory]) -> None:
        """Fold sensors again from before what `reopened` gives, up to the last batch."""
        bays: set[BayId] = set()
        for device_id, history in devices.items():
            own = self.sensed.bays_of(device_id)
            bays |= self.sensed.refold(device_id, history, own, self.watermark, self.page)
        self.reopened = {}
        self._show(bays)
        self._judge(self._zones_of(bays))

    def _zones_of(self, bays: Iterable[BayId]) -> set[ZoneId]:
        return {self.registry.bays[bay_id].zone_id for bay_id in bays if bay_id in self.registry.bays}

    def _look_for_outages(self, batch: Batch) -> set[BayId]:
        """Before anything is folded: what was said before an outage is no evidence of what came after it."""
        touched: set[DeviceId] = set()
        if batch.watermark is not None:
            changed, touched = self.outages.advance(batch.watermark)
            self.page.outages.update(changed)
        if batch.changes:
            touched = set(self.registry.sensors)
        bays, self.reopened = self.sensed.cut_off(touched, batch.watermark or self.watermark, self.page)
        return bays

    def access(self, bay: Bay) -> Access:
        """Who may use the bay now. Asked once a minute for all bays that are alike."""
        found = self._access_of.get(bay.bay_id)
        if found is None:
            now = self._judged_at or BEGINNING
            key = (bay.rule_ids, bay.bay_type, overrides_at(self.registry, bay, now))
            if key not in self._access:
                self._access[key] = self._asked(key)
            found = self._access_of[bay.bay_id] = self._access[key]
        return found

    def _asked(self, key: tuple[tuple[str, ...], BayType, tuple[Override, ...]]) -> Access:
        rule_ids, bay_type, overrides = key
        return access_of(self.registry, rule_ids, bay_type, self._judged_at or BEGINNING, overrides)

    def _forget_access(self) -> None:
        self._access.clear()
        self._access_of.clear()
        if self._judged_at is not None:
            self._overrides = in_force(self.registry.overrides.values(), self._judged_at)

    def _ask_again(self) -> bool:
        """Ask who may use which bays in the new minute; whether anything is another than in the last one."""
        if self._judged_at is None or self.registry.area is None:
            return True
        overrides = in_force(self.registry.overrides.values(), self._judged_at)
        fresh = {key: self._asked(key) for key in self._access} if overrides == self._overrides else {}
        if fresh == self._access and self._access:
            return False
        self._access, self._overrides = fresh, overrides
        self._access_of.clear()
        return True

    def _devices_of(self, kind: str, id: str, doc: object | None) -> list[DeviceId]:
        """Known devices whose rows a registry change alters: a folded history is long, so no others."""
        found: list[DeviceId] = []
        match kind:
            case "sensor":
                old = self.registry.sensors.get(DeviceId(id))
                new = None if doc is None else entity(kind, id, doc)
                if not (isinstance(new, Sensor) and old and new.silent_after == old.silent_after):
                    found = [DeviceId(id)]
            case "binding":
                found = [DeviceId(id.split("@", 1)[0])]
            case "area" if self._clock_changes(id, doc):
                found = list(self.sensed.devices)
        return [device_id for device_id in found if device_id in self.sensed.devices]

    def _parks_of(self, kind: str, id: str, doc: object | None) -> list[ZoneId]:
        """Counted car parks whose rows a registry change alters: of a gate, the one it leaves and the one it joins."""
        found: list[ZoneId] = []
        match kind:
            case "zone":
                old_zone = self.registry.zones.get(ZoneId(id))
                new = None if doc is None else entity(kind, id, doc)
                if not (isinstance(new, Zone) and old_zone and _counting(new) == _counting(old_zone)):
                    found = [ZoneId(id)]
            case "gate":
                old_gate = self.registry.gates.get(DeviceId(id))
                new = None if doc is None else entity(kind, id, doc)
                if not (isinstance(new, Gate) and old_gate and _counting(new) == _counting(old_gate)):
                    found = [gate.zone_id for gate in (old_gate, new) if isinstance(gate, Gate)]
            case "area" if self._clock_changes(id, doc) or self._zone_changes(id, doc):
                found = list(self.counted.counts)
        return [zone_id for zone_id in found if zone_id in self.counted.counts]

    def _clock_changes(self, id: str, doc: object | None) -> bool:
        area = None if doc is None else entity("area", id, doc)
        return (area.clock if isinstance(area, Area) else Clock.LIVE) is not self.clock

    def _zone_changes(self, id: str, doc: object | None) -> bool:
        area = None if doc is None else entity("area", id, doc)
        before = self.registry.area and self.registry.area.time_zone
        return isinstance(area, Area) and area.time_zone != before

    def _change_registry(self, changes: Sequence[Change]) -> set[ZoneId]:
        documents = [change for change in changes if change[0] != OVERRIDE]
        touched = self._change_documents(documents) if documents else set()
        return touched | self._change_overrides([(id, doc) for kind, id, doc in changes if kind == OVERRIDE])

    def _change_overrides(self, changes: Sequence[tuple[str, object | None]]) -> set[ZoneId]:
        """Put overrides in or out. What they cover of the past is computed again, what lies ahead when it comes."""
        touched: set[ZoneId] = set()
        for override_id, doc in changes:
            before = self.registry.overrides.get(override_id)
            self.registry.put_override(override_id, doc)
            after = self.registry.overrides.get(override_id)
            for override in (before, after) if before != after else ():
                if override is None:
                    continue
                self.limited.override(override, self.page)
                for zone_id in zones_of(self.registry, override):
                    touched.add(zone_id)
                    self.page.dirty(zone_id, override.starts_at, override.until or FOREVER)
        if touched:
            self._forget_access()
            self._show_closures()
        return touched

    def _change_documents(self, changes: Sequence[Change]) -> set[ZoneId]:
        zones, bays = set(self.registry.zones), set(self.registry.bays)
        before = {zone.zone_id: grounds(self.registry, zone) for zone in self.registry.zones.values()}
        limited_before = self.limited.grounds()
        for kind, id, doc in changes:
            if doc is None:
                self.registry.remove(kind, id)
            else:
                self.registry.put(kind, id, doc)
        self.page.registry_changed = True
        self.limited.change(limited_before, self.page)
        for zone_id in zones - set(self.registry.zones):
            self.page.gone_zones.add(zone_id)
            self.page.zones.pop(zone_id, None)
            self.zones.pop(zone_id, None)
        for bay_id in bays - set(self.registry.bays):
            self.page.forget_bay(bay_id)
        self.outages.registry_changed()
        self.sensed.registry_changed(self.watermark)
        self._forget_access()
        self._show_closures()
        if self.watermark is not None:
            for zone in self.registry.zones.values():
                if grounds(self.registry, zone) != before.get(zone.zone_id):
                    self.page.dirty(zone.zone_id, BEGINNING)
        return set(self.registry.zones)

    def _move(self, watermark: datetime) -> set[ZoneId]:
        """The watermark has moved: whole cells are due, and with a new minute other rules may be in force."""
        before, self.watermark = self.watermark, watermark
        self.page.watermark = watermark
        if before is None or floor_cell(watermark) > floor_cell(before):
            for zone_id in self.registry.zones:
                self.page.dirty(zone_id, before or BEGINNING, watermark)
        if self._judged_at == _minute(watermark):
            return set()
        self._judged_at = _minute(watermark)
        if not self._ask_again():
            return self._by_the_clock()
        self._show_closures()
        return set(self.registry.zones)

    def _by_the_clock(self) -> set[ZoneId]:
        """Zones whose answer another minute may change under the same rules: opening hours, bays that come or go."""
        bays = self.registry.bays.values()
        timed = {bay.zone_id for bay in bays if bay.in_service_from or bay.in_service_to}
        return timed | {zone.zone_id for zone in self.registry.zones.values() if zone.opening}

    def _show(self, bays: Iterable[BayId]) -> None:
        for bay_id in bays:
            if bay := self.registry.bays.get(bay_id):
                state = self.sensed.states.get(bay_id) or unsensed(bay_id)
                # Which rules are in force is not known before the first watermark; the bay is shown again then.
                judged = self._judged_at is not None and self.registry.area is not None
                self.page.show(shown(state, self.access(bay)) if judged else state)

    def _show_closures(self) -> None:
        if self._judged_at is None or self.registry.area is None:
            return
        closed = self._closures()
        self._show({bay_id for bay_id, _ in closed.items() ^ self._closed.items()})
        self._closed = closed

    def _closures(self) -> dict[BayId, str]:
        return {
            bay_id: access.closed_by
            for bay_id, bay in self.registry.bays.items()
            if (access := self.access(bay)).closed
        }

    def _judge(self, touched: Iterable[ZoneId]) -> None:
        """Say what holds for the zones now; what differs from what was said gets this position as its version."""
        if self._judged_at is None or self.registry.area is None:
            return
        for zone_id in touched:
            zone = self.registry.zones.get(zone_id)
            if zone is None:
                continue
            availability = self._availability(zone, self._judged_at)
            if availability != self.zones.get(zone_id):
                self.zones[zone_id] = availability
                self.page.zones[zone_id] = (availability, self.position)
                self.version = self.page.version = self.position

    def _availability(self, zone: Zone, now: datetime) -> ZoneAvailability:
        if zone.kind is ZoneKind.CAR_PARK:
            span, as_of = self.counted.span_now(zone.zone_id, self.watermark)
            area = self.registry.area
            capacity = scheduled_capacity(zone, area.time_zone if area else "UTC", now)
            return car_park_availability(
                zone, span, as_of, is_open=is_open(self.registry, zone, now), capacity=capacity
            )
        bays = self.registry.bays_by_zone.get(zone.zone_id, ())
        return street_availability(zone, bays, self.sensed.states, self.access, now)

    def _by_sensor(self, readings: Iterable[AnyReading]) -> dict[DeviceId, list[AnyReading]]:
        found: dict[DeviceId, list[AnyReading]] = {}
        for reading in readings:
            if reading.device_id in self.registry.sensors:
                found.setdefault(reading.device_id, []).append(reading)
        for own in found.values():
            own.sort(key=lambda reading: reading.key)
        return found

    def _events(self, batch: Batch) -> Iterable[tuple[CountEvent, ZoneId]]:
        for reading in batch.readings:
            if gate := self.registry.gates.get(reading.device_id):
                yield event_of(reading, reading.observed_at(self.clock)), gate.zone_id
        for recount in batch.recounts:
            yield recount.event(), recount.zone_id

    def _by_park(self, batch: Batch) -> dict[ZoneId, list[CountEvent]]:
        found: dict[ZoneId, list[CountEvent]] = {}
        for event, zone_id in self._events(batch):
            found.setdefault(zone_id, []).append(event)
        return found


def _counting(of: Zone | Gate) -> tuple[object, ...]:
    """What the counting of a car park takes from the registry."""
    if isinstance(of, Zone):
        return of.kind, of.capacity, of.capacity_hours, of.night_floor, of.longest_stay_h
    return of.zone_id, of.model, of.silent_after, of.min_headway_s


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
