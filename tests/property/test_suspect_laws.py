"""Suspicions follow from the log alone: any order of arrival, any watermarks on the way, any restart (L3)."""

from __future__ import annotations

import random
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from occupancy.learnt import holds_from
from occupancy.model import StateReading, SuspicionKind
from tests.support.examples import of_profile
from tests.support.folded import Folded
from tests.support.lessons import drifting, lesson
from tests.support.small_town import START, documents, state

SENSORS = ("s0", "s1", "s2")
DAYS = 3
END_S = DAYS * 86_400
LATEST_S = 2 * 86_400
OVER_S = END_S + 2 * LATEST_S


def spoken(seed: int) -> list[StateReading]:
    """Edges and repeats of some days, and bursts of short spells."""
    chance = random.Random(seed)
    found = []
    for sensor in SENSORS:
        at, seq, occupied = chance.randint(0, 3000), 0, chance.random() < 0.5
        while at < END_S - 3600 and seq < 60:
            turns = chance.random() < 0.75
            occupied, seq = occupied is not turns, seq + 1
            found.append(state(sensor, seq, at, occupied, cause="change" if turns else "heartbeat"))
            at += chance.choice([300, 900, 4000, 16_000, 70_000])
            for _ in range(chance.choice([0, 0, 2, 9])):
                occupied, seq = not occupied, seq + 1
                found.append(state(sensor, seq, at, occupied))
                at += 300
    return found


def told(
    readings: list[StateReading], *, seed: int | None, restarts: bool = False, late: bool = True
) -> Folded:
    """`seed` None: each as it is said. Else up to two days late, with chance watermarks; entries at the same ones."""
    docs = [
        (kind, id, {**doc, "expected_heartbeat_s": 40_000} if kind == "sensor" else doc)
        for kind, id, doc in documents()
    ]
    chance = random.Random(seed)
    town = Folded(docs)
    town.append(watermark_s=0)
    delays = (0, 0, 0, 900, 50_000, LATEST_S) if late else (0,)
    said_s = [(reading.received_at - START).total_seconds() for reading in readings]
    due = sorted((at + (0 if seed is None else chance.choice(delays)), n) for n, at in enumerate(said_s))
    lessons = {day * 86_400 + 3600: (drifting("high-st-1", "s1"),) if day == 1 else () for day in range(DAYS)}
    moments = {at for at, _ in due if at < END_S and (seed is None or chance.random() < 0.5)} | set(lessons)
    moments |= set() if seed is None else {chance.randint(0, END_S) for _ in range(15)}
    for moment in [*sorted(moments), OVER_S]:
        ready = [n for at, n in due if at <= moment]
        due = [(at, n) for at, n in due if at > moment]
        if seed is not None:
            chance.shuffle(ready)
        town.append([readings[n] for n in ready], watermark_s=moment)
        if moment in lessons:
            begins = holds_from(START + timedelta(seconds=moment))
            rate = 1.5 if moment < 100_000 else 3.0
            town.append(learnt=lesson(begins, ends_per_h=rate, short_per_day=0.1, unreliable=lessons[moment]))
        if restarts and chance.random() < 0.3:
            town.lay()
            town.crash()
    return town


@settings(max_examples=of_profile(20), deadline=None)
@given(seed=st.integers(0, 2**16))
def test_l3_suspicions_are_the_same_in_any_order_of_arrival(seed: int) -> None:
    readings = spoken(seed)
    assert told(readings, seed=seed).rows()["suspicions"] == told(readings, seed=None).rows()["suspicions"]


@settings(max_examples=of_profile(15), deadline=None)
@given(seed=st.integers(0, 2**16))
def test_l3_suspicions_survive_restarts(seed: int) -> None:
    """In order: a late reading folds all anew, and heals what a restart forgets."""
    readings = spoken(seed)
    restarted = told(readings, seed=seed, restarts=True, late=False)
    assert restarted.rows() == told(readings, seed=seed, late=False).rows()


@settings(max_examples=of_profile(10), deadline=None)
@given(seed=st.integers(0, 2**16))
def test_l3_a_rebuild_gives_the_same_rows(seed: int) -> None:
    """Also where it folds many positions at once."""
    town = told(spoken(seed), seed=seed)
    assert town.rebuilt(pages_of=20, together=True).rows() == town.rows()


def test_the_examples_are_of_every_kind() -> None:
    said = [state("s0", 1, 4000, True), state("s1", 1, 60, False), state("s0", 2, 90_000, False)]
    said += [state("s2", n, 5000 + n * 300, n % 2 == 0) for n in range(1, 40)]
    kinds = {row.kind for row in told(said, seed=None).suspicions.values()}
    assert kinds == {SuspicionKind.IMPLAUSIBLE, SuspicionKind.CHATTER, SuspicionKind.DRIFT}
