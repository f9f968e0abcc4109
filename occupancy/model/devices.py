"""The registry: the devices that watch bays and count at gates, and what their makers promise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from occupancy.model.ids import AreaId, BayId, DeviceId, ZoneId


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """`expected_heartbeat_s` is the maker's promise; silence beyond `silent_after` of it is no evidence at all."""

    device_id: DeviceId
    area_id: AreaId
    model: str
    expected_heartbeat_s: int
    incarnation: int = 0
    gateway: str | None = None
    """The gateway or network server through which it speaks: those that share one fall silent together."""

    @property
    def silent_after(self) -> timedelta:
        """Two and a half heartbeats: two may be lost on the air, the third cannot be late by half a period."""
        return timedelta(seconds=self.expected_heartbeat_s * 2.5)

    @property
    def overdue_after(self) -> timedelta:
        """A heartbeat and a tenth: something is missing, and what was said is less sure."""
        return timedelta(seconds=self.expected_heartbeat_s * 1.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Which sensor watches which bay, in [valid_from, valid_to)."""

    device_id: DeviceId
    bay_id: BayId
    area_id: AreaId
    valid_from: datetime | None = None
    valid_to: datetime | None = None

    def holds_at(self, at: datetime) -> bool:
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_to is None or at < self.valid_to
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A device that counts vehicles of one car park: a barrier, loop or camera, or the park's own system."""

    device_id: DeviceId
    zone_id: ZoneId
    area_id: AreaId
    model: str
    expected_heartbeat_s: int
    incarnation: int = 0
    min_headway_s: float = 0.0
    """Two vehicles of one direction cannot follow each other sooner: the second is a double read. 0: they can."""

    @property
    def silent_after(self) -> timedelta:
        return timedelta(seconds=self.expected_heartbeat_s * 2.5)
