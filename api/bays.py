"""What is said of one bay. Pure: time is an argument (L7)."""

from __future__ import annotations

from datetime import datetime

from api.snapshot import Level
from occupancy.answers import instant
from occupancy.model import Bay, BayState, State
from occupancy.privacy import withheld_because
from occupancy.registry import Registry
from occupancy.rules import Access, access_at, rules_at


def bay_document(
    registry: Registry,
    bay: Bay,
    known: BayState | None,
    level: Level,
    at: datetime | None,
    *,
    personal: bool = False,
) -> dict[str, object]:
    """Return one bay: its state and evidence, and the rules in force at `at` (None: the area has no time
    yet).

    A bay without evidence, or behind a pipeline that is down, is unknown (L4). Without `personal`, nothing is
    said of what the sensor of a Blue Badge or residents' bay sees.
    """
    access = None if at is None else access_at(registry, bay, at)
    why = None if personal else withheld_because(registry, bay)
    return {
        "id": bay.bay_id,
        "bay_type": bay.bay_type.value,
        "lat": bay.lat,
        "lon": bay.lon,
        "withheld": why is not None,
        **(_seen(known, level, access) if why is None else _withheld(why)),
        "stale": level is not Level.FRESH,
        "access": None if access is None else sorted(access.admits),
        "max_stay_min": None if access is None else access.max_stay_min,
        "rules_in_force": [] if at is None else [rule.rule_id for rule in rules_at(registry, bay, at)],
        "rule_ids": list(bay.rule_ids),
    }


def _withheld(why: str) -> dict[str, object]:
    reason = f"withheld: {why}; the zone tells how many of its kind are free"
    return {"state": None, "since": None, "as_of": None, "confidence": None, "reason": reason}


def _seen(known: BayState | None, level: Level, access: Access | None) -> dict[str, object]:
    state, confidence, reason = State.UNKNOWN, 0.0, "no evidence"
    if known is not None:
        state, confidence, reason = known.state, known.confidence, known.reason
    if level is Level.DOWN and state is not State.CLOSED:
        state, confidence, reason = State.UNKNOWN, 0.0, "no news from the sensors' way"
    if access is not None and access.closed:
        state, confidence, reason = State.CLOSED, 1.0, access.closed_by
    evidence = known is not None and state is known.state
    return {
        "state": state.value,
        "since": instant(known.since) if known is not None and evidence else None,
        "as_of": None if known is None else instant(known.as_of),
        "confidence": round(confidence, 4),
        "reason": reason,
    }
