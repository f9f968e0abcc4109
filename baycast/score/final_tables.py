"""The final tables of both engines beside the truth: stays, repaired merges, overstays."""

from __future__ import annotations

from datetime import datetime

from baycast.score.ground import Ground
from baycast.score.memory_engine import MemoryEngine
from baycast.score.naive import NaiveEngine
from baycast.score.overstays import NOTHING_SAID, Claim, Limits, OverstayMatch, Vehicle, over_at
from baycast.score.stay_match import Span, StayMatch
from occupancy.model import EPOCH, Quality, Stay
from occupancy.registry import Registry
from simulator.field_run import FieldRun

_SETTLED_MS = 60_000
"""Stays that began before every sensor had spoken are not judged."""

Figures = dict[str, float | None]


def judge_tables(
    run: FieldRun, ground: Ground, engine: MemoryEngine, naive: NaiveEngine, registry: Registry
) -> tuple[Figures, Figures]:
    """(the engine's figures, the naive engine's)."""
    history = run.history
    limits = Limits(registry, history.start_ms, history.end_ms)
    vehicles: dict[int, list[Vehicle]] = {}
    for stay in sorted(history.stays, key=lambda stay: stay.arrived_ms):
        if stay.arrived_ms > history.start_ms + _SETTLED_MS:
            departed_ms = history.end_ms + 1 if stay.departed_ms is None else stay.departed_ms
            vehicles.setdefault(stay.bay, []).append(Vehicle(stay.arrived_ms, departed_ms, stay.driver))
    final = engine.final_stays()
    claims = _claims(engine)
    ours, theirs = StayMatch(), StayMatch()
    our_overstays, their_overstays = OverstayMatch(), OverstayMatch()
    for sensor in run.sensors:
        bay = ground.bays[sensor.bay]
        own = vehicles.get(sensor.bay, [])
        true = [(v.arrived_ms, v.departed_ms) for v in own if v.departed_ms <= history.end_ms]
        in_force = limits.of(bay)
        ours.bay(true, _completed(final.get(bay.bay_id, [])), sensor.repairable)
        our_overstays.bay(in_force, own, claims.get(bay.bay_id, []))
        spans = [(_ms(start), _ms(end)) for start, end in naive.stays.get(bay.bay_id, ())]
        theirs.bay(true, spans, sensor.repairable)
        over = [(span[0], found[0]) for span in spans if (found := over_at(in_force, *span))]
        their_overstays.bay(in_force, own, [Claim(start, at, False) for start, at in over])
    said = engine.view.overstays is not None
    return (
        {**ours.figures(), **(our_overstays.figures() if said else NOTHING_SAID)},
        {**theirs.figures(), **their_overstays.figures()},
    )


def _completed(stays: list[Stay]) -> list[Span]:
    """Those of which the engine claims to know both edges."""
    return [
        (_ms(stay.arrived_at), _ms(stay.departed_at))
        for stay in stays
        if stay.departed_at is not None and Quality.CENSORED not in (stay.arrival, stay.departure)
    ]


def _claims(engine: MemoryEngine) -> dict[str, list[Claim]]:
    found: dict[str, list[Claim]] = {}
    for row in (engine.view.overstays or {}).values():
        possible = bool(getattr(row, "exemption_possible", False))
        found.setdefault(row.bay_id, []).append(Claim(_ms(row.arrived_at), _ms(row.confirmed_at), possible))
    return found


def _ms(at: datetime) -> int:
    return int((at - EPOCH).total_seconds() * 1000)
