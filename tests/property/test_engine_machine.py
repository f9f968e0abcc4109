"""One street through anything that can happen to its sensors: the rows are those of in-order delivery, once (L3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from occupancy.fold import AreaFold
from occupancy.model import Quality, ReadingKey, StateReading
from occupancy.registry import Registry
from tests.support.folded import AREA, HEARTBEAT_S, START, Folded, documents, state

LATER_S = 3_000_000.0
SENSORS = ("s0", "s1")


class Street(RuleBasedStateMachine):
    """What the sensors say goes into `air`; what is delivered comes from there, in any order, any number of times."""

    @initialize()
    def start(self) -> None:
        self.town = Folded()
        self.docs = list(documents())
        self.binding = next(doc for doc in self.docs if doc[1].startswith("s0@"))
        self.bound_s = -10_000.0
        self.now_s = 0.0
        self.boot = dict.fromkeys(SENSORS, 1)
        self.seq = dict.fromkeys(SENSORS, 0)
        self.error_s = dict.fromkeys(SENSORS, 0.0)
        self.since_s = dict.fromkeys(SENSORS, 0.0)
        self.occupied = dict.fromkeys(SENSORS, False)
        self.air: list[StateReading] = []
        self.delivered: list[StateReading] = []
        self.town.append(watermark_s=0)

    @rule(
        seconds=st.sampled_from([1.0, 30.0, 599.0, HEARTBEAT_S * 1.1, 5_000.0, HEARTBEAT_S * 2.5, 90_000.0])
    )
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds
        self.town.append(watermark_s=self.now_s)

    @rule(
        sensor=st.sampled_from(SENSORS),
        says=st.sampled_from(["turn", "turn", "same", "flip", "cannot tell"]),
        cause=st.sampled_from(["change", "change", "heartbeat", "requery"]),
        lasted=st.sampled_from([None, "right", 40, 4_000]),
        delay_s=st.sampled_from([0.0, 1.0, 1.0, 400.0, 7_000.0, 172_800.0]),
    )
    def speak(self, sensor: str, says: str, cause: str, lasted: Any, delay_s: float) -> None:
        if says == "turn":
            self.occupied[sensor] = not self.occupied[sensor]
        occupied = self.occupied[sensor] is not (says == "flip")
        lasted_s = int(self.now_s - self.since_s[sensor]) if lasted == "right" else lasted
        self._say(sensor, None if says == "cannot tell" else occupied, cause, lasted_s, delay_s)
        if says == "turn":
            self.since_s[sensor] = self.now_s

    @rule(sensor=st.sampled_from(SENSORS))
    def reboot(self, sensor: str) -> None:
        self.boot[sensor] += 1
        self.seq[sensor] = 0
        self._say(sensor, self.occupied[sensor], "boot", None, 1.0)

    @rule(sensor=st.sampled_from(SENSORS), error_s=st.sampled_from([0.0, 0.0, 400.0, -3600.0, -1.7e9, 6e8]))
    def step_clock(self, sensor: str, error_s: float) -> None:
        self.error_s[sensor] = error_s

    @rule(sensor=st.sampled_from(SENSORS), lost=st.integers(1, 3))
    def lose(self, sensor: str, lost: int) -> None:
        self.seq[sensor] += lost

    @rule(data=st.data(), count=st.integers(1, 6))
    def deliver(self, data: st.DataObject, count: int) -> None:
        if not self.air:
            return
        order = data.draw(st.permutations(self.air))[:count]
        self.air = [reading for reading in self.air if reading not in order]
        self.delivered.extend(order)
        self.town.append(order)

    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        if self.delivered:
            self.town.append([data.draw(st.sampled_from(self.delivered))])

    @rule(
        bay=st.sampled_from(["high-st-0", "high-st-2"]),
        ago_s=st.sampled_from([0.0, 100.0, 5_000.0, -2_000.0]),
    )
    def rebind(self, bay: str, ago_s: float) -> None:
        """From then on s0 watches another bay, or the same one anew."""
        at_s = self.now_s - ago_s
        if at_s <= self.bound_s:
            return
        at = (START + timedelta(seconds=at_s)).isoformat().replace("+00:00", "Z")
        kind, id, doc = self.binding
        self._change([(kind, id, {**doc, "valid_to": at})])
        self.bound_s = at_s
        doc = {"area_id": AREA, "device_id": "s0", "bay_id": bay, "valid_from": at}
        self.binding = ("binding", f"s0@{bay}@{at}", doc)
        self._change([self.binding])

    @rule(heartbeat_s=st.sampled_from([HEARTBEAT_S, 60, 86_400]))
    def change_promise(self, heartbeat_s: int) -> None:
        self._change(
            [("sensor", "s0", {"area_id": AREA, "model": "ir", "expected_heartbeat_s": heartbeat_s})]
        )

    @rule(use=st.sampled_from(["no_parking", "pay"]))
    def change_rule(self, use: str) -> None:
        """For the bay that s1 watches."""
        self._change([("rule", "r1", {"area_id": AREA, "use": use, "days": "mon-sun"})])
        bay = next(doc for kind, id, doc in self.docs if (kind, id) == ("bay", "high-st-1"))
        self._change([("bay", "high-st-1", {**bay, "rule_ids": ["r1"]})])

    @rule()
    def crash(self) -> None:
        """A new process takes up from the rows."""
        old = self.town.fold
        registry = Registry(self.docs)
        fold = AreaFold(registry, position=old.position, watermark=old.watermark, version=old.version)
        counts = {zone: (count.base, count.recent) for zone, count in old.counted.counts.items()}
        fold.load(old.sensed.devices.values(), counts, old.zones)
        self.town.fold = fold

    @invariant()
    def adds_up(self) -> None:
        """L4: every bay is in one count, and what no sensor vouches for is unknown."""
        if not hasattr(self, "town"):
            return
        street = self.town.fold.zones.get("high-st")  # type: ignore[call-overload]
        assert street is None or street.counts.capacity == 3
        for state_of in self.town.bays.values():
            assert 0 <= state_of.confidence <= 1
            assert state_of.state.value in ("free", "occupied") or state_of.confidence in (0.0, 1.0)

    def teardown(self) -> None:
        if not hasattr(self, "town"):
            return
        self.town.append(watermark_s=LATER_S * 10)
        rebuilt = Folded(self.docs)
        rebuilt.append(watermark_s=0)
        for reading in sorted(self.delivered, key=lambda r: (r.device_id, r.key)):
            rebuilt.append([reading])
        rebuilt.append(watermark_s=LATER_S * 10)
        found, wanted = self.town.rows(), rebuilt.rows()
        for rows in (found, wanted):
            # A bay of which nothing was heard has a row only if it once was closed.
            rows["bays"] = {bay: row for bay, row in rows["bays"].items() if row.as_of is not None}
        assert found == wanted
        for bay in ("high-st-0", "high-st-1", "high-st-2"):
            for name, start, end in (
                ("intervals", "started_at", "ended_at"),
                ("stays", "arrived_at", "departed_at"),
            ):
                own = [row for row in found[name] if row.bay_id == bay and row.device_id == "s1"]
                for before, after in pairwise(own):
                    assert getattr(before, start) < getattr(before, end) <= getattr(after, start)
        for stay in found["stays"]:
            assert stay.arrival is Quality.REPAIRED or stay.arrived_uncertain_s == 0

    def _say(
        self, sensor: str, occupied: bool | None, cause: str, lasted_s: int | None, delay_s: float
    ) -> None:
        self.seq[sensor] += 1
        word = state(sensor, self.seq[sensor], self.now_s + self.error_s[sensor], occupied, cause=cause)
        received_at = START + timedelta(seconds=self.now_s + delay_s)
        key = ReadingKey(0, self.boot[sensor], self.seq[sensor])
        self.air.append(replace(word, key=key, received_at=received_at, prev_s=lasted_s))

    def _change(self, changes: list[tuple[str, str, dict[str, Any]]]) -> None:
        ids = {(kind, id) for kind, id, _ in changes}
        self.docs = [doc for doc in self.docs if doc[:2] not in ids] + changes
        self.town.append(changes=changes)


_SOAK = settings().max_examples > 100
Street.TestCase.settings = settings(
    max_examples=100_000 if _SOAK else 200,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestStreet = pytest.mark.timeout(8 * 3600 if _SOAK else 240)(Street.TestCase)
