"""Derived: what one bay is and was taken to be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from occupancy.model.ids import BayId, DeviceId


class State(StrEnum):
    """What is known of a bay. The default is always UNKNOWN (L4)."""

    FREE = "free"
    OCCUPIED = "occupied"
    UNKNOWN = "unknown"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BayState:
    """The live answer for one bay: since when, by which evidence, how sure (0..1), and why in words."""

    bay_id: BayId
    state: State
    since: datetime | None
    as_of: datetime | None
    confidence: float
    reason: str
    device_id: DeviceId | None = None
    suspect: bool = False
    """Whether its sensor is not to be believed now: it leaves the certain counts."""
    last_said: State | None = None
    """What its sensor said last, where that is not claimed any more."""
    free_chance: float | None = None
    """The probability that it is free, where that is not claimed but something was known of late: for estimates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BayInterval:
    """One bay in one state during [started_at, ended_at); `ended_at` None: still so."""

    bay_id: BayId
    started_at: datetime
    ended_at: datetime | None
    state: State
    reason: str
    device_id: DeviceId
    inferred: bool = False
    """Whether `started_at` was worked out, from what was missed or from a wrong clock, rather than reported."""
    uncertain_s: float = 0.0
    """Seconds by which `started_at` may be wrong, either way."""
