"""What is wrong with a sensor, and which one to fix first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from occupancy.answers import instant
from occupancy.clocks import z
from occupancy.model import EPOCH, BayId, DeviceId, Sensor, State, Suspicion, ZoneId
from occupancy.surveys import Agreement

BATTERY_LOW_MV, BATTERY_CRITICAL_MV = 3_000, 2_900
MISSED_SHARE = 0.1
"""Of its words that showed one before them to be missing: from here on its radio, or its eye, is poor."""
WORDS = 20
"""Fewer words say nothing about that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorRecord:
    """One sensor, as far as it is known up to `now`, the watermark; times None: never."""

    sensor: Sensor
    bay_id: BayId | None
    zone_id: ZoneId | None
    now: datetime | None
    heard_at: datetime | None
    stated_at: datetime | None
    state: State | None
    """What it said last."""
    agreed: int
    missed: int
    battery_mv: int | None
    faults: Sequence[str]
    suspicions: Sequence[Suspicion]
    """Those that last."""
    cut_off_by: str | None = None
    """Whose outage it is in now: "area/ID" or "gateway/ID"."""
    agreement: Agreement | None = None
    """With surveyors, lately; None: nobody looked."""

    @property
    def device_id(self) -> DeviceId:
        return self.sensor.device_id

    @property
    def missed_share(self) -> float | None:
        words = self.agreed + self.missed
        return self.missed / words if words else None

    @property
    def silent(self) -> bool:
        """Whether its promise to speak is broken for good."""
        if self.heard_at is None:
            return True
        return self.now is not None and self.now >= self.heard_at + self.sensor.silent_after


@dataclass(frozen=True, slots=True)
class SaidWord:
    """One reading of a sensor as it came; what it leaves out is None."""

    kind: str
    at: datetime | None
    received_at: datetime
    occupied: bool | None
    cause: str | None
    prev_s: int | None
    battery_mv: int | None
    temperature_c: float | None
    rssi_dbm: float | None
    faults: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class KeptPromise:
    """How a sensor has spoken since a time."""

    since: datetime
    words: int
    broken: int
    """Pauses between two words that were longer than it promised."""
    longest: timedelta | None
    """The longest pause; None: fewer than two words."""


@dataclass(frozen=True, slots=True)
class ShownBay:
    """What is shown of the bay that a sensor watches."""

    state: State
    since: datetime | None
    confidence: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorSheet:
    """All that is known of one sensor."""

    record: SensorRecord
    shown: ShownBay | None
    """None: it watches no bay, or nothing is known of it."""
    promise: KeptPromise | None
    """None: its area has no time yet."""
    suspicions: Sequence[Suspicion]
    """The newest first, also those that have ended."""
    words: Sequence[SaidWord]
    """The newest first."""


class DefectKind(StrEnum):
    SUSPECT = "suspect"
    NEVER_HEARD = "never_heard"
    CUT_OFF = "cut_off"
    SILENT = "silent"
    CONTRADICTED = "contradicted"
    FAULTS = "faults"
    BATTERY = "battery"
    MISSING = "missing"


class Defect(NamedTuple):
    weight: int
    words: str
    kind: DefectKind
    suspicion: Suspicion | None = None
    """Of one that is suspect: what is held against it."""


def defects(record: SensorRecord) -> list[Defect]:
    """What is wrong with it, the worst first: what hides a bay weighs more than what will hide it one day."""
    found = [
        Defect(100, f"suspect ({row.kind}) since {z(row.began_at)}: {row.reason}", DefectKind.SUSPECT, row)
        for row in record.suspicions
    ]
    if record.heard_at is None:
        found.append(Defect(80, "never heard", DefectKind.NEVER_HEARD))
    elif record.cut_off_by is not None:
        kind, _, name = record.cut_off_by.partition("/")
        told = f"cut off with all of {kind} {name}: one outage, no fault of its own"
        found.append(Defect(10, told, DefectKind.CUT_OFF))
    elif record.silent:
        found.append(Defect(90, f"silent since {z(record.heard_at)}", DefectKind.SILENT))
    agreement = record.agreement
    if agreement is not None and agreement.surely_poor:
        told = f"contradicted by {agreement.said - agreement.agreed} of {agreement.said} looks of surveyors"
        found.append(Defect(70, told, DefectKind.CONTRADICTED))
    if record.faults:
        found.append(Defect(60, f"reports {', '.join(record.faults)}", DefectKind.FAULTS))
    if record.battery_mv is not None and record.battery_mv < BATTERY_LOW_MV:
        critical = record.battery_mv < BATTERY_CRITICAL_MV
        told = f"battery at {record.battery_mv} mV"
        found.append(Defect(50 if critical else 30, told, DefectKind.BATTERY))
    share = record.missed_share
    if share is not None and share >= MISSED_SHARE and record.agreed + record.missed >= WORDS:
        told = f"{share:.0%} of its words show one before them to be missing"
        found.append(Defect(20, told, DefectKind.MISSING))
    return sorted(found, key=lambda defect: (defect.weight, defect.words), reverse=True)


def by_urgency(records: Iterable[SensorRecord]) -> list[SensorRecord]:
    """What to fix first: the most, and the gravest, that is wrong; among equals what is wrong for longest."""

    def urgency(record: SensorRecord) -> tuple[int, datetime, DeviceId]:
        wrong = [row.began_at for row in record.suspicions]
        since = min(wrong) if wrong else record.heard_at or EPOCH
        return -sum(defect.weight for defect in defects(record)), since, record.device_id

    return sorted(records, key=urgency)


def sensor_document(record: SensorRecord) -> dict[str, object]:
    """The record as it is told to machines."""
    return {
        "area": record.sensor.area_id,
        "device_id": record.device_id,
        "model": record.sensor.model,
        "bay_id": record.bay_id,
        "zone_id": record.zone_id,
        "heard_at": instant(record.heard_at),
        "stated_at": instant(record.stated_at),
        "state": record.state,
        "silent": record.silent,
        "cut_off_by": record.cut_off_by,
        "battery_mv": record.battery_mv,
        "faults": list(record.faults),
        "words": record.agreed + record.missed,
        "missed": record.missed,
        "missed_share": record.missed_share,
        "agreement": None if record.agreement is None else record.agreement.document(),
        "defects": [defect.words for defect in defects(record)],
        "suspicions": [
            {
                "bay_id": row.bay_id,
                "kind": row.kind,
                "began_at": instant(row.began_at),
                "reason": row.reason,
                "evidence": dict(row.evidence),
            }
            for row in record.suspicions
        ],
    }
