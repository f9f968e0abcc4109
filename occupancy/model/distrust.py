"""Derived: sensors that cannot be heard, and sensors that are not to be believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from occupancy.model.ids import BayId, DeviceId


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Many sensors silent together in [began_at, ended_at); `ended_at` None: still so. Times are to five minutes."""

    group: str
    """`gateway/ID` or `area/ID`: whose sensors."""
    began_at: datetime
    ended_at: datetime | None
    noticed_at: datetime
    """When silence could no longer be chance."""
    sensors: int
    """How many sensors spoke until then."""


class SuspicionKind(StrEnum):
    """Why a sensor is not to be believed."""

    IMPLAUSIBLE = "implausible"
    """What it says has lasted longer than is plausible there: stuck, or it missed the end."""
    CHATTER = "chatter"
    """More short spells than vehicles make there."""
    CROSSTALK = "crosstalk"
    """It comes and goes with a neighbour, again and again."""
    DRIFT = "drift"
    """Its share of occupied time has left what its own history and its street make plausible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A sensor not to be believed during [began_at, ended_at); `ended_at` None: still so."""

    bay_id: BayId
    device_id: DeviceId
    kind: SuspicionKind
    began_at: datetime
    ended_at: datetime | None
    reason: str
    evidence: Mapping[str, str | float]
