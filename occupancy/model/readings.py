"""Readings: one row of the log each, in the words of the domain."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from occupancy.model.ids import DeviceId
from occupancy.model.times import Clock


class Cause(StrEnum):
    """Why a bay sensor spoke."""

    CHANGE = "change"
    HEARTBEAT = "heartbeat"
    BOOT = "boot"
    REQUERY = "requery"


class Direction(StrEnum):
    IN = "in"
    OUT = "out"


class ReadingKey(NamedTuple):
    """Orders the readings of one device: the device's own word, never the time of arrival (L2)."""

    incarnation: int
    boot: int
    seq: int


class Reading(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What every reading has. `at` is the device's own raw time, None when it has no clock (then `age_ms`)."""

    device_id: DeviceId
    key: ReadingKey
    at: datetime | None
    age_ms: int | None
    received_at: datetime

    def observed_at(self, clock: Clock) -> datetime:
        """When it happened, as well as we can tell. Pure in the row, so any arrival order gives the same.

        A device without a clock is placed by its age. In a live area a clock ahead of our own receipt by more
        than two minutes, or behind it by more than thirty days, is not believed and the receipt is taken; an
        event area's times are data and stand as they are.
        """
        if self.at is None:
            return self.received_at - timedelta(milliseconds=self.age_ms or 0)
        if clock is Clock.LIVE and not (
            self.received_at - timedelta(days=30) <= self.at <= self.received_at + timedelta(minutes=2)
        ):
            return self.received_at
        return self.at


class StateReading(Reading, frozen=True, kw_only=True, gc=False):
    occupied: bool | None
    cause: Cause
    prev_s: int | None = None
    confidence: float | None = None


class PassageReading(Reading, frozen=True, kw_only=True, gc=False):
    direction: Direction
    confidence: float | None = None
    vehicle: str | None = None
    """What tells this vehicle from others during one visit: compared, never shown (L10)."""

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in self.__struct_fields__ if name != "vehicle"]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"PassageReading({shown})"


class CountReading(Reading, frozen=True, kw_only=True, gc=False):
    occupied: int
    capacity: int | None = None


class HealthReading(Reading, frozen=True, kw_only=True, gc=False):
    """Also stands for `boot` messages: the device is alive, nothing is said about a vehicle."""


AnyReading = StateReading | PassageReading | CountReading | HealthReading
