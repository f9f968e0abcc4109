"""Suspicions follow from the log alone: any order of arrival, any watermarks on the way, any restart (L3)."""

from __future__ import annotations

import random
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from occupancy.learnt import holds_from
from occupancy.model import StateReading, SuspicionKind
from tests.support.folded import START, Folded, documents, state
from tests.support.lessons import drifting, lesson

SENSORS = ("s0", "s1", "s2")
DAYS = 3
END_S = DAYS * 86_400
LATEST_S = 2 * 86_400


@st.composite
def spoken(draw: st.DrawFn) -> list[StateReading]:
    """Edges and repeats of some days; flaps in between."""
    found = []
    for sensor in SENSORS:
        at, seq, occupied = draw(st.integers(0, 3000)), 0, draw(st.booleans())
        while at < END_S - 3600 and seq < 40:
            seq += 1
            turns = draw(st.sampled_from([True, True, True, False]))
            occupied = occupied is not turns
            found.append(state(sensor, seq, at, occupied, cause="change" if turns else "heartbeat"))
            at += draw(st.sampled_from([150, 300, 500, 900, 4000, 16_000, 70_000, 300, 300]))
    return found


def told(
    readings: list[StateReading], *, seed: int | None, restarts: bool = False, silent_after_s: int = 40_000
) -> Folded:
    """`seed` None: each as it is said. Else up to two days late, with chance watermarks; entries at the same ones."""
    docs = [
        (kind, id, {**doc, "expected_heartbeat_s": silent_after_s} if kind == "sensor" else doc)
        for kind, id, doc in documents()
    ]
    chance = random.Random(seed)
    town = Folded(docs)
    town.append(watermark_s=0)
    delays = (0, 0, 0, 900, 50_000, LATEST_S)
    said_s = [(reading.received_at - START).total_seconds() for reading in readings]
    due = sorted((at + (0 if seed is None else chance.choice(delays)), n) for n, at in enumerate(said_s))
    lessons = {day * 86_400 + 3600: (drifting("high-st-1", "s1"),) if day == 1 else () for day in range(DAYS)}
    moments = {at for at, _ in due if at < END_S and (seed is None or chance.random() < 0.5)} | set(lessons)
    moments |= set() if seed is None else {chance.randint(0, END_S) for _ in range(15)}
    for moment in [*sorted(moments), END_S + LATEST_S]:
        ready = [n for at, n in due if at <= moment]
        due = [(at, n) for at, n in due if at > moment]
        if seed is not None:
            chance.shuffle(ready)
        town.append([readings[n] for n in ready], watermark_s=moment)
        if moment in lessons:
            begins = holds_from(START + timedelta(seconds=moment))
            rate = 0.8 if moment < 100_000 else 1.5
            town.append(learnt=lesson(begins, taken_ends_per_h=rate, unreliable=lessons[moment]))
        if restarts and chance.random() < 0.3:
            town.restart()
    return town


@settings(max_examples=25, deadline=None)
@given(readings=spoken(), seed=st.integers(0, 2**16))
def test_l3_suspicions_are_the_same_in_any_order_of_arrival(readings: list[StateReading], seed: int) -> None:
    assert told(readings, seed=seed).rows()["suspicions"] == told(readings, seed=None).rows()["suspicions"]


@settings(max_examples=15, deadline=None)
@given(readings=spoken(), seed=st.integers(0, 2**16))
def test_l3_suspicions_survive_restarts(readings: list[StateReading], seed: int) -> None:
    assert told(readings, seed=seed, restarts=True).rows() == told(readings, seed=seed).rows()


def test_the_examples_are_of_every_kind() -> None:
    said = [state("s0", 1, 4000, True), state("s1", 1, 60, False)]
    said += [state("s2", n, 5000 + n * 300, n % 2 == 0) for n in range(1, 40)]
    kinds = {row.kind for row in told(said, seed=None).suspicions.values()}
    assert kinds == {SuspicionKind.IMPLAUSIBLE, SuspicionKind.CHATTER, SuspicionKind.DRIFT}
