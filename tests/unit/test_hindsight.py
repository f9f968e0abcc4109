"""What is entered late for past time: suspicions, and the overstays that they hold back, are judged again by it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from occupancy.model import OverstayState, SuspicionKind
from tests.support.changed import limit, works
from tests.support.folded import Folded
from tests.support.lessons import drifting, lesson
from tests.support.limited_town import z
from tests.support.small_town import AREA, START, documents, state
from tests.unit.test_suspects import H, daily, flapping, live, steady


def suspected(town: Folded) -> dict[str, SuspicionKind]:
    return {row.bay_id: row.kind for row in town.suspicions.values() if row.ended_at is None}


def closure(starts_h: float, ends_h: float | None = None, **where: Any) -> dict[str, Any]:
    doc = {
        "area_id": AREA,
        "kind": "closure",
        "reason": "r",
        "starts_at": z(START + timedelta(hours=starts_h)),
    }
    ends = {} if ends_h is None else {"ends_at": z(START + timedelta(hours=ends_h))}
    return {**doc, **ends, **where}


STREET = {"zone_ids": ["high-st"]}


def document(kind: str, id: str, **more: Any) -> tuple[str, str, Any]:
    docs = {(kind, id): doc for kind, id, doc in documents()}
    return kind, id, {**docs[kind, id], **more}


@pytest.mark.parametrize("late_word", [False, True])
def test_l3_a_closure_that_is_entered_late_is_not_held_against_a_sensor(late_word: bool) -> None:
    """Whether a late word of the sensor opens that time, too, or not."""
    town = steady()
    live(town, 14 * H, [state("s0", 1, 60, True), state("s0", 3, 13 * H, True, cause="heartbeat")])
    assert suspected(town) == {"high-st-0": SuspicionKind.IMPLAUSIBLE}
    town.append(changes=[("override", "o1", closure(0, 12, **STREET))])
    if late_word:
        town.append([state("s0", 2, 12 * H, True, cause="heartbeat")])
    assert town.suspicions == {}
    assert not town.bays["high-st-0"].suspect, "it is believed again at once"
    town.append(changes=[("override", "o1", None)])
    assert suspected(town) == {"high-st-0": SuspicionKind.IMPLAUSIBLE}
    assert town.bays["high-st-0"].suspect


def test_l3_an_ended_state_is_judged_again_too_by_a_closure_that_is_entered_late() -> None:
    town = steady()
    live(town, 20 * H, [state("s0", 1, 60, True), state("s0", 2, 16 * H, False)])
    assert len(town.suspicions) == 1
    town.append(changes=[("override", "o1", closure(-1, 15, bay_ids=["high-st-0"]))])
    assert town.suspicions == {}


def test_l3_a_rule_that_closes_counts_from_when_it_was_in_force() -> None:
    docs = [
        (kind, id, {**doc, "rule_ids": ["works"]} if kind == "bay" else doc) for kind, id, doc in documents()
    ]
    town = steady([*docs, ("rule", "works", limit(60))])
    live(town, 14 * H, [state("s0", 1, 60, True)])
    assert len(town.suspicions) == 1
    town.append(changes=[("rule", "works", works())])
    assert town.suspicions == {}
    town.append(changes=[("rule", "works", works(valid_to=z(START)))])
    assert len(town.suspicions) == 1


@pytest.mark.parametrize("late_word", [False, True])
def test_l3_a_bay_of_another_type_is_held_against_the_spells_of_that_type(late_word: bool) -> None:
    """Nothing is known of how often short spells are usual there."""
    town = steady()
    live(town, 8 * H, flapping("s0", 700, 12))
    assert suspected(town) == {"high-st-0": SuspicionKind.CHATTER}
    town.append(changes=[document("bay", "high-st-0", bay_type="coach")])
    if late_word:
        town.append([state("s0", 0, 680, False, cause="heartbeat")])
    assert town.suspicions == {}
    assert not town.bays["high-st-0"].suspect
    town.append(changes=[document("bay", "high-st-0")])
    assert suspected(town) == {"high-st-0": SuspicionKind.CHATTER}
    assert town.bays["high-st-0"].suspect


@pytest.mark.parametrize("late_word", [False, True])
def test_l3_a_bay_that_leaves_and_comes_again_is_judged_as_if_it_had_stayed(late_word: bool) -> None:
    town = steady()
    live(town, 14 * H, [state("s0", 1, 60, True)])
    [was] = town.suspicions.values()
    town.append(changes=[("bay", "high-st-0", None)])
    assert town.suspicions == {}
    if late_word:
        town.append([state("s0", 0, 30, False)])
    town.append(changes=[document("bay", "high-st-0")])
    assert list(town.suspicions.values()) == [was]
    assert town.rebuilt(pages_of=40, together=True).rows() == town.rows()


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("comes_again_after_days", [0, 5])
def test_l3_what_is_settled_stands_when_the_bay_has_left(restarts: bool, comes_again_after_days: int) -> None:
    town = steady()

    def repeats(first: int, last: int) -> None:
        for n in range(first, last):
            at = 60 + n * 12 * H
            town.append([state("s0", 2 * n, at, True, cause="heartbeat")], watermark_s=at)

    repeats(0, 20)
    [was] = town.suspicions.values()
    town.append(changes=[("bay", "high-st-0", None)])
    [left] = town.suspicions.values()
    assert left.began_at == was.began_at
    assert left.ended_at is not None
    assert not any(town.fold.suspects.counts().values())
    again_from = 20 + 2 * comes_again_after_days
    repeats(20, again_from)
    town.append([state("s0", 37, 18.5 * 12 * H, True, cause="heartbeat")])
    if restarts:
        town.crash()
    assert list(town.suspicions.values()) == [left]
    town.append(changes=[document("bay", "high-st-0")])
    repeats(again_from, again_from + 3)
    if comes_again_after_days == 0:
        assert list(town.suspicions.values()) == [was]
    else:
        assert left in town.suspicions.values(), "what is older than what is remembered stands"
    assert town.rebuilt(pages_of=40, together=True).rows() == town.rows()


def test_l3_a_bay_that_moves_under_the_closure_of_another_street_has_its_stays_judged_again() -> None:
    docs = [
        (kind, id, {**doc, "rule_ids": ["limit"]} if kind == "bay" else doc) for kind, id, doc in documents()
    ]
    side_st = document("zone", "high-st")[2]
    town = Folded(daily([*docs, ("zone", "side-st", side_st), ("rule", "limit", limit(30))]))
    town.append(changes=[("override", "o1", closure(-1, zone_ids=["side-st"]))], watermark_s=0)
    town.append([state("s0", 1, 60, False), state("s0", 2, 120, True)], watermark_s=200)
    town.append([state("s0", 3, 2 * H, False)], watermark_s=3 * H)
    assert len(town.rows()["overstays"]) == 1
    town.append(changes=[document("bay", "high-st-0", rule_ids=["limit"], zone_id="side-st")])
    assert town.rows()["overstays"] == []


def limited() -> list[Any]:
    docs: list[Any] = [
        (kind, id, {**doc, "rule_ids": ["limit"]} if id == "high-st-1" else doc)
        for kind, id, doc in documents()
    ]
    return [*docs, ("rule", "limit", limit(60))]


def test_l3_a_stay_of_weeks_is_judged_by_suspicions_that_ended_long_ago() -> None:
    """Whether its sensor says another word, a late one has its rows written anew, or it is all folded again."""
    town = steady(limited())
    begins = START + timedelta(minutes=20)
    town.append(learnt=lesson(begins, ends_per_h=0.01, unreliable=(drifting("high-st-1", "s1"),)))
    live(town, 5 * H, [state("s1", 1, 60, False), state("s1", 2, H, True)])
    town.append(learnt=lesson(START + timedelta(hours=6), ends_per_h=0.01))
    for day in range(1, 21):
        closed = {"override": closure(0, bay_ids=["high-st-1"])} if day == 1 else {}
        town.append(changes=[("override", "o1", doc) for doc in closed.values()])
        word = state("s1", 3 + day, day * 24 * H, True, cause="heartbeat")
        town.append([word], watermark_s=day * 24 * H)
        if day == 2:
            town.append(changes=[("override", "o1", None)])
    [overstay] = town.rows()["overstays"]
    assert overstay.state is OverstayState.CONFIRMED
    assert overstay.evidence.endswith("but the sensor is suspect")
    for pages_of in (1, 5, 400):
        assert town.rebuilt(pages_of=pages_of, together=pages_of > 1).rows() == town.rows()


def test_l3_a_stay_that_ended_before_the_watermark_came_there_is_held_back_by_an_entry_of_that_time() -> None:
    town = steady(limited())
    live(town, 4.9 * H, [state("s1", 1, 60, False), state("s1", 2, H, True)])
    town.append(
        learnt=lesson(START + timedelta(hours=5), ends_per_h=0.01, unreliable=(drifting("high-st-1", "s1"),))
    )
    town.append([state("s1", 3, 5 * H + 60, False)])
    assert [o.state for o in town.rows()["overstays"]] == [OverstayState.PUBLISHED]
    live(town, 6 * H)
    assert [o.state for o in town.rows()["overstays"]] == [OverstayState.CONFIRMED]
    assert town.rebuilt(pages_of=400).rows() == town.rows()


@pytest.mark.parametrize("restarts", [False, True])
def test_l3_a_sensor_that_comes_again_was_heard_before_it_left(restarts: bool) -> None:
    """An outage counts it, also where another process has taken up meanwhile."""
    with patch("occupancy.outages.BROKEN", 3):
        town = Folded()
        town.append([state(f"s{n}", 1, 60, False) for n in range(3)], watermark_s=600)
        town.append(changes=[("sensor", "s0", None)])
        if restarts:
            town.crash()
        town.append(changes=[document("sensor", "s0")])
        town.append(watermark_s=3000)
        assert {row.sensors for row in town.outages.values()} == {3}
