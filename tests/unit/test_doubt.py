"""A live answer held against the spells of its like: less sure, then no claim, and a guess of what it may be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from occupancy.confidence import DOUBTED, learnt_confidence, level
from occupancy.model import BayState, State
from occupancy.plausibility import Plausibility
from tests.support.folded import Folded
from tests.support.lessons import learn
from tests.support.small_town import START, documents, state
from tests.unit.test_spells import HOUR, bay, spells_of

DAY = (START.replace(hour=0), START.replace(hour=0) + timedelta(days=1))
HOUR_S = 3600


def patient_sensors() -> list[tuple[str, str, dict[str, Any]]]:
    """Sensors that owe a word once a day only."""
    return [
        (kind, id, {**doc, "expected_heartbeat_s": 24 * HOUR_S} if kind == "sensor" else doc)
        for kind, id, doc in documents()
    ]


def busy_street(heartbeats: bool = False) -> Folded:
    """Bays whose spells have lasted 45 minutes, as was learnt the day before."""
    folded = Folded(documents() if heartbeats else patient_sensors())
    bays = [bay(number) for number in range(60)]
    spells = [spell for one in bays for spell in spells_of(timedelta(minutes=45), own=one, day=DAY)]
    learnt = learn(None, spells, {one.bay_id: one for one in bays}, DAY, "Europe/London")
    folded.append(watermark_s=0)
    folded.fold.sensed.learn(Plausibility(learnt, "Europe/London"), START)
    return folded


def shown(folded: Folded) -> BayState:
    found = folded.fold.sensed.states["high-st-0"]  # type: ignore[index]
    assert found == folded.bays["high-st-0"]
    return found


@pytest.mark.parametrize("occupied", [True, False])
def test_a_spell_that_lasts_too_long_is_less_sure_then_not_claimed_until_another_begins(
    occupied: bool,
) -> None:
    folded = busy_street()
    said = State.OCCUPIED if occupied else State.FREE
    folded.append([state("s0", 1, 60, occupied)], watermark_s=70)
    sure = [shown(folded).confidence]
    after = 0
    while shown(folded).state is said:
        after += 900
        folded.append(watermark_s=60 + after)
        sure.append(shown(folded).confidence)
    assert sure == sorted(sure, reverse=True)
    assert sure[0] > 0.98
    assert 900 < after < 12 * HOUR_S
    doubted = shown(folded)
    assert (doubted.state, doubted.confidence, doubted.last_said) == (State.UNKNOWN, 0.0, said)
    assert "few spells here last so long" in doubted.reason
    assert doubted.free_chance is not None
    [group] = [group for group in folded.fold.zones["high-st"].groups if group.guessed]  # type: ignore[index]
    assert (group.guessed, group.guessed_free) == (1, round(doubted.free_chance, 2))
    folded.append([state("s0", 2, 60 + after, occupied, cause="heartbeat")], watermark_s=61 + after)
    again = shown(folded)
    assert again.state is said or again.free_chance != doubted.free_chance, "it is likelier again"
    folded.append([state("s0", 3, 70 + after, not occupied)], watermark_s=71 + after)
    assert shown(folded).state is (State.FREE if occupied else State.OCCUPIED), "another spell has begun"


def test_no_history_is_changed_by_a_doubt() -> None:
    folded = busy_street()
    folded.append([state("s0", 1, 60, True)], watermark_s=20 * HOUR_S)
    assert shown(folded).state is State.UNKNOWN
    [interval] = folded.rows()["intervals"]
    assert (interval.state, interval.ended_at) == (State.OCCUPIED, None)
    [stay] = folded.rows()["stays"]
    assert stay.departed_at is None


def test_a_bay_that_leaves_the_registry_is_not_looked_at_again() -> None:
    folded = busy_street()
    folded.append([state("s0", 1, 60, True)], watermark_s=70)
    folded.append(changes=[("binding", "s0@high-st-0@always", None), ("bay", "high-st-0", None)])
    folded.append(watermark_s=20 * HOUR_S)
    assert "high-st-0" not in folded.fold.sensed.states


def test_a_silent_sensor_s_bay_is_guessed_for_two_days_and_then_no_more() -> None:
    folded = busy_street(heartbeats=True)
    folded.append([state("s0", 1, 60, False)], watermark_s=70)
    folded.append(watermark_s=HOUR_S)
    first = shown(folded)
    assert (first.state, first.last_said) == (State.UNKNOWN, State.FREE)
    assert first.free_chance is not None
    assert first.free_chance < 1
    folded.append(watermark_s=60 + 48 * HOUR_S + 1)
    assert shown(folded).free_chance is None


def test_states_do_not_depend_on_how_the_watermark_got_there() -> None:
    often, seldom = busy_street(), busy_street()
    for folded in (often, seldom):
        folded.append([state("s0", 1, 60, True), state("s1", 1, 300, False)], watermark_s=400)
    for minutes in range(10, 15 * 60, 7):
        often.append(watermark_s=minutes * 60)
        seldom_at = 14 * 60
        if minutes > seldom_at:
            break
    last = often.fold.watermark
    assert last is not None
    seldom.append(watermark_s=(last - START) / HOUR * HOUR_S)
    assert often.bays == seldom.bays


def test_l3_an_answer_to_a_word_ahead_of_the_watermark_does_not_depend_on_when_it_was_worked_out() -> None:
    """Whether the engine looked before the watermark reached the word, or after: a rebuild may begin in between."""
    for minutes in range(10, 400, 10):
        ahead, behind = busy_street(), busy_street()
        first, second = state("s0", 1, 60, False), state("s0", 2, 60 * minutes, False, cause="heartbeat")
        for folded in (ahead, behind):
            folded.append([first], watermark_s=70)
        ahead.append([second])
        ahead.append(watermark_s=60 * minutes + 1)
        behind.append(watermark_s=60 * minutes - 1)
        behind.append([second], watermark_s=60 * minutes + 1)
        assert shown(ahead) == shown(behind), minutes


def test_the_limits_of_what_is_claimed_are_steps_of_what_is_shown() -> None:
    for limit in DOUBTED.values():
        assert level(limit) == level(limit * 0.999) + 1
        assert learnt_confidence(limit) < learnt_confidence(limit * 0.999) < 1
