"""A town, for state machines: what devices, the way to the log, people and closed days may do to it, in any order."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from msgspec.structs import replace

from occupancy.learnt import Learnt, holds_from
from occupancy.model import AnyReading, ReadingKey, StateReading
from tests.support.folded import Folded
from tests.support.lessons import drifting, lesson
from tests.support.limited_town import limit, town_documents, z
from tests.support.small_town import AREA, HEARTBEAT_S, START, count, passage, state

MOST_S = 400_000.0
"""Within what outages remember: the log of a live area holds nothing that was received longer ago."""
END_S = 30_000_000.0
CELLS_UNTIL = START + timedelta(hours=20)
"""Most of the time of a sequence, in which most happens."""
SENSORS = ("s0", "s1", "s2")
HONEST = "s2"
"""Its clock is right, it is delayed by less than a clock is doubted for, and it never moves."""
DELAYS = st.sampled_from([0.0, 1.0, 1.0, 400.0, 7_000.0, 172_800.0])


class EventfulTown(RuleBasedStateMachine):
    """What is said goes into `air`; what is delivered comes from there, in any order, any number of times."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = ExitStack()

    @initialize(
        pages_of=st.sampled_from([1, 2, 5]),
        checkpoint_every=st.sampled_from([2, 3, 200]),
        clock=st.sampled_from(["live", "event"]),
        heartbeat_s=st.sampled_from([HEARTBEAT_S, 86_400]),
    )
    def start(self, pages_of: int, checkpoint_every: int, clock: str, heartbeat_s: int) -> None:
        self.patches.enter_context(patch("occupancy.outages.BROKEN", 2))
        self.patches.enter_context(patch("occupancy.sensed.CHECKPOINT_EVERY", checkpoint_every))
        self.patches.enter_context(patch("occupancy.gates.RECENT_EVENTS", 3))
        self.docs = town_documents(clock, heartbeat_s)
        self.lessons: list[Learnt] = []
        self.clock = clock
        self.overrides: dict[str, dict[str, Any] | None] = {}
        self.recounts: list[tuple[str, datetime, int]] = []
        self.binding = next(key for key in self.docs if key[1].startswith("s0@"))
        self.bound_s = -10_000.0
        self.now_s = 0.0
        self.boot = dict.fromkeys(SENSORS, 1)
        self.seq: dict[str, int] = {}
        self.error_s = dict.fromkeys(SENSORS, 0.0)
        self.since_s = dict.fromkeys(SENSORS, 0.0)
        self.occupied = dict.fromkeys(SENSORS, False)
        self.air: list[AnyReading] = []
        self.delivered: list[AnyReading] = []
        self.as_of: datetime | None = None
        self.town = self._founded(pages_of)
        self.town.append(watermark_s=0)

    # --- what the devices do ------------------------------------------------------------------------------

    @rule(
        seconds=st.sampled_from([1.0, 30.0, 599.0, HEARTBEAT_S * 1.1, 5_000.0, HEARTBEAT_S * 2.5, 90_000.0])
    )
    def time_passes(self, seconds: float) -> None:
        if self.now_s + seconds <= MOST_S:
            self.now_s += seconds
            self.town.append(watermark_s=self.now_s)

    @rule(
        sensor=st.sampled_from(SENSORS),
        says=st.sampled_from(["turn", "turn", "same", "flip", "cannot tell"]),
        cause=st.sampled_from(["change", "change", "heartbeat", "requery"]),
        lasted=st.sampled_from([None, "right", 40, 4_000]),
        delay_s=DELAYS,
    )
    def speak(self, sensor: str, says: str, cause: str, lasted: Any, delay_s: float) -> None:
        if says == "turn":
            self.occupied[sensor] = not self.occupied[sensor]
        occupied = self.occupied[sensor] is not (says == "flip")
        lasted_s = int(self.now_s - self.since_s[sensor]) if lasted == "right" else lasted
        word = self._word(sensor, None if says == "cannot tell" else occupied, cause, lasted_s)
        self.air.append(self._received(word, min(delay_s, 60.0) if sensor == HONEST else delay_s))
        if says == "turn":
            self.since_s[sensor] = self.now_s

    @rule(
        sensor=st.sampled_from(SENSORS),
        times=st.integers(3, 9),
        lasts_s=st.sampled_from([30.0, 90.0, 300.0]),
        late=st.booleans(),
    )
    def flap(self, sensor: str, times: int, lasts_s: float, late: bool) -> None:
        for _ in range(times):
            self.time_passes(lasts_s)
            self.occupied[sensor] = not self.occupied[sensor]
            word = self._received(self._word(sensor, self.occupied[sensor], "change", None), 1.0)
            if late:
                self.air.append(word)
            else:
                self._deliver([word])
        self.since_s[sensor] = self.now_s

    @rule()
    def everybody_speaks(self) -> None:
        words = [self._word(sensor, self.occupied[sensor], "heartbeat", None) for sensor in SENSORS]
        self._deliver([self._received(word, 1.0) for word in words])

    @rule(
        away=st.sampled_from(["gw-a", "gw-a", "everywhere"]),
        slots=st.sampled_from([3, 6]),
        keeps=st.booleans(),
    )
    def outage(self, away: str, slots: int, keeps: bool) -> None:
        """A gateway, or the network, is away: what its sensors say meanwhile is lost, or comes when it is back."""
        back_s = self.now_s + slots * 300.0
        for slot in range(slots):
            self.time_passes(300.0)
            for sensor in SENSORS:
                if away not in ("everywhere", self.docs["sensor", sensor]["gateway"]):
                    beat = self._word(sensor, self.occupied[sensor], "heartbeat", None)
                    self._deliver([self._received(beat, 1.0)])
                elif slot % 2 and sensor != HONEST:
                    self.occupied[sensor] = not self.occupied[sensor]
                    kept = self._word(sensor, self.occupied[sensor], "change", None)
                    self.air.extend([self._received(kept, back_s - self.now_s)] if keeps else [])

    @rule(sensor=st.sampled_from(SENSORS))
    def reboot(self, sensor: str) -> None:
        self.boot[sensor] += 1
        self.seq[sensor] = 0
        self.air.append(self._received(self._word(sensor, self.occupied[sensor], "boot", None), 1.0))

    @rule(
        sensor=st.sampled_from(["s0", "s1"]), error_s=st.sampled_from([0.0, 0.0, 400.0, -3600.0, -1.7e9, 6e8])
    )
    def step_clock(self, sensor: str, error_s: float) -> None:
        if self.clock == "live":  # elsewhere times are taken as they are
            self.error_s[sensor] = error_s

    @rule(sensor=st.sampled_from(SENSORS), lost=st.integers(1, 3))
    def lose(self, sensor: str, lost: int) -> None:
        self.seq[sensor] = self.seq.get(sensor, 0) + lost

    @rule(gate=st.sampled_from(["g-in", "g-out", "g-count"]), vehicles=st.integers(0, 6), delay_s=DELAYS)
    def gate_says(self, gate: str, vehicles: int, delay_s: float) -> None:
        self.seq[gate] = self.seq.get(gate, 0) + 1
        if gate == "g-count":
            word: AnyReading = count(gate, self.seq[gate], self.now_s, vehicles)
        else:
            word = passage(gate, self.seq[gate], self.now_s, gate.removeprefix("g-"))
        self.air.append(self._received(word, delay_s))

    # --- what the way to the log does ---------------------------------------------------------------------

    @precondition(lambda self: self.air)
    @rule(data=st.data(), number=st.integers(1, 6))
    def deliver(self, data: st.DataObject, number: int) -> None:
        order = data.draw(st.permutations(self.air))[:number]
        self.air = [reading for reading in self.air if reading not in order]
        self._deliver(order)

    @precondition(lambda self: self.delivered)
    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        self.town.append([data.draw(st.sampled_from(self.delivered))])

    # --- what people do -----------------------------------------------------------------------------------

    @rule(
        id=st.sampled_from(["o1", "o2"]),
        kind=st.sampled_from(["suspension", "closure", "event"]),
        where=st.sampled_from(
            [{"bay_ids": ["high-st-0", "high-st-1"]}, {"zone_ids": ["high-st"]}, {"zone_ids": ["castle"]}]
        ),
        starts_min=st.sampled_from([-600, -30, 0, 1, 20, 300]),
        lasts_min=st.sampled_from([None, 1, 90]),
    )
    def override(
        self, id: str, kind: str, where: dict[str, Any], starts_min: int, lasts_min: int | None
    ) -> None:
        starts_at = START + timedelta(minutes=self.now_s // 60 + starts_min)
        doc = {"area_id": AREA, "kind": kind, "reason": "r", "starts_at": z(starts_at), **where}
        if lasts_min is not None:
            doc["ends_at"] = z(starts_at + timedelta(minutes=lasts_min))
        self.overrides[id] = doc
        self.town.append(changes=[("override", id, doc)])

    @rule(id=st.sampled_from(["o1", "o2"]))
    def withdraw(self, id: str) -> None:
        self.overrides[id] = None
        self.town.append(changes=[("override", id, None)])

    @rule(
        park=st.sampled_from(["castle", "dock"]),
        vehicles=st.integers(0, 6),
        ago_s=st.sampled_from([0, 100, 9_000]),
    )
    def recount(self, park: str, vehicles: int, ago_s: float) -> None:
        apart = timedelta(milliseconds=len(self.recounts) + 1)  # two at one instant are told apart by the log
        at = START + timedelta(seconds=self.now_s - ago_s) - apart
        self.recounts.append((park, at, vehicles))
        self.town.append(recounts={park: (at, vehicles)})

    @rule(
        bay=st.sampled_from(["high-st-0", "high-st-spare"]),
        ago_s=st.sampled_from([0.0, 100.0, 5_000.0, -2_000.0]),
    )
    def rebind(self, bay: str, ago_s: float) -> None:
        """From then on s0 watches another bay, or the same one anew."""
        at_s = self.now_s - ago_s
        if at_s <= self.bound_s:
            return
        at = z(START + timedelta(seconds=at_s))
        self._change(self.binding, {**self.docs[self.binding], "valid_to": at})
        self.bound_s = at_s
        self.binding = ("binding", f"s0@{bay}@{at}")
        self._change(self.binding, {"area_id": AREA, "device_id": "s0", "bay_id": bay, "valid_from": at})

    @rule(
        sensor=st.sampled_from(["s0", "s1"]),
        more=st.sampled_from(
            [{"expected_heartbeat_s": s} for s in (HEARTBEAT_S, 60, 86_400)]
            + [{"gateway": gateway} for gateway in ("gw-a", "gw-b")]
        ),
    )
    def change_sensor(self, sensor: str, more: dict[str, Any]) -> None:
        self._change(("sensor", sensor), {**self.docs["sensor", sensor], **more})

    @rule(
        rule_doc=st.sampled_from(
            [
                limit(30),
                limit(1),
                limit(60, starts="09:00", ends="12:00"),
                {"area_id": AREA, "use": "no_parking", "days": "mon-sun", "starts": "09:00", "ends": "10:00"},
                {"area_id": AREA, "use": "pay", "days": "mon-sun"},
            ]
        )
    )
    def change_rule(self, rule_doc: dict[str, Any]) -> None:
        self._change(("rule", "limit"), rule_doc)

    @rule(
        bay=st.sampled_from(["high-st-0", "high-st-1"]),
        more=st.sampled_from(
            [{"zone_id": zone} for zone in ("high-st", "side-st")]
            + [{"bay_type": bay_type} for bay_type in ("standard", "loading")]
            + [{"rule_ids": rule_ids} for rule_ids in (["limit"], ["limit", "nowhere"])]
        ),
    )
    def change_bay(self, bay: str, more: dict[str, Any]) -> None:
        self._change(("bay", bay), {**self.docs["bay", bay], **more})

    @rule(gate=st.sampled_from(["g-in", "g-out", "g-count"]), park=st.sampled_from(["castle", "dock"]))
    def move_gate(self, gate: str, park: str) -> None:
        self._change(("gate", gate), {**self.docs["gate", gate], "zone_id": park})

    # --- what closed days teach ---------------------------------------------------------------------------

    @rule(
        ends_per_h=st.sampled_from([0.05, 1.0, 4.0]),
        short_per_day=st.sampled_from([0.1, 4.0]),
        against=st.sets(st.sampled_from(SENSORS), max_size=2),
    )
    def learn(self, ends_per_h: float, short_per_day: float, against: set[str]) -> None:
        begins = holds_from(START + timedelta(seconds=self.now_s))
        if len(self.lessons) < 8 and (not self.lessons or self.lessons[-1].holds_from < begins):
            named = tuple(drifting(f"high-st-{sensor[1]}", sensor) for sensor in sorted(against))
            self.lessons.append(
                lesson(begins, ends_per_h=ends_per_h, short_per_day=short_per_day, unreliable=named)
            )
            self.town.append(learnt=self.lessons[-1])

    def _founded(self, pages_of: int, *overrides: Any) -> Folded:
        docs = [(kind, id, doc) for (kind, id), doc in self.docs.items()]
        return Folded([*docs, *overrides], pages_of=pages_of, cells_until=CELLS_UNTIL)

    def _word(self, sensor: str, occupied: bool | None, cause: str, lasted_s: int | None) -> StateReading:
        self.seq[sensor] = self.seq.get(sensor, 0) + 1
        word = state(sensor, self.seq[sensor], self.now_s + self.error_s[sensor], occupied, cause=cause)
        return replace(word, key=ReadingKey(0, self.boot[sensor], self.seq[sensor]), prev_s=lasted_s)

    def _received(self, word: Any, delay_s: float) -> Any:
        return replace(word, received_at=START + timedelta(seconds=self.now_s + delay_s))

    def _deliver(self, words: list[AnyReading]) -> None:
        self.delivered.extend(words)
        self.town.append(words)

    def _change(self, key: tuple[str, str], doc: dict[str, Any]) -> None:
        self.docs[key] = doc
        self.town.append(changes=[(*key, doc)])
