"""What is doubted of a free bay for who came beside it follows from the log alone (L3)."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from occupancy.learnt import holds_from
from occupancy.model import BayState, StateReading
from tests.support.folded import Folded
from tests.support.lessons import lesson
from tests.support.small_town import START, documents, state

BAYS = 9
HOURS = 6


def spoken(seed: int) -> list[StateReading]:
    """A street of which some bays are free for hours while vehicles come and go at the others."""
    chance = random.Random(seed)
    found = []
    for number in range(BAYS):
        at, seq, occupied = chance.randint(0, 600), 0, False
        longest_s = chance.choice([900, 3000, 40_000])
        while at < HOURS * 3600:
            found.append(state(f"s{number}", seq, at, occupied))
            at, seq, occupied = at + chance.randint(60, longest_s), seq + 1, not occupied
    return found


def town_documents() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (kind, id, {**doc, "expected_heartbeat_s": 40_000} if kind == "sensor" else doc)
        for kind, id, doc in documents(BAYS)
    ]


def town() -> Folded:
    folded = Folded(town_documents())
    folded.append(watermark_s=0)
    folded.append(learnt=lesson(holds_from(START), ends_per_h=0.7, short_per_day=50.0))
    return folded


def told(readings: list[StateReading], until_s: int, *, seed: int | None, restarts: bool = False) -> Folded:
    """All that was said up to a time: as it was said, or (by a seed) in any order at chance watermarks."""
    chance = random.Random(seed)
    folded = town()
    said_s = {id(one): (one.received_at - START).total_seconds() for one in readings}
    ready = sorted((one for one in readings if said_s[id(one)] <= until_s), key=lambda one: said_s[id(one)])
    due = [
        (min(until_s, said_s[id(one)] + chance.choice((0, 0, 0, 60, 2000, 9000)) * (seed is not None)), one)
        for one in ready
    ]
    due.sort(key=lambda pair: pair[0])
    at_s = 0
    while at_s < until_s:
        at_s = min(until_s, at_s + (100 if seed is None else chance.choice((40, 300, 4000))))
        batch = [one for due_s, one in due if due_s <= at_s]
        due = [pair for pair in due if pair[0] > at_s]
        if seed is not None:
            chance.shuffle(batch)
        folded.append(batch, watermark_s=at_s)
        if restarts and chance.random() < 0.3:
            folded.lay()
            folded.crash()
    return folded


def bays(folded: Folded) -> dict[str, BayState]:
    found: dict[str, BayState] = folded.rows()["bays"]
    return found


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16), until_s=st.integers(3600, HOURS * 3600))
def test_l3_any_order_of_arrival_gives_the_same_doubts(seed: int, until_s: int) -> None:
    readings = spoken(seed)
    in_order, shuffled = (told(readings, until_s, seed=n).rows() for n in (None, seed))
    assert shuffled["bays"] == in_order["bays"]
    assert shuffled["zones"] == in_order["zones"]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16), until_s=st.integers(3600, HOURS * 3600))
def test_l3_doubts_survive_restarts(seed: int, until_s: int) -> None:
    readings = spoken(seed)
    assert bays(told(readings, until_s, seed=seed, restarts=True)) == bays(told(readings, until_s, seed=seed))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_l3_a_rebuild_gives_the_same_doubts_and_versions(seed: int) -> None:
    folded = told(spoken(seed), HOURS * 3600, seed=seed)
    again = folded.rebuilt(pages_of=20, together=True)
    assert again.rows() == folded.rows()


def answers(*, moved: str, restarts: bool) -> dict[str, BayState]:
    """Eight bays beside one are taken before the watermark gets there; they come into its street early or late."""
    docs = [
        (kind, id, {**doc, "bay_type": "standard", "zone_id": "high-st"} if kind == "bay" else doc)
        for kind, id, doc in town_documents()
    ]
    elsewhere = [
        (kind, id, {**doc, "zone_id": "side-st"})
        for kind, id, doc in docs
        if kind == "bay" and id != "high-st-0"
    ]
    folded = Folded([*docs, ("zone", "side-st", docs[1][2]), *elsewhere])
    moves = [(kind, id, doc) for kind, id, doc in docs if kind == "bay"]
    folded.append(watermark_s=0)
    folded.append(learnt=lesson(holds_from(START), ends_per_h=0.7, short_per_day=50.0))
    if moved == "early":
        folded.append(changes=moves)
    folded.append([state(f"s{n}", 1, 600, False) for n in range(BAYS)], watermark_s=700)
    folded.append(watermark_s=10_790)
    folded.append([state(f"s{n}", 2, 11_800, True) for n in range(1, BAYS)])
    if moved == "late":
        folded.append(changes=moves)
    if restarts:
        folded.lay()
        folded.crash()
    folded.append(watermark_s=10_800)
    folded.append(watermark_s=12_800)
    return bays(folded)


@pytest.mark.parametrize(("moved", "restarts"), [("late", False), ("late", True), ("early", True)])
def test_l3_who_comes_after_the_watermark_is_not_forgotten_by_a_restart_or_a_move(
    moved: str, restarts: bool
) -> None:
    expected = answers(moved="early", restarts=False)
    assert answers(moved=moved, restarts=restarts) == expected
    assert expected["high-st-0"] != answers(moved="never", restarts=False)["high-st-0"]


def test_the_examples_have_bays_that_are_doubted_for_who_came() -> None:
    """Else the laws above would say nothing."""
    found = set()
    for seed in range(6):
        readings = spoken(seed)
        alone = [one for one in readings if one.device_id == "s0"]
        with_others, by_itself = (told(own, HOURS * 3600, seed=None) for own in (readings, alone))
        found.add(bays(with_others)["high-st-0"].confidence != bays(by_itself)["high-st-0"].confidence)
    assert True in found


def test_a_bay_beside_which_many_came_is_doubted_before_one_in_a_quiet_street() -> None:
    def doubted_after(comings: int) -> timedelta:
        folded = town()
        said = [state("s0", 0, 600, False), *(state(f"s{n}", 0, 600, False) for n in range(1, 8))]
        for n in range(comings):
            at, sensor = 900 + n * 5 * 3600 // max(1, comings), n % 7 + 1
            said += [
                state(f"s{sensor}", 2 * n + 1, at, True),
                state(f"s{sensor}", 2 * n + 2, at + 500, False),
            ]
        said.sort(key=lambda one: one.received_at)
        for at_s in range(700, 18 * 3600, 300):
            ready = [one for one in said if one.received_at <= START + timedelta(seconds=at_s)]
            said = said[len(ready) :]
            folded.append(ready, watermark_s=at_s)
            if bays(folded)["high-st-0"].state == "unknown":
                return timedelta(seconds=at_s)
        pytest.fail("never doubted")

    assert doubted_after(60) < doubted_after(5)
