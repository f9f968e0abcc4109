"""One town through anything that can happen to it: its rows are those of in-order delivery, once (L3, L4)."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from occupancy.car_park import CountFold
from occupancy.device_fold import DeviceFold
from occupancy.model import Quality, ReadingKey, State, StateReading, ZoneId
from occupancy.page import Before
from tests.support.eventful_town import END_S, HONEST, SENSORS, EventfulTown
from tests.support.examples import of_profile
from tests.support.folded import Folded
from tests.support.limited_town import CAPACITY
from tests.support.seeded import seeded

STEPS = 25


def _by_key(checkpoints: list[DeviceFold]) -> dict[tuple[str, ReadingKey], DeviceFold]:
    return {(checkpoint.device_id, checkpoint.key): checkpoint for checkpoint in checkpoints}


def _by_zone(checkpoints: list[tuple[ZoneId, CountFold]]) -> dict[tuple[ZoneId, datetime], CountFold]:
    return {(zone_id, checkpoint.as_of): checkpoint for zone_id, checkpoint in checkpoints}


class Town(EventfulTown):
    """What happens to the engine meanwhile, and the laws that hold after every step."""

    # --- what happens to the engine -----------------------------------------------------------------------

    @rule()
    def crash(self) -> None:
        """A new process takes up from the rows of the last page."""
        self.town.crash()

    @rule(sensor=st.sampled_from(SENSORS), data=st.data())
    def fold_again(self, sensor: str, data: st.DataObject) -> None:
        """From any checkpoint there is: nothing changes."""
        if sensor not in self.town.fold.sensed.devices:
            return
        before = self.town.rows()
        checkpoints = [c for c in self.town.tables.checkpoints if c.device_id == sensor]
        start = data.draw(st.sampled_from([None, *checkpoints]))
        reopened = start and Before(key=start.key._replace(seq=start.key.seq + 1))
        self.town.fold_again(start.device_id if start else sensor, reopened)  # type: ignore[arg-type]
        assert self.town.rows() == before

    @rule(pages_of=st.integers(1, 9), together=st.booleans())
    def rebuild(self, pages_of: int, together: bool) -> None:
        """A new generation takes over, with the same rows and, as far as it is sure of them, the same versions."""
        self._take_over(self.town.rebuilt(pages_of=pages_of, together=together), together=together)

    @rule(pages_of=st.integers(1, 9), together=st.booleans(), data=st.data())
    def rebuild_from(self, pages_of: int, together: bool, data: st.DataObject) -> None:
        """From any position: what came before is copied."""
        position = data.draw(st.integers(1, len(self.town.log)))
        self._take_over(seeded(self.town, position, pages_of=pages_of, together=together), together=together)

    def _take_over(self, rebuilt: Folded, *, together: bool) -> None:
        assert rebuilt.rows() == self.town.rows()
        assert rebuilt.tables.devices == self.town.tables.devices
        assert _by_key(rebuilt.tables.checkpoints) == _by_key(self.town.tables.checkpoints)
        assert rebuilt.tables.count_folds == self.town.tables.count_folds
        assert _by_zone(rebuilt.tables.count_checkpoints) == _by_zone(self.town.tables.count_checkpoints)
        for zone_id, said in self.town.tables.zones.items():
            assert zone_id in rebuilt.fold.unsure or rebuilt.tables.zones[zone_id] == said
        if not together:
            rebuilt.pages_of = self.town.pages_of
            self.town = rebuilt

    # --- the laws -----------------------------------------------------------------------------------------

    @invariant()
    def laws_hold(self) -> None:
        if hasattr(self, "town"):
            self._l4_every_answer_adds_up()
            self._l4_unknown_is_the_default()
            self._live_states_never_move_back()
            self._nothing_overlaps_or_is_negative()

    def _l4_every_answer_adds_up(self) -> None:
        for zone_id, said in self.town.fold.zones.items():
            counts = said.counts
            assert counts.capacity == self._capacity(zone_id)
            assert min(counts.free, counts.occupied, counts.unknown, counts.closed) >= 0
            assert 0 <= said.free_min <= counts.free <= said.free_max <= counts.capacity - counts.closed

    def _capacity(self, zone_id: str) -> int:
        bays = sum(kind == "bay" and doc["zone_id"] == zone_id for (kind, _), doc in self.docs.items())
        return CAPACITY.get(zone_id, bays)

    def _l4_unknown_is_the_default(self) -> None:
        said = {(r.device_id, r.occupied) for r in self.delivered if isinstance(r, StateReading)}
        for bay in self.town.fold.sensed.states.values():
            if bay.state is State.UNKNOWN:
                assert bay.confidence == 0
            else:
                assert 0 < bay.confidence <= 1
                assert (bay.device_id, bay.state is State.OCCUPIED) in said

    def _live_states_never_move_back(self) -> None:
        found = self.town.fold.sensed.devices.get(HONEST)  # type: ignore[call-overload]
        if found is not None:
            assert self.as_of is None or found.as_of >= self.as_of
            self.as_of = found.as_of

    def _nothing_overlaps_or_is_negative(self) -> None:
        tables = self.town.tables
        for table, start, end in (
            (tables.intervals, "started_at", "ended_at"),
            (tables.stays, "arrived_at", "departed_at"),
        ):
            rows = sorted(table.values(), key=lambda row: (row.bay_id, getattr(row, start)))
            for row in rows:
                assert getattr(row, end) is None or getattr(row, start) < getattr(row, end)
            for before, after in pairwise(rows):
                if before.bay_id == after.bay_id:
                    assert getattr(before, end) is not None
                    assert getattr(before, end) <= getattr(after, start)

    def teardown(self) -> None:
        with self.patches:
            if hasattr(self, "town"):
                self.town.append(watermark_s=END_S)
                found, wanted = self.town.rows(), self._in_order().rows()
                for rows in (found, wanted):
                    # A bay of which nothing was heard has a row only if it once was closed.
                    rows["bays"] = {bay: row for bay, row in rows["bays"].items() if row.as_of is not None}
                assert found == wanted
                for stay in found["stays"]:
                    assert stay.arrival is Quality.REPAIRED or stay.arrived_uncertain_s == 0

    def _in_order(self) -> Folded:
        overrides = [("override", id, doc) for id, doc in self.overrides.items() if doc is not None]
        town = self._founded(40, *overrides)
        town.append(watermark_s=0)
        for entry in self.lessons:
            town.append(learnt=entry)
        for reading in sorted(self.delivered, key=lambda r: (r.device_id, r.key)):
            town.append([reading])
        for park, at, vehicles in sorted(self.recounts):
            town.append(recounts={park: (at, vehicles)})
        town.append(watermark_s=END_S)
        return town


Town.TestCase.settings = settings(
    max_examples=of_profile(200),
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestTown = pytest.mark.timeout(240)(Town.TestCase)
