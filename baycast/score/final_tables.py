"""The final tables of both engines beside the truth: stays, repaired merges, overstays."""

from __future__ import annotations

from baycast.score.bay_tally import ANSWERS, UNKNOWN
from baycast.score.decoding import to_ms
from baycast.score.ground import Ground
from baycast.score.history_tally import HistoryTally, Stretch, between
from baycast.score.memory_engine import MemoryEngine
from baycast.score.naive import NaiveEngine
from baycast.score.overstays import NOTHING_SAID, Claim, Limits, OverstayMatch, Vehicle, over_at
from baycast.score.stay_match import Span, StayMatch
from occupancy.model import BayInterval, DeviceId, Quality, Stay
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
    span = (history.start_ms, history.end_ms)
    our_history, their_history = HistoryTally(*span), HistoryTally(*span)
    changes = history.changes_by_bay()
    for sensor in run.sensors:
        bay = ground.bays[sensor.bay]
        own = vehicles.get(sensor.bay, [])
        true = [(v.arrived_ms, v.departed_ms) for v in own if v.departed_ms <= history.end_ms]
        in_force = limits.of(bay)
        true_states = (history.occupied_at_start[sensor.bay], changes[sensor.bay])
        intervals = engine.intervals.get((bay.bay_id, DeviceId(sensor.device_id)), [])
        our_history.bay(*true_states, _stretches(intervals, history.end_ms))
        ours.bay(true, _completed(final.get(bay.bay_id, [])), sensor.repairable)
        our_overstays.bay(in_force, own, claims.get(bay.bay_id, []))
        spans = naive.spans(bay.bay_id)
        theirs.bay(true, spans, sensor.repairable)
        their_history.bay(*true_states, between(naive.spans(bay.bay_id, history.end_ms), *span))
        over = [(stay[0], found[0]) for stay in spans if (found := over_at(in_force, *stay))]
        their_overstays.bay(in_force, own, [Claim(start, at, False) for start, at in over])
    said = engine.view.overstays is not None
    return (
        {**our_history.figures(), **ours.figures(), **(our_overstays.figures() if said else NOTHING_SAID)},
        {**their_history.figures(), **theirs.figures(), **their_overstays.figures()},
    )


def _stretches(intervals: list[BayInterval], end_ms: int) -> list[Stretch]:
    return [
        Stretch(
            to_ms(one.started_at),
            end_ms if one.ended_at is None else to_ms(one.ended_at),
            ANSWERS.get(one.state, UNKNOWN),
        )
        for one in intervals
    ]


def _completed(stays: list[Stay]) -> list[Span]:
    """Those of which the engine claims to know both edges."""
    return [
        (to_ms(stay.arrived_at), to_ms(stay.departed_at))
        for stay in stays
        if stay.departed_at is not None and Quality.CENSORED not in (stay.arrival, stay.departure)
    ]


def _claims(engine: MemoryEngine) -> dict[str, list[Claim]]:
    found: dict[str, list[Claim]] = {}
    for row in (engine.view.overstays or {}).values():
        possible = bool(getattr(row, "exemption_possible", False))
        found.setdefault(row.bay_id, []).append(
            Claim(to_ms(row.arrived_at), to_ms(row.confirmed_at), possible)
        )
    return found
