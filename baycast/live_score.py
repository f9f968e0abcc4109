"""Compares what the API says of a simulated city with what the simulator knows: truth against answer, bay by bay."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from baycast.settings import UsageError

SETTLING_S = 15.0
"""A bay that changed less than this before the truth was written is left out: its sensor needs 1 to 3 s to be sure of
a vehicle, and the truth is written every 5 s."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Sensed bays by how the answer stands to the truth; `unsettled` ones changed a moment ago and are not judged."""

    agree: int
    false_free: int
    false_occupied: int
    unknown: int
    unsettled: int
    zones: int
    zones_adding_up: int
    car_park_error: float
    """Mean absolute error of the occupied count, in vehicles per open car park."""

    def figures(self) -> dict[str, float]:
        judged = self.agree + self.false_free + self.false_occupied + self.unknown
        return {
            "bays": judged,
            "agree_share": self.agree / judged if judged else 0.0,
            "false_free_share": self.false_free / judged if judged else 0.0,
            "false_occupied_share": self.false_occupied / judged if judged else 0.0,
            "unknown_share": self.unknown / judged if judged else 0.0,
            "unsettled": self.unsettled,
            "zones": self.zones,
            "zones_adding_up": self.zones_adding_up,
            "car_park_error": self.car_park_error,
        }


def compare(
    truth: Mapping[str, Any], snapshot: Mapping[str, Any], bays: Mapping[str, Mapping[str, Any]]
) -> Comparison:
    """`bays` are the API's sensed bays by id, closed ones included as the sensor sees them when `sensed` says so."""
    at = datetime.fromisoformat(truth["at"])
    occupied = set(truth["occupied"])
    changed = {bay: datetime.fromisoformat(when) for bay, when in truth["changed_at"].items()}
    tally = dict.fromkeys(("agree", "false_free", "false_occupied", "unknown", "unsettled"), 0)
    for bay_id, bay in bays.items():
        tally[_judge(bay_id, bay, occupied, changed, at)] += 1
    errors = [
        abs(zone["occupied"] - truth["car_parks"][zone["id"]])
        for zone in snapshot["zones"]
        if zone["id"] in truth["car_parks"] and not zone["closed"]
    ]
    return Comparison(
        **tally,
        zones=len(snapshot["zones"]),
        zones_adding_up=sum(map(_adds_up, snapshot["zones"])),
        car_park_error=sum(errors) / len(errors) if errors else 0.0,
    )


def score_live(base_url: str, truth_file: Path, area: str) -> Comparison:
    """Fetch every answer and compare. Raises `UsageError` when the API or the truth is not there."""
    try:
        truth = json.loads(truth_file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"no truth at {truth_file}: start `baycast demo` with the same data folder first"
        ) from None
    snapshot = _get(f"{base_url}/v1/availability?area={quote(area)}")
    sensed: dict[str, Mapping[str, Any]] = {}
    for zone in snapshot["zones"]:
        if zone["kind"] == "street":
            answer = _get(f"{base_url}/v1/zones/{quote(zone['id'])}/bays")
            # Of Blue Badge and residents' bays nothing is told without a key.
            sensed.update({bay["id"]: bay for bay in answer["bays"] if bay["state"] not in (None, "closed")})
    return compare(truth, snapshot, sensed)


def _judge(
    bay_id: str, bay: Mapping[str, Any], occupied: set[str], changed: Mapping[str, datetime], at: datetime
) -> str:
    if bay_id in changed and (at - changed[bay_id]).total_seconds() < SETTLING_S:
        return "unsettled"
    # The answers are fetched after the truth was written: a bay whose state is newer than that is not judged by it.
    if bay["since"] is not None and datetime.fromisoformat(bay["since"]) > at:
        return "unsettled"
    if bay["state"] == "unknown":
        return "unknown"
    if (bay["state"] == "occupied") == (bay_id in occupied):
        return "agree"
    return "false_free" if bay["state"] == "free" else "false_occupied"


def _adds_up(zone: Mapping[str, Any]) -> bool:
    parts = [zone[name] for name in ("free", "occupied", "unknown", "closed")]
    bounds = zone["free_min"] <= zone["free"] <= zone["free_max"] <= zone["capacity"]
    return bool(min(parts) >= 0 and sum(parts) == zone["capacity"] and bounds)


def _get(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - http to our own API
            return json.load(response)
    except urllib.error.URLError as error:
        raise UsageError(f"{url} does not answer ({error}); start `baycast demo` first") from error
