"""The final tables of both engines beside the truth: stays, repaired merges, overstays."""

from __future__ import annotations

from baycast.score.bay_tally import ANSWERS, UNKNOWN
from baycast.score.decoding import to_ms
from baycast.score.ground import Ground
from baycast.score.history_tally import HistoryTally, Stretch, between
from baycast.score.memory_engine import MemoryEngine
from baycast.score.naive import NaiveEngine
from baycast.score.overstays import Claim, Limits, OverstayMatch, Vehicle, over_at
from baycast.score.stay_match import Span, StayMatch
from occupancy.model import BayInterval, DeviceId, Quality, Stay
from occupancy.registry import Registry
from simulator.field_run import FieldRun

_SETTLED_MS = 120_000
"""Stays that began before every sensor had spoken are not judged: neither true ones nor claimed ones."""

Figures = dict[str, float | None]


def judge_tables(
    run: FieldRun, ground: Ground, engine: MemoryEngine, naive: NaiveEngine, registry: Registry
) -> tuple[Figures, Figures]:
    """(the engine's figures, the naive engine's)."""
    history = run.history
    limits = Limits(registry, history.start_ms, history.end_ms)
    settled_ms = history.start_ms + _SETTLED_MS
    vehicles: dict[int, list[Vehicle]] = {}
    all_stays: dict[int, list[Span]] = {}
    for stay in sorted(history.stays, key=lambda stay: stay.arrived_ms):
        departed_ms = history.end_ms + 1 if stay.departed_ms is None else stay.departed_ms
        all_stays.setdefault(stay.bay, []).append((stay.arrived_ms, departed_ms))
        if stay.arrived_ms > settled_ms:
            vehicles.setdefault(stay.bay, []).append(Vehicle(stay.arrived_ms, departed_ms, stay.driver))
    final = engine.final_stays()
    claims, rows = _claims(engine), _rows(engine)
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
        stays = final.get(bay.bay_id, [])
        ours.bay(true, _completed(stays, settled_ms))
        all_true = all_stays.get(sensor.bay, [])
        ours.merges(sensor.repairable, all_true, _spans(stays, history.end_ms))
        our_overstays.bay(in_force, own, claims.get(bay.bay_id, []), sensor.misled)
        our_overstays.rows(in_force, rows.get(bay.bay_id, []))
        spans = naive.spans(bay.bay_id, history.end_ms)
        theirs.bay(true, [one for one in naive.spans(bay.bay_id) if one[0] > settled_ms])
        theirs.merges(sensor.repairable, all_true, spans)
        their_history.bay(*true_states, between(spans, *span))
        judged = [one for one in spans if one[0] > settled_ms]
        over = [(start, found[0]) for start, end in judged if (found := over_at(in_force, start, end))]
        their_overstays.bay(in_force, own, [Claim(start, at, False) for start, at in over])
    return (
        {
            **our_history.figures(),
            **ours.figures(),
            **our_overstays.figures(),
            **{f"overstay_wrong_share.{why}": share for why, share in our_overstays.causes().items()},
        },
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


def _spans(stays: list[Stay], end_ms: int) -> list[Span]:
    """All of them, also those of which an edge is not known or that last."""
    return [
        (to_ms(stay.arrived_at), end_ms if stay.departed_at is None else to_ms(stay.departed_at))
        for stay in stays
    ]


def _completed(stays: list[Stay], settled_ms: int) -> list[Span]:
    """Those of which the engine claims to know both edges."""
    known = [
        stay
        for stay in stays
        if stay.departed_at is not None and Quality.CENSORED not in (stay.arrival, stay.departure)
    ]
    return [span for span in _spans(known, 0) if span[0] > settled_ms]


def _claims(engine: MemoryEngine) -> dict[str, list[Claim]]:
    """What was published, as it was when it first was: whoever acted on it could not know of later repairs."""
    found: dict[str, list[Claim]] = {}
    for row in engine.view.published.values():
        assert row.confirmed_at is not None  # noqa: S101 - published is more than confirmed
        claim = Claim(to_ms(row.arrived_at), to_ms(row.confirmed_at), row.exemption_possible)
        found.setdefault(row.bay_id, []).append(claim)
    return found


def _rows(engine: MemoryEngine) -> dict[str, list[int]]:
    """By bay, when the limit ran out, of every overstay that there ever was a row of."""
    found: dict[str, list[int]] = {}
    for row in engine.view.overstays.values():
        found.setdefault(row.bay_id, []).append(to_ms(row.over_from))
    return found
