"""Some days of a small town in which nearly everything happens: what a log holds at its worst, by a seed.

Words that are late by minutes to days, lost, twice, and by wrong clocks; gateways that are away, with and without a
store; a sensor that sticks and one that moves; rules, models and gates that change; overrides before and after their
time; recounts; lessons of closed days.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from occupancy.learnt import learnt_doc
from occupancy.model import AnyReading, ReadingKey
from store.log import LogEntry, append_entries
from store.postgres import Connection
from tests.support.lessons import drifting, lesson
from tests.support.small_town import AREA, START, count, documents, passage, state

BAYS = 10
STEP_S = 900
HEARTBEAT_S = 3600
AWAY = ((26.0, 29.5, True), (50.0, 53.0, False))
"""From hour to hour, gateway gw-a is away; whether it keeps what it hears."""

Position = tuple[list[AnyReading], list[LogEntry], float]
"""Readings, entries, and the watermark in seconds after `START`."""


def town(clock: str) -> list[tuple[str, str, dict[str, Any]]]:
    docs = []
    for kind, id, doc in documents(BAYS):
        more: dict[str, Any] = {}
        if kind == "area":
            more = {"clock": clock, "overstay_grace_min": 2}
        if kind == "bay":
            more = {"rule_ids": ["limit"]}
        if kind == "sensor":
            more = {"expected_heartbeat_s": HEARTBEAT_S, "gateway": "gw-a" if id < "s8" else "gw-b"}
        docs.append((kind, id, {**doc, **more}))
    docs.append(("bay", "high-st-spare", {**docs[3][2]}))
    docs.append(("zone", "dock", {**next(doc for kind, id, doc in docs if id == "castle"), "capacity": 9}))
    docs.append(("rule", "limit", limit(60)))
    return docs


def limit(minutes: int) -> dict[str, Any]:
    return {"area_id": AREA, "use": "limited_waiting", "days": "daily", "max_stay_min": minutes}


class EventfulDays:
    def __init__(self, seed: int, *, clock: str = "live", days: float = 3.0) -> None:
        self.clock = clock
        self.docs = {(kind, id): doc for kind, id, doc in town(clock)}
        self._chance = random.Random(seed)
        self._seq: dict[str, int] = {}
        self._boot: dict[str, int] = {}
        self._occupied: dict[str, bool] = {}
        self._turned_s: dict[str, float] = {}
        self._air: list[tuple[float, AnyReading]] = []
        self._end_s = days * 86_400
        self._vehicles = 0
        self._inside: list[str] = []

    def positions(self) -> Sequence[Position]:
        """The log after the registry."""
        found = []
        for now_s in range(0, int(self._end_s), STEP_S):
            for device in [f"s{n}" for n in range(BAYS)]:
                self._speak(device, now_s)
            self._gates(now_s)
            here = [word for at_s, word in self._air if at_s <= now_s + STEP_S]
            self._air = [(at_s, word) for at_s, word in self._air if at_s > now_s + STEP_S]
            self._chance.shuffle(here)
            entries = self._entries(now_s)
            if entries:
                found.append(([], entries, float(now_s)))
            half = len(here) // 2
            found.append((here[:half], [], now_s + STEP_S / 2))
            found.append((here[half:], [], float(now_s + STEP_S)))
        return found

    def _speak(self, device: str, now_s: float) -> None:
        chance = self._chance
        at_s = now_s + chance.uniform(0, STEP_S - 1)
        stuck = device == "s4" and now_s > 20 * 3600
        beat = not stuck and chance.random() < 0.3
        if chance.random() < 0.005:
            self._boot[device] = self._boot.get(device, 1) + 1
            self._seq[device] = 0
        turns = not stuck and chance.random() < 0.25
        if not (beat or turns or now_s % HEARTBEAT_S == 0):
            return
        if turns:
            self._occupied[device] = not self._occupied.get(device, False)
        occupied: bool | None = self._occupied.get(device, stuck) if chance.random() < 0.97 else None
        lasted = int(at_s - self._turned_s.get(device, 0)) if turns and chance.random() < 0.4 else None
        if turns:
            self._turned_s[device] = at_s
        word = self._keyed(state(device, 0, at_s, occupied, cause="change" if turns else "heartbeat"))
        if self.clock == "live" and device == "s5" and 30 * 3600 < now_s < 40 * 3600:
            assert word.at is not None
            word = replace(word, at=word.at - timedelta(hours=9))
        self._send(replace(word, prev_s=lasted), at_s, through_a=device < "s8")

    def _gates(self, now_s: float) -> None:
        for gate in ("g-in", "g-out"):
            for _ in range(self._chance.randrange(3)):
                at_s = now_s + self._chance.uniform(0, STEP_S - 1)
                word = self._keyed(passage(gate, 0, at_s, gate.removeprefix("g-")))
                self._send(replace(word, vehicle=self._vehicle(gate)), at_s)
        if self._chance.random() < 0.3:
            vehicles = self._chance.randrange(6)
            self._send(self._keyed(count("g-count", 0, now_s + 1, vehicles)), now_s + 1)

    def _vehicle(self, gate: str) -> str | None:
        """Most vehicles are known again when they leave."""
        if self._chance.random() < 0.2:
            return None
        if gate == "g-in":
            self._vehicles += 1
            self._inside.append(f"v{self._vehicles}")
            return self._inside[-1]
        return self._inside.pop(self._chance.randrange(len(self._inside))) if self._inside else None

    def _keyed(self, word: Any) -> Any:
        device = word.device_id
        self._seq[device] = self._seq.get(device, 0) + 1
        return replace(word, key=ReadingKey(0, self._boot.get(device, 1), self._seq[device]))

    def _send(self, word: Any, at_s: float, *, through_a: bool = False) -> None:
        chance = self._chance
        if chance.random() < 0.04:
            return
        delay_s = chance.choice([1, 1, 1, 1, 2, 20, 20, 400, 4000]) if chance.random() < 0.98 else 170_000
        for from_h, to_h, kept in AWAY:
            if through_a and from_h * 3600 <= at_s + delay_s < to_h * 3600:
                if not kept:
                    return
                delay_s = to_h * 3600 - at_s + chance.uniform(1, 60)
        came = replace(word, received_at=START + timedelta(seconds=at_s + delay_s))
        self._air.append((at_s + delay_s, came))
        if chance.random() < 0.05:
            self._air.append((at_s + delay_s + 3000, came))

    def _entries(self, now_s: float) -> list[LogEntry]:
        at = START + timedelta(seconds=now_s)
        hour = now_s / 3600
        found: list[LogEntry] = []

        def document(kind: str, id: str, doc: dict[str, Any]) -> None:
            self.docs[kind, id] = doc
            found.append(LogEntry("registry", f"{kind}/{id}", doc, at, "test"))

        def override(id: str, from_h: float, to_h: float | None, **where: Any) -> None:
            doc = {"area_id": AREA, "kind": "suspension", "reason": "r", "starts_at": z(from_h), **where}
            doc |= {} if to_h is None else {"ends_at": z(to_h)}
            found.append(LogEntry("override", id, doc, at, "test"))

        match hour:
            case 1.0 | 25.0 | 49.0:
                learnt = lesson(
                    at + timedelta(minutes=10),
                    unreliable=(drifting("high-st-2", "s2"),) if hour == 25 else (),
                )
                found.append(LogEntry("learnt", f"{at.date()}", learnt_doc(learnt), at, "engine"))
            case 10.0:
                override("o1", 12, 40, bay_ids=["high-st-1", "high-st-3"])
            case 31.0:
                override("o2", 3, 22, zone_ids=["castle"])
            case 45.0:
                override("o1", 20, 42, bay_ids=["high-st-1"])
            case 47.0:
                found.append(LogEntry("override", "o2", None, at, "test"))
            case 15.0:
                document("rule", "limit", limit(45))
            case 41.0:
                document("rule", "limit", {**limit(30), "valid_from": z(11)})
            case 35.0:
                old = self.docs["binding", "s7@high-st-7@always"]
                document("binding", "s7@high-st-7@always", {**old, "valid_to": z(30.3)})
                moved = {"area_id": AREA, "device_id": "s7", "bay_id": "high-st-spare", "valid_from": z(30.3)}
                document("binding", f"s7@high-st-spare@{z(30.3)}", moved)
            case 44.0:
                document("sensor", "s6", {**self.docs["sensor", "s6"], "expected_heartbeat_s": 1800})
            case 56.0:
                document("gate", "g-out", {**self.docs["gate", "g-out"], "zone_id": "dock"})
            case 22.0 | 60.0:
                doc = {"at": z(hour - 1), "occupied": 3, "reason": "r"}
                found.append(LogEntry("recount", "castle", doc, at, "test"))
        return found


def z(hour: float) -> str:
    return (START + timedelta(hours=hour)).isoformat().replace("+00:00", "Z")


def enter(conn: Connection, entries: Sequence[LogEntry], *, clock: str | None = None) -> None:
    with conn.transaction(), conn.cursor() as cur:
        append_entries(cur, AREA, entries, clock=clock)
