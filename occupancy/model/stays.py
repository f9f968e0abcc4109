"""Derived: one vehicle in one bay, and the limit it stayed beyond."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from occupancy.model.ids import BayId, DeviceId


class Quality(StrEnum):
    """How well an edge of a stay is known."""

    OBSERVED = "observed"
    REPAIRED = "repaired"
    """Worked out from what came later, or from a clock known to be wrong."""
    CENSORED = "censored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One vehicle in one bay, as far as its sensor can tell. `departed_at` None: still there, or not known."""

    bay_id: BayId
    arrived_at: datetime
    departed_at: datetime | None
    arrival: Quality
    departure: Quality | None
    device_id: DeviceId
    arrived_uncertain_s: float = 0.0
    departed_uncertain_s: float = 0.0
    rule_id: str | None = None
    """The rule in force at arrival for a general driver: the one that limits, else the first; None: none."""
    rule_version: str | None = None
    """Which version of that rule: see `occupancy.rule_versions`."""
    limit_min: int | None = None


class OverstayState(StrEnum):
    CANDIDATE = "candidate"
    """The limit and the grace have run out, and nothing says that the vehicle has left."""
    CONFIRMED = "confirmed"
    """A second word of the sensor, after them, says that it was still there."""
    PUBLISHED = "published"
    """And there is no reason to distrust the sensor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overstay:
    """A stay longer than the limit in force. Not evidence of a contravention: no sensor sees a permit or a payment."""

    bay_id: BayId
    arrived_at: datetime
    device_id: DeviceId
    rule_id: str
    rule_version: str | None
    """Which version of that rule: see `occupancy.rule_versions`; None: a row of an engine that did not record it."""
    limit_min: int
    grace_min: int
    over_from: datetime
    """When the limit ran out; it counts within the hours of its rule only."""
    over_to: datetime | None
    """When the limit ceases to apply, unless the vehicle leaves before; None: not within the days looked at."""
    candidate_at: datetime
    """When the grace had run out, too."""
    confirmed_at: datetime | None
    """Up to when a word after that says that it was still there; no later than `over_to`."""
    ended_at: datetime | None
    """When the vehicle left, or the evidence ended; None: it is still there."""
    state: OverstayState
    evidence: str
    exemptions: tuple[str, ...]
    """Whom the limit does not bind: it may be one of them."""
    not_evidence: bool = True

    @property
    def exemption_possible(self) -> bool:
        return bool(self.exemptions)

    def over_min(self, now: datetime) -> int:
        """Whole minutes beyond the limit, up to `now` where it lasts."""
        ends = [at for at in (self.ended_at, self.over_to) if at is not None]
        return max(0, int((min([now, *ends]) - self.over_from).total_seconds() // 60))
