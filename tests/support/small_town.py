"""A small town, and what its sensors, gates and counters say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from occupancy.model import (
    Cause,
    CountReading,
    DeviceId,
    Direction,
    HealthReading,
    PassageReading,
    ReadingKey,
    StateReading,
)

START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)  # a Monday
HEARTBEAT_S = 600
AREA = "town"


def documents(bays: int = 3) -> list[tuple[str, str, dict[str, Any]]]:
    """One street of sensed bays (the last one a Blue Badge bay), one car park with two gates and a counter."""
    docs: list[tuple[str, str, dict[str, Any]]] = [
        (
            "area",
            AREA,
            {
                "name": {"en": "Town", "cy": "Tref"},
                "time_zone": "Europe/London",
                "languages": ["cy", "en"],
                "clock": "live",
            },
        ),
        (
            "zone",
            "high-st",
            {
                "area_id": AREA,
                "kind": "street",
                "name": {"en": "High Street", "cy": "Stryd Fawr"},
                "lat": 51.5,
                "lon": -3.2,
            },
        ),
        (
            "zone",
            "castle",
            {
                "area_id": AREA,
                "kind": "car_park",
                "name": {"en": "Castle", "cy": "Castell"},
                "lat": 51.5,
                "lon": -3.2,
                "capacity": 5,
            },
        ),
    ]
    for n in range(bays):
        bay_type = "blue_badge" if n == bays - 1 else "standard"
        docs.append(
            (
                "bay",
                f"high-st-{n}",
                {"area_id": AREA, "zone_id": "high-st", "bay_type": bay_type, "lat": 51.5, "lon": -3.2},
            )
        )
        docs.append(
            ("sensor", f"s{n}", {"area_id": AREA, "model": "ir-flush", "expected_heartbeat_s": HEARTBEAT_S})
        )
        docs.append(
            (
                "binding",
                f"s{n}@high-st-{n}@always",
                {"area_id": AREA, "device_id": f"s{n}", "bay_id": f"high-st-{n}"},
            )
        )
    for gate, model in (("g-in", "barrier"), ("g-out", "barrier"), ("g-count", "counter")):
        docs.append(
            (
                "gate",
                gate,
                {"area_id": AREA, "zone_id": "castle", "model": model, "expected_heartbeat_s": HEARTBEAT_S},
            )
        )
    return docs


def state(
    device: str, seq: int, at_s: float, occupied: bool | None, *, boot: int = 1, cause: str = "change"
) -> StateReading:
    at = START + timedelta(seconds=at_s)
    return StateReading(
        device_id=DeviceId(device),
        key=ReadingKey(0, boot, seq),
        at=at,
        age_ms=None,
        received_at=at + timedelta(seconds=1),
        occupied=occupied,
        cause=Cause(cause),
    )


def health(device: str, seq: int, at_s: float) -> HealthReading:
    at = START + timedelta(seconds=at_s)
    return HealthReading(
        device_id=DeviceId(device), key=ReadingKey(0, 1, seq), at=at, age_ms=None, received_at=at
    )


def passage(device: str, seq: int, at_s: float, direction: str) -> PassageReading:
    at = START + timedelta(seconds=at_s)
    return PassageReading(
        device_id=DeviceId(device),
        key=ReadingKey(0, 1, seq),
        at=at,
        age_ms=None,
        received_at=at,
        direction=Direction(direction),
    )


def count(device: str, seq: int, at_s: float, occupied: int) -> CountReading:
    at = START + timedelta(seconds=at_s)
    return CountReading(
        device_id=DeviceId(device),
        key=ReadingKey(0, 1, seq),
        at=at,
        age_ms=None,
        received_at=at,
        occupied=occupied,
    )
