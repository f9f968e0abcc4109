"""What a device remembers between its messages, and the small truths that it adds to them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from random import Random

from simulator.plan import BayPlan
from simulator.world import BayChanged


class Life:
    """One device's life since its last start: its boot number and the next sequence number."""

    __slots__ = ("boot", "device_id", "seq", "started")

    def __init__(self, device_id: str, boot: int) -> None:
        self.device_id = device_id
        self.boot = boot
        self.seq = 0
        self.started = False

    def key(self) -> int:
        seq = self.seq
        self.seq += 1
        return seq


class Sensor(Life):
    __slots__ = (
        "bay",
        "changing",
        "heartbeat_ms",
        "said",
        "said_since_ms",
        "signal_dbm",
        "spoke_ms",
        "volts_mv",
    )

    def __init__(self, plan: BayPlan, device_id: str, bay: int, boot: int, random: Random) -> None:
        super().__init__(device_id, boot)
        self.bay = bay
        self.heartbeat_ms = plan.heartbeat_s * 1000
        self.changing: BayChanged | None = None
        self.said = False
        self.said_since_ms: int | None = None
        self.spoke_ms = 0
        self.volts_mv = random.randint(3_300, 3_640)
        self.signal_dbm = random.randint(-98, -70)


def time_of(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def temperature_c(at_ms: int) -> float:
    """A mild day: coldest before dawn, warmest in the afternoon."""
    return round(11 - 5 * math.cos((at_ms / 3_600_000 - 4) / 24 * 2 * math.pi), 1)
