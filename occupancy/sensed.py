"""The device pass: every sensor of an area, each folded in its own order, and the bays they watch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from occupancy.arrivals import Arrivals
from occupancy.bays import bay_rows, distrusted, live_state, unsensed
from occupancy.device_fold import CutOff, DeviceFold, Watch
from occupancy.doubt import Doubt
from occupancy.model import AnyReading, BayId, BayInterval, BayState, Binding, Clock, DeviceId, State
from occupancy.page import BEGINNING, FIRST_KEY, Before, Page
from occupancy.plausibility import Plausibility
from occupancy.registry import Registry
from occupancy.repair import Holding
from occupancy.schedule import Schedule
from occupancy.step import fold_all, looks, step, tick
from occupancy.suspects import Suspects
from occupancy.transitions import Verdict

CHECKPOINT_EVERY = 200
"""Readings of a device between two checkpoints: the most that a late reading makes us fold again."""


@dataclass(frozen=True, slots=True)
class DeviceHistory:
    """Where a device stood (None: the beginning) and all readings after it up to the batch, in the device's order."""

    start: DeviceFold | None
    readings: Sequence[AnyReading]


class SensedBays:
    """What the sensors of one area say. Rows go into the page that the caller hands over."""

    def __init__(
        self,
        registry: Registry,
        cut_offs_of: Callable[[DeviceId], tuple[CutOff, ...]],
        suspects: Suspects,
    ) -> None:
        """`cut_offs_of` says when a sensor was cut off, as far as is known by now; `suspects` sees all rows."""
        self.registry = registry
        self._cut_offs_of = cut_offs_of
        self._suspects = suspects
        self.arrivals = Arrivals(registry)
        self.devices: dict[DeviceId, DeviceFold] = {}
        self.states: dict[BayId, BayState] = {}
        self._watches: dict[DeviceId, Watch] = {}
        self._plausible: Plausibility | None = None
        self._doubts: Schedule[BayId] = Schedule()
        self._cut_offs: dict[DeviceId, tuple[CutOff, ...]] = {}
        """Those by which a sensor's rows were made."""
        self._silences: Schedule[DeviceId] = Schedule()
        self._bindings: Schedule[DeviceId] = Schedule()

    def load(self, folds: Iterable[DeviceFold], watermark: datetime | None) -> None:
        self._plausible = self._suspects.plausible
        self._cut_offs = {device_id: self._cut_offs_of(device_id) for device_id in self.registry.sensors}
        for fold in folds:
            self.devices[fold.device_id] = fold
            if fold.device_id in self.registry.sensors:
                self._expect(fold, watermark)
                self._refresh(self.bays_of(fold.device_id), watermark)
        self.watch_bindings(watermark)

    def learn(self, plausible: Plausibility, watermark: datetime | None) -> set[BayId]:
        """Take up what has been learnt of the bays' spells; returns the bays, whose live state is set anew."""
        if plausible is self._plausible:
            return set()
        self._plausible = plausible
        self._refresh(self.registry.bays, watermark)
        return set(self.registry.bays)

    def registry_changed(self, watermark: datetime | None) -> None:
        """Take up other promises, moves and bindings; every bay's live state is set anew."""
        self._watches.clear()
        self.arrivals.registry_changed()
        self.watch_bindings(watermark)
        self._refresh({*self.states, *self.registry.bays}, watermark)

    def watch_bindings(self, watermark: datetime | None) -> None:
        """Note when bindings begin or end, so that the bays change hands as the watermark gets there."""
        for device_id, bindings in self.registry.bindings_by_device.items():
            edges = [edge for binding in bindings for edge in (binding.valid_from, binding.valid_to) if edge]
            ahead = [edge for edge in edges if watermark is None or edge > watermark]
            if ahead:
                self._bindings.set(device_id, min(ahead))

    def watch_of(self, device_id: DeviceId) -> Watch:
        """What the sensor promises, as the registry has it."""
        found = self._watches.get(device_id)
        if found is None:
            sensor, area = self.registry.sensors[device_id], self.registry.area
            clock = area.clock if area else Clock.LIVE
            moves = tuple(self.moves_of(device_id))
            cut_offs = self._cut_offs.get(device_id, ())
            found = Watch(sensor.silent_after, sensor.overdue_after, clock, moves, cut_offs)
            self._watches[device_id] = found
        return found

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

    def look_again(self, devices: Iterable[DeviceId], watermark: datetime | None) -> set[BayId]:
        """Set the live state of the bays of some sensors anew; returns the bays."""
        bays = {bay_id for device_id in devices for bay_id in self.bays_of(device_id)}
        self._refresh(bays, watermark)
        return bays

    def look_beside(self, watermark: datetime | None) -> set[BayId]:
        """Look again at free bays at whose streets others have come or gone; returns those whose live state differs."""
        if watermark is None:
            return set()
        beside = self.arrivals.turn(watermark)
        if self._plausible is None:
            return set()
        before = {
            bay_id: state for bay_id in beside if (state := self.states.get(bay_id)) and _is_free(state)
        }
        self._refresh(before, watermark)
        return {bay_id for bay_id, state in before.items() if self.states.get(bay_id) != state}

    def cut_off(
        self, devices: Iterable[DeviceId], watermark: datetime | None, page: Page
    ) -> tuple[set[BayId], dict[DeviceId, Before]]:
        """Take up when some sensors were cut off, as is known now.

        Returns the bays whose live state was set, and the sensors that have spoken since they were cut off otherwise
        than was known: their history is to be folded again from before that time.
        """
        bays: set[BayId] = set()
        spoken_since: dict[DeviceId, Before] = {}
        for device_id in devices:
            before, now = self._cut_offs.get(device_id, ()), self._cut_offs_of(device_id)
            if before == now:
                continue
            self._cut_offs[device_id] = now
            self._watches.pop(device_id, None)
            fold = self.devices.get(device_id)
            if fold is None or device_id not in self.registry.sensors:
                continue
            first = min(cut_off.at for cut_off in {*before} ^ {*now})
            if first < fold.as_of:
                spoken_since[device_id] = Before(at=first)
            else:
                own = self.bays_of(device_id)
                self._expect(fold, watermark)
                self._write(fold, [], own, watermark, page)
                bays |= own
        self._refresh(bays, watermark)
        return bays, spoken_since

    def overdue(self) -> int:
        """How many sensors have broken their promise to speak."""
        return sum(device_id not in self._silences for device_id in self.devices)

    def lasting(self, watermark: datetime | None) -> Iterator[BayInterval]:
        """The intervals that last, of every bay and sensor."""
        for device_id, fold in self.devices.items():
            if device_id in self.registry.sensors:
                holdings = tick(fold, watermark, self.watch_of(device_id)).trail
                for bay_id in self.bays_of(device_id):
                    own = self._bindings_to(bay_id, device_id)
                    intervals, _ = bay_rows(device_id, bay_id, own, holdings, watermark)
                    yield from (one for one in intervals if one.ended_at is None)

    def is_late(self, reading: AnyReading) -> bool:
        fold = self.devices.get(reading.device_id)
        return fold is not None and reading.key < fold.key

    def step(
        self, device_id: DeviceId, readings: Sequence[AnyReading], watermark: datetime | None, page: Page
    ) -> set[BayId]:
        """Fold readings that come after all before them, in order. Returns the bays whose live state was set."""
        watch = self.watch_of(device_id)
        fold = before = self.devices.get(device_id)
        settled: list[Holding] = []
        judged: list[Verdict] = []
        for reading in readings:
            fold, done, verdicts = step(fold, reading, watch)
            settled += done
            judged += verdicts
            if fold.folded % CHECKPOINT_EVERY == 0:
                page.checkpoints.append(fold)
        page.judged(judged)
        if fold is None:
            return set()
        self.devices[device_id] = page.devices[device_id] = fold
        self._expect(fold, watermark)
        bays = self.bays_of(device_id)
        old = tick(before, watermark, watch).trail if before else ()
        if before is None or settled or fold.trail is not old:
            self._write(fold, settled, bays, watermark, page, old=old)
        self._refresh(bays, watermark)
        return bays

    def refold(
        self,
        device_id: DeviceId,
        history: DeviceHistory,
        old_bays: set[BayId],
        watermark: datetime | None,
        page: Page,
    ) -> set[BayId]:
        """Fold a device again from a checkpoint. `old_bays` were bound to it before the registry changed."""
        bays = self.bays_of(device_id) | old_bays
        start = history.start
        cut = start.trail[0].since if start else BEGINNING
        page.cut_checkpoints(device_id, start.key if start else FIRST_KEY)
        if device_id not in self.registry.sensors:
            for bay_id in bays:
                page.replace_bay(bay_id, device_id, cut, [], [])
                self._suspects.saw((bay_id, device_id), cut, (), watermark, page)
                self.arrivals.saw((bay_id, device_id), cut, ())
            self._refresh(bays, watermark)
            return bays
        fold, settled, path = fold_all(start, history.readings, self.watch_of(device_id))
        if fold is None:
            return set()
        page.judged((Verdict.SUPERSEDED,))
        page.checkpoints.extend(f for f in path if f.folded % CHECKPOINT_EVERY == 0)
        self.devices[device_id] = page.devices[device_id] = fold
        self._expect(fold, watermark)
        self._write(fold, settled, bays, watermark, page, cut=cut)
        self._refresh(bays, watermark)
        return bays

    def tick(self, watermark: datetime, page: Page) -> set[BayId]:
        """The watermark moves on: sensors are overdue, then silent; bindings begin and end."""
        touched: set[BayId] = set()
        for device_id in list(self._silences.reached(watermark)):
            fold = self.devices.get(device_id)
            if device_id not in self.registry.sensors or fold is None:
                continue
            bays = self.bays_of(device_id)
            standing = tick(fold, watermark, self.watch_of(device_id))
            if standing.verdict is not None:
                page.judged((standing.verdict,))
            self._expect(fold, watermark)
            self._write(fold, [], bays, watermark, page, old=fold.trail)
            touched |= bays
        handed_over = list(self._bindings.reached(watermark))
        for device_id in handed_over:
            bays = self.bays_of(device_id)
            if (fold := self.devices.get(device_id)) and device_id in self.registry.sensors:
                self._write(fold, [], bays, watermark, page)
            touched |= bays
        if handed_over:
            self.watch_bindings(watermark)
        touched.update(self._doubts.reached(watermark))
        self._refresh(touched, watermark)
        return touched

    def _expect(self, fold: DeviceFold, watermark: datetime | None) -> None:
        """Note when silence makes the state less sure, and last unknown."""
        for due in looks(fold, self.watch_of(fold.device_id)):
            if watermark is None or due > watermark:
                self._silences.set(fold.device_id, due)
                return
        self._silences.drop(fold.device_id)

    def _write(
        self,
        fold: DeviceFold,
        settled: Sequence[Holding],
        bays: Iterable[BayId],
        watermark: datetime | None,
        page: Page,
        *,
        old: Sequence[Holding] = (),
        cut: datetime | None = None,
    ) -> None:
        """Rows from the oldest holding on that may be other than in `old`."""
        holdings = [*settled, *tick(fold, watermark, self.watch_of(fold.device_id)).trail]
        if list(old) == holdings:
            return
        since = cut or min(old[0].since if old else holdings[0].since, holdings[0].since)
        for bay_id in bays:
            own = self._bindings_to(bay_id, fold.device_id)
            intervals, stays = bay_rows(fold.device_id, bay_id, own, holdings, watermark)
            page.replace_bay(bay_id, fold.device_id, since, intervals, stays)
            self._suspects.saw((bay_id, fold.device_id), since, intervals, watermark, page)
            self.arrivals.saw((bay_id, fold.device_id), since, intervals)

    def _bindings_to(self, bay_id: BayId, device_id: DeviceId) -> list[Binding]:
        bindings = self.registry.bindings_by_device.get(device_id, ())
        return [binding for binding in bindings if binding.bay_id == bay_id]

    def _refresh(self, bays: Iterable[BayId], watermark: datetime | None) -> None:
        for bay_id in bays:
            if bay_id in self.registry.bays:
                self.states[bay_id] = self._live(bay_id, watermark)
            else:
                self.states.pop(bay_id, None)
                self._doubts.drop(bay_id)

    def _live(self, bay_id: BayId, watermark: datetime | None) -> BayState:
        bay = self.registry.bays.get(bay_id)
        for binding in self.registry.bindings_by_bay.get(bay_id, ()):
            fold = self.devices.get(binding.device_id)
            known = fold is not None and binding.device_id in self.registry.sensors
            if fold and known and binding.holds_at(watermark or fold.as_of):
                standing = tick(fold, watermark, self.watch_of(binding.device_id))
                state = live_state(bay_id, fold, standing, binding)
                if suspicion := self._suspects.doubt((bay_id, binding.device_id)):
                    self._doubts.drop(bay_id)
                    return distrusted(state, suspicion)
                if self._plausible is None or bay is None or watermark is None or fold.stated_at is None:
                    return state
                state, due = Doubt(self._plausible, self.arrivals, bay, fold, standing).answer(
                    state, watermark
                )
                self._doubts.put(bay_id, due)
                return state
        return unsensed(bay_id)


def _is_free(state: BayState) -> bool:
    """Whether it is, as far as the sensor said: it may be doubted."""
    return State.FREE in (state.state, state.last_said)


def late_devices(sensed: SensedBays, readings: Iterable[AnyReading]) -> Mapping[DeviceId, Before]:
    """Sensors with late readings, each with its earliest."""
    late: dict[DeviceId, Before] = {}
    for reading in readings:
        if sensed.is_late(reading):
            first = late.get(reading.device_id, Before())
            late[reading.device_id] = Before(key=min(first.key, reading.key))
    return late
