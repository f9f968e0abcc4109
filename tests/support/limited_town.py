"""The town that the state machine lives in: streets whose bays have a limit, gateways, two car parks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.support.small_town import AREA, documents

CAPACITY = {"castle": 5, "dock": 4}
"""Of the car parks."""


def z(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def town_documents(clock: str, heartbeat_s: int) -> dict[tuple[str, str], Any]:
    """A street whose sensors speak through two gateways and whose bays have a limit, and two car parks."""
    more: dict[tuple[str, str], dict[str, Any]] = {
        ("area", AREA): {"overstay_grace_min": 2, "clock": clock},
        ("sensor", "s0"): {"gateway": "gw-a", "expected_heartbeat_s": heartbeat_s},
        ("sensor", "s1"): {"gateway": "gw-a", "expected_heartbeat_s": heartbeat_s},
        ("sensor", "s2"): {"gateway": "gw-b", "expected_heartbeat_s": heartbeat_s},
        **{("bay", f"high-st-{n}"): {"rule_ids": ["limit"]} for n in range(3)},
    }
    docs = {(kind, id): {**doc, **more.get((kind, id), {})} for kind, id, doc in documents()}
    docs["bay", "high-st-spare"] = {**docs["bay", "high-st-0"]}
    docs["zone", "side-st"] = docs["zone", "high-st"]
    docs["zone", "dock"] = {**docs["zone", "castle"], "capacity": CAPACITY["dock"]}
    docs["rule", "limit"] = limit(30)
    return docs


def limit(minutes: int, **more: Any) -> dict[str, Any]:
    return {"area_id": AREA, "use": "limited_waiting", "days": "daily", "max_stay_min": minutes, **more}
