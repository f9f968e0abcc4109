"""A clean run for the auditor's tests: a small stream's ledger, and what a faultless system would leave behind."""

import json
from collections import defaultdict
from datetime import datetime
from typing import Any

from baycast.chaos import city, ledger
from baycast.chaos.evidence import Batch, Cell, Evidence, Quarantined, Shown, Zone
from baycast.chaos.ledger import Ledger
from baycast.chaos.model import Row, bay_of, by_device, vehicles
from baycast.chaos.stream import Message, StreamPlan, messages

STARTED_MS = 1_775_000_000_000
DEVICES = 40
PLAN = StreamPlan(seed=7, events=600, devices=DEVICES, started_ms=STARTED_MS, poison_share=0.1)
CELL_US = 900_000_000


def clean_run(plan: StreamPlan = PLAN) -> tuple[Ledger, Evidence]:
    """Made anew each time: the tests spoil it."""
    stream = list(messages(plan))
    return ledger_of(stream), evidence_of(stream, plan.devices)


def ledger_of(stream: list[Message]) -> Ledger:
    lines: list[str] = []
    for number, message in enumerate(stream):
        lines += [ledger.reading_line(number, reading.key, reading.meaning) for reading in message.readings]
        lines += [ledger.poison_line(number, bad) for bad in message.poison]
        lines.append(ledger.ack_line(number))
    return ledger.read(lines)


def evidence_of(stream: list[Message], devices: int) -> Evidence:
    evidence = Evidence()
    _log(evidence, stream)
    _derive(evidence, devices)
    evidence.live_hashes = {"stay": "1 a", "bay_interval": "2 b"}
    evidence.rebuilt_hashes = dict(evidence.live_hashes)
    return evidence


def _log(evidence: Evidence, stream: list[Message]) -> None:
    stored: dict[ledger.Key, str] = {}
    refused: dict[tuple[str, str, bytes | None, int], int] = defaultdict(int)
    evidence.batches.append(Batch(1, 100, 0, 5))
    evidence.entries[100] = 5
    for first in range(0, len(stream), 7):
        batch_id = 101 + first // 7
        fresh: list[Row] = []
        for message in stream[first : first + 7]:
            for reading in message.readings:
                if reading.key not in stored:
                    stored[reading.key] = reading.meaning
                    fresh.append(_row(batch_id, len(fresh), reading, STARTED_MS * 1000 + first))
                elif stored[reading.key] != reading.meaning:
                    topic = f"baycast/v1/dev/{reading.key[0]}/state"
                    refused[topic, "conflicting", reading.body, len(reading.body)] += 1
            for bad in message.poison:
                refused[bad.stored_topic, min(bad.reasons), bad.stored_as, len(bad.payload)] += 1
        evidence.rows += fresh
        evidence.batches.append(Batch(len(evidence.batches) + 1, batch_id, len(fresh), 0))
    evidence.head = len(evidence.batches)
    evidence.quarantine = [Quarantined(*what, times) for what, times in refused.items()]
    seen: dict[tuple[str, int, int], set[int]] = defaultdict(set)
    for device, boot, seq in stored:
        seen[device, 0, boot].add(seq)
    evidence.seen = {life: _ranges(numbers) for life, numbers in seen.items()}


def _row(batch_id: int, ordinal: int, reading: Any, received_us: int) -> Row:
    body = json.loads(reading.body)
    at = body["at"]
    return Row(
        batch_id=batch_id,
        ordinal=ordinal,
        device=reading.key[0],
        incarnation=0,
        boot=body["boot"],
        seq=body["seq"],
        kind=reading.kind,
        at=None if at is None else round(datetime.fromisoformat(at).timestamp() * 1000) * 1000,
        age_ms=body.get("age_ms"),
        received=received_us,
        occupied=body.get("occupied") if reading.kind == "state" else None,
        cause=body.get("cause"),
        direction=body.get("direction"),
        counted=body["occupied"] if reading.kind == "count" else None,
    )


def _ranges(numbers: set[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and found[-1][1] == number:
            found[-1] = (found[-1][0], number + 1)
        else:
            found.append((number, number + 1))
    return found


def _derive(evidence: Evidence, devices: int) -> None:
    derived = evidence.derived
    derived.position = evidence.head
    rows = by_device(evidence.rows)
    moved: dict[tuple[str, int], list[str]] = defaultdict(list)
    states: dict[str, list[str]] = defaultdict(list)
    for number in range(devices):
        id, street = city.sensor_id(number), city.street_id(number)
        bay = bay_of(id, rows.get(id, []))
        derived.bays[id] = (
            Shown("unknown", None, None) if bay is None else Shown(bay.state, bay.since, bay.as_of)
        )
        states[street].append("unknown" if bay is None else bay.state)
        if bay is None:
            continue
        derived.intervals += bay.intervals
        derived.stays += bay.stays
        for before, after in zip(bay.intervals, bay.intervals[1:], strict=False):
            moved[street, after.started - after.started % CELL_US].append(f"{before.state} {after.state}")
    derived.zones = {
        street: Zone(len(own), *(own.count(state) for state in ("free", "occupied", "unknown", "closed")))
        for street, own in states.items()
    }
    end = STARTED_MS * 1000
    begin = end - 2 * 3_600_000_000
    for street, own in states.items():
        for at in range(begin - begin % CELL_US, end - CELL_US, CELL_US):
            turnover = moved[street, at]
            came, went = turnover.count("free occupied"), turnover.count("occupied free")
            derived.cells.append(Cell(street, at, 900.0 * len(own), came, went))
    derived.vehicles = vehicles(row for row in evidence.rows if row.kind in ("count", "passage"))
