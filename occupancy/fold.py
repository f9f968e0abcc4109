"""Folds an area's log, batch by batch, into what is derived from it.

Pure: batches come in, a `Page` of rows goes out, and what must be looked up for a batch (a late reading's history) is
asked for by `needs` first. The unit is the position: zones are judged after every batch, however many of them are
written at once, so that a rebuild gives the same versions as the first run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from occupancy.batch import Batch, Change, Needs
from occupancy.bays import cut_off, distrusted, shown, unsensed
from occupancy.car_park import CountEvent, CountFold, event_of
from occupancy.cell_pass import grounds
from occupancy.cells import floor_cell
from occupancy.counted import CountedParks, CountHistory
from occupancy.device_fold import DeviceFold
from occupancy.learnt import Learnt
from occupancy.model import (
    AnyReading,
    BayId,
    BayState,
    Clock,
    DeviceId,
    Outage,
    State,
    Stay,
    Suspicion,
    ZoneAvailability,
    ZoneId,
)
from occupancy.outages import Outages
from occupancy.overrides import KIND as OVERRIDE
from occupancy.overstays import LimitedStays, Word
from occupancy.page import BEGINNING, Page
from occupancy.registry import Registry
from occupancy.reopening import clock_of, devices_reopened, parks_reopened
from occupancy.rules import zones_of
from occupancy.sensed import DeviceHistory, SensedBays, late_devices
from occupancy.spans import FOREVER
from occupancy.suspects import Suspects, suspect_during
from occupancy.zone_answers import ZoneAnswers


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
        self.suspects = Suspects(registry)
        self.sensed = SensedBays(registry, self._believed, self.suspects.saw)
        self.counted = CountedParks(registry)
        self.limited = LimitedStays(registry)
        self.answers = ZoneAnswers(registry, self.sensed.states, self.counted)
        self.page = Page(position, watermark, version)

    def load(
        self,
        devices: Iterable[DeviceFold],
        counts: Mapping[ZoneId, tuple[CountFold | None, Iterable[CountEvent]]],
        zones: Mapping[ZoneId, ZoneAvailability],
        open_stays: Iterable[Stay] = (),
        heard: Mapping[DeviceId, Iterable[int]] | None = None,
        pipeline_down: Iterable[tuple[datetime, datetime]] = (),
        outages: Iterable[Outage] = (),
        learnt: Iterable[Learnt] = (),
        short_spells: Mapping[tuple[BayId, DeviceId], Sequence[datetime]] | None = None,
        suspicions: Iterable[Suspicion] = (),
    ) -> None:
        """Take up where an earlier process stopped; the registry is that of the same position.

        `heard` holds the slots in which each sensor was heard, as `Outages.load` wants them; `learnt`, `short_spells`
        and `suspicions` are as `Suspects.load` wants them.
        """
        self.suspects.load(self.watermark, learnt, short_spells or {}, suspicions)
        self.outages.load(self.watermark, heard or {}, pipeline_down, outages)
        self.limited.load(open_stays)
        self.sensed.load(devices, self.watermark)
        self.suspects.take_up(self.sensed.lasting(self.watermark), self.watermark)
        self.counted.load(counts, self.watermark)
        self.answers.load(zones, self.watermark)

    def take_page(self) -> Page:
        """The rows collected since the last call; the next page begins empty."""
        self.limited.judge(self.page, self.word_of, self.watermark)
        page, self.page = self.page, Page(self.position, self.watermark, self.version)
        return page

    def word_of(self, stay: Stay, told: Iterable[Suspicion] = ()) -> Word | None:
        """What the sensor of a stay said last, and whether it was to be believed while the stay lasted.

        Suspicions that are older than what is remembered must be `told`.
        """
        fold = self.sensed.devices.get(stay.device_id)
        if fold is None or fold.stated_at is None:
            return None
        return Word(fold.stated_at, self.suspects.during(stay) or suspect_during(stay, told))

    @property
    def clock(self) -> Clock:
        return clock_of(self.registry)

    @property
    def zones(self) -> Mapping[ZoneId, ZoneAvailability]:
        """What was last said of every zone."""
        return self.answers.said

    def needs(self, batch: Batch) -> Needs:
        """Devices and car parks whose history the batch reopens: late readings, changed bindings and models."""
        needs = Needs(devices=dict(late_devices(self.sensed, batch.readings)))
        for event, zone_id in self._events(batch):
            if not self.counted.accepts(zone_id, event):
                needs.car_parks[zone_id] = min(event.at, needs.car_parks.get(zone_id) or event.at)
        for change in batch.changes:
            reopened = devices_reopened(self.registry, change, self.sensed.devices)
            needs.devices.update(dict.fromkeys(reopened, None))
            needs.car_parks.update(
                dict.fromkeys(parks_reopened(self.registry, change, self.counted.counts), None)
            )
        return needs

    def apply(
        self,
        batch: Batch,
        devices: Mapping[DeviceId, DeviceHistory] | None = None,
        car_parks: Mapping[ZoneId, CountHistory] | None = None,
    ) -> None:
        """Fold one batch. `devices` and `car_parks` hold what `needs` asked for."""
        devices, car_parks = devices or {}, car_parks or {}
        old_bays = {device_id: self.sensed.bays_of(device_id) for device_id in devices}
        self.position = self.page.position = batch.position
        touched = self._change_registry(batch.changes)
        for span in batch.pipeline_down:
            self.outages.pipeline_was_down(span)
        self.outages.hear(batch.readings, self.clock)
        if batch.learnt is not None:
            self.suspects.learn(batch.learnt)
        bays: set[BayId] = set()
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
            bays |= self._look_for_outages(batch.watermark)
            bays |= self._look_for_suspects(batch.watermark)
            touched |= self.counted.tick(batch.watermark, self.page)
            touched |= self._move(batch.watermark)
        self._show(bays)
        touched |= {self.registry.bays[bay_id].zone_id for bay_id in bays if bay_id in self.registry.bays}
        self._judge(touched)

    def _look_for_outages(self, watermark: datetime) -> set[BayId]:
        changed, touched = self.outages.advance(watermark)
        self.page.outages.update(changed)
        return self.sensed.look_again(touched, watermark)

    def _look_for_suspects(self, watermark: datetime) -> set[BayId]:
        return self.sensed.look_again(self.suspects.advance(watermark, self.page), watermark)

    def _believed(self, state: BayState, before: State) -> BayState:
        """What is left of a bay's state after what is known of its sensor and of that sensor's surroundings."""
        device_id = state.device_id
        if device_id is None:
            return state
        suspicion = self.suspects.doubt((state.bay_id, device_id))
        if suspicion is not None:
            state = distrusted(state, suspicion)
        outage = self.outages.doubt(device_id)
        return state if outage is None else cut_off(state, outage, before)

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
            self._rules_changed()
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
            self.answers.said.pop(zone_id, None)
        for bay_id in bays - set(self.registry.bays):
            self.page.forget_bay(bay_id)
        self.outages.registry_changed()
        self.sensed.registry_changed(self.watermark)
        self._rules_changed()
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
        other_rules = self.answers.move(watermark)
        if other_rules is None:
            return set()
        if not other_rules:
            return self.answers.by_the_clock()
        self._show(self.answers.closures_changed())
        return set(self.registry.zones)

    def _rules_changed(self) -> None:
        self.answers.registry_changed()
        self._show(self.answers.closures_changed())

    def _show(self, bays: Iterable[BayId]) -> None:
        for bay_id in bays:
            if bay := self.registry.bays.get(bay_id):
                state = self.sensed.states.get(bay_id) or unsensed(bay_id)
                # Which rules are in force is not known before the first watermark; the bay is shown again then.
                self.page.show(shown(state, self.answers.access(bay)) if self.answers.known else state)

    def _judge(self, touched: Iterable[ZoneId]) -> None:
        """Say what holds for the zones now; what differs from what was said gets this position as its version."""
        for zone_id, availability in self.answers.judge(touched, self.watermark).items():
            self.page.zones[zone_id] = (availability, self.position)
            self.version = self.page.version = self.position

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
