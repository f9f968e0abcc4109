"""Folds an area's log, batch by batch, into what is derived from it.

Pure: batches come in, a `Page` of rows goes out, and what must be looked up for a batch (a late reading's history) is
asked for by `needs` first. The unit is the position: zones are judged after every one, however many are written at
once, so that a rebuild gives the same versions as the first run. Where a batch is many positions, what readings touch
is judged at the last of them: the rows are the same, as no order of arrival matters to them, but the version of such a
zone is not known before its answer changes again; until then it is `unsure`.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

from occupancy.batch import Batch, Needs
from occupancy.bays import shown, unsensed
from occupancy.car_park import CountEvent, CountFold
from occupancy.cells import Held, floor_cell
from occupancy.counted import CountedParks, CountHistory
from occupancy.device_fold import DeviceFold
from occupancy.learnt import Learnt
from occupancy.model import (
    BayId,
    Clock,
    DeviceId,
    Outage,
    ReadingKey,
    Stay,
    Suspicion,
    ZoneAvailability,
    ZoneId,
)
from occupancy.outages import Outages
from occupancy.overstays import LimitedStays, Word
from occupancy.page import BEGINNING, Before, Page
from occupancy.recent import RecentWords
from occupancy.registry import Registry
from occupancy.registry_changes import RegistryChanges
from occupancy.reopening import clock_of, devices_reopened, parks_reopened
from occupancy.said_suspicions import suspect_during
from occupancy.sensed import DeviceHistory, SensedBays, late_devices
from occupancy.suspects import Suspects
from occupancy.transitions import Verdict
from occupancy.words import Words
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
        self.words = Words(registry)
        self.outages = Outages(registry)
        self.suspects = Suspects(registry)
        self.sensed = SensedBays(registry, self.outages.cut_offs_of, self.suspects)
        self.counted = CountedParks(registry)
        self.limited = LimitedStays(registry)
        self.answers = ZoneAnswers(registry, self.sensed.states, self.counted)
        self._documents = RegistryChanges(
            registry, self.sensed, self.outages, self.limited, self.answers, self.suspects
        )
        self.page = Page(position, watermark, version)
        self.unsure: dict[ZoneId, int] = {}
        """Zones whose version may be another, folded position by position from the one given here on."""
        self.recent = RecentWords()
        self._folded_at_once_from: int | None = None
        """Where the positions before the last batch ended, if it was several at once."""
        self.reopened: dict[DeviceId, Before] = {}
        """Sensors whose history the last batch showed to be other than folded: the next thing is to `reopen` them."""

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
        frozen: tuple[Mapping[DeviceId, ReadingKey], Mapping[ZoneId, datetime]] = ({}, {}),
        held: Mapping[tuple[BayId, DeviceId], Iterable[Held]] | None = None,
    ) -> None:
        """Take up where an earlier process stopped; the registry is that of the same position.

        `heard` holds the slots in which each sensor was heard, as `Outages.load` wants them; `learnt`, `short_spells`
        and `suspicions` are as `Suspects.load` wants them, `frozen` as `Words.load`, `held` as `Arrivals.load`.
        """
        self.words.load(*frozen)
        self.suspects.load(self.watermark, learnt, short_spells or {}, suspicions)
        self.outages.load(self.watermark, heard or {}, pipeline_down, outages)
        self.limited.load(open_stays)
        self.sensed.arrivals.load(held or {}, self.watermark)
        self.sensed.load(devices, self.watermark)
        self.suspects.take_up(self.sensed.lasting(self.watermark), self.watermark)
        self.counted.load(counts, self.watermark)
        self.answers.load(zones, self.watermark)

    def take_page(self, told: Sequence[Suspicion] = ()) -> Page:
        """The rows collected since the last call; the next page begins empty. `told` is as `Suspects.untold` wants."""
        word_of = partial(self.word_of, told=told)
        self.limited.judge(self.page, word_of, self.watermark, self.suspects.remembered)
        self.suspects.page_taken()
        page, self.page = self.page, Page(self.position, self.watermark, self.version)
        return page

    def word_of(self, stay: Stay, told: Iterable[Suspicion] = ()) -> Word | None:
        """What the sensor of a stay said last, and whether it was to be believed while the stay lasted: suspicions that
        are older than what is remembered must be `told`."""
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
        needs = Needs(devices=dict(late_devices(self.sensed, self.words.taken(batch.readings))))
        for zone_id, events in self.words.by_car_park(batch, self.clock).items():
            if late := [event.at for event in events if not self.counted.accepts(zone_id, event)]:
                needs.car_parks[zone_id] = min(late)
        for change in batch.changes:
            reopened = devices_reopened(self.registry, change, self.sensed.devices, self.outages.heard)
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
        """Fold one batch. `devices` and `car_parks` hold what `needs` asked for; after it `reopen` must be given what
        `reopened` asks for."""
        devices, car_parks = devices or {}, car_parks or {}
        old_bays = {device_id: self.sensed.bays_of(device_id) for device_id in devices}
        before, self.position = self.position, batch.position
        self._folded_at_once_from = before if batch.parts else None
        self.page.position = batch.position
        touched = self._documents.change(batch.changes, self.page, self.watermark)
        if touched:
            self._show(self.answers.closures_changed())
        if passed_over := self.words.frozen(batch, self.clock):
            self.page.verdicts[Verdict.FROZEN] += passed_over
        bays = self._listen(batch)
        for device_id, before_at in self.suspects.judge_again(self.watermark, self.page).items():
            self.reopened[device_id] = before_at.or_earlier(self.reopened.get(device_id, before_at).at)
        for device_id, history in devices.items():
            bays |= self.sensed.refold(device_id, history, old_bays[device_id], self.watermark, self.page)
        for zone_id, count_history in car_parks.items():
            self.counted.refold(zone_id, count_history, self.clock, self.watermark, self.page)
            touched.add(zone_id)
        said = self.words.by_sensor(batch.readings)
        if batch.parts:
            self.recent.remember(self.sensed.devices, said, devices)
        else:
            self.recent.forget()
        for device_id, readings in said.items():
            if device_id not in devices:
                bays |= self.sensed.step(device_id, readings, self.watermark, self.page)
        for zone_id, events in self.words.by_car_park(batch, self.clock).items():
            if zone_id not in car_parks:
                self.counted.step(zone_id, events, self.watermark, self.page)
            touched.add(zone_id)
        touched |= self._zones_of(bays)
        moved, due = self._pass(batch.positions(), touched)
        if batch.parts:
            touched |= self.sensed.arrivals.stirred()
        beside = self.sensed.look_beside(self.watermark)
        touched |= self._zones_of(beside)
        self._show(bays | moved | beside)
        changed = self._judge(touched | due, batch.position)
        if batch.parts:
            self._doubt_versions(touched, changed, before)

    def reopen(self, devices: Mapping[DeviceId, DeviceHistory]) -> None:
        """Fold sensors again from before what `reopened` gives, up to the last batch."""
        bays: set[BayId] = set()
        for device_id, history in devices.items():
            own = self.sensed.bays_of(device_id)
            bays |= self.sensed.refold(device_id, history, own, self.watermark, self.page)
        bays |= self.sensed.look_beside(self.watermark)
        self.recent.forget(devices)
        self.reopened = {}
        self._show(bays)
        zones = self._zones_of(bays)
        changed = self._judge(zones, self.position)
        if self._folded_at_once_from is not None:
            self._doubt_versions(zones, changed, self._folded_at_once_from)

    def fold_from_seeds(
        self, devices: Mapping[DeviceId, DeviceHistory], car_parks: Mapping[ZoneId, CountHistory]
    ) -> None:
        """Fold up to the position loaded what has rows only up to its seed; when all has been, `show_all`."""
        for device_id, history in devices.items():
            self.sensed.refold(device_id, history, set(), self.watermark, self.page)
        for zone_id, count_history in car_parks.items():
            self.counted.refold(zone_id, count_history, self.clock, self.watermark, self.page)

    def show_all(self) -> None:
        """Say anew of every bay and zone what holds."""
        self.sensed.look_beside(self.watermark)  # each was folded when not all beside it were
        self._show(self.registry.bays)
        self._judge(self.registry.zones, self.position)

    def _listen(self, batch: Batch) -> set[BayId]:
        """Who was heard when, and what outages follow, before anything is folded: what was said before an outage is no
        evidence of what came after it. Returns the bays whose live state was set."""
        touched: set[DeviceId] = set(self.registry.sensors) if batch.changes else set()
        watermark = self.watermark
        for part in batch.positions():
            for span in part.pipeline_down:
                self.outages.pipeline_was_down(span)
            self.outages.hear(part.readings, self.clock)
            if part.learnt is not None:
                self.suspects.learn(part.learnt)
            if part.watermark is not None:
                watermark = part.watermark
                changed, cut_off = self.outages.advance(watermark)
                self.page.outages.update(changed)
                touched |= cut_off
        bays, self.reopened = self.sensed.cut_off(touched, watermark, self.page)
        return bays

    def _pass(self, parts: Sequence[Batch], touched: Container[ZoneId]) -> tuple[set[BayId], set[ZoneId]]:
        """The watermark moves on, position by position. Zones that time alone touches are judged at each.

        Returns the bays whose live state was set, and the zones that the last position leaves to be judged.
        """
        bays: set[BayId] = set()
        due: set[ZoneId] = set()
        for part in parts:
            if part.watermark is not None:
                moved = self.sensed.tick(part.watermark, self.page) | self._look_for_suspects(part.watermark)
                due = self._zones_of(moved) | self.counted.tick(part.watermark, self.page)
                due |= self._move(part.watermark)
                bays |= moved
                if part is not parts[-1]:
                    self._judge((zone_id for zone_id in due if zone_id not in touched), part.position)
        return bays, due if parts[-1].watermark is not None else set()

    def _look_for_suspects(self, watermark: datetime) -> set[BayId]:
        bays = self.sensed.look_again(self.suspects.advance(watermark, self.page), watermark)
        plausible = self.suspects.plausible
        return bays if plausible is None else bays | self.sensed.learn(plausible, watermark)

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

    def _show(self, bays: Iterable[BayId]) -> None:
        for bay_id in bays:
            if bay := self.registry.bays.get(bay_id):
                state = self.sensed.states.get(bay_id) or unsensed(bay_id)
                # Which rules are in force is not known before the first watermark; the bay is shown again then.
                self.page.show(shown(state, self.answers.access(bay)) if self.answers.known else state)

    def _zones_of(self, bays: Iterable[BayId]) -> set[ZoneId]:
        return {self.registry.bays[bay_id].zone_id for bay_id in bays if bay_id in self.registry.bays}

    def _judge(self, zones: Iterable[ZoneId], position: int) -> set[ZoneId]:
        """Say what holds for the zones; what differs from what was said, and is returned, gets the position as its
        version."""
        changed = self.answers.judge(zones, self.watermark)
        for zone_id, availability in changed.items():
            self.page.zones[zone_id] = (availability, position)
            self.version = self.page.version = position
            self.unsure.pop(zone_id, None)
        return set(changed)

    def _doubt_versions(self, touched: Iterable[ZoneId], changed: Container[ZoneId], before: int) -> None:
        """Zones judged once for positions after `before`: their answers may have changed earlier, or there and back."""
        for zone_id in touched:
            if zone_id in changed:
                self.unsure[zone_id] = before
            else:
                self.unsure.setdefault(zone_id, before)
