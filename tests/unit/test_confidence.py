"""How sure a state is: it decays with silence, in steps, and bounds what a street claims (L5)."""

from __future__ import annotations

from datetime import timedelta
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occupancy.confidence import DECAYS_AT, confidence, most_wrong
from occupancy.model import BayId, BayState, State
from tests.support.folded import Folded
from tests.support.small_town import documents, state

HOUR = 3600
NO_TIME = timedelta(0)


def sure(
    quiet: timedelta = NO_TIME, *, agreed: int = 100, missed: int = 1, state: State = State.FREE
) -> float:
    return confidence(state, agreed=agreed, missed=missed, quiet=quiet, overdue=False)


def test_a_state_is_less_sure_with_every_step_of_silence_and_constant_between_them() -> None:
    second = timedelta(seconds=1)
    edges = [NO_TIME, *DECAYS_AT]
    assert [sure(at) for at in edges] == sorted({sure(at) for at in edges}, reverse=True)
    assert len({sure(at) for at in edges}) == len(edges)
    for at, then in zip(edges, DECAYS_AT, strict=False):
        assert sure(at) == sure(then - second)
    assert sure(state=State.UNKNOWN) == 0


@given(st.integers(0, 500), st.integers(0, 500), st.sampled_from([NO_TIME, *DECAYS_AT]))
def test_a_missed_word_is_never_a_reason_to_believe_more(agreed: int, missed: int, quiet: timedelta) -> None:
    assert (
        0 <= sure(quiet, agreed=agreed, missed=missed + 1) <= sure(quiet, agreed=agreed, missed=missed) <= 1
    )
    assert sure(quiet, agreed=agreed + 1, missed=missed) >= sure(quiet, agreed=agreed, missed=missed)


def live(folded: Folded) -> BayState:
    return folded.fold.sensed.states[BayId("high-st-0")]


@pytest.mark.parametrize(("occupied", "least"), [(False, 0.6), (True, 0.85)])
def test_a_bay_whose_sensor_owes_a_heartbeat_is_shown_and_much_less_sure(
    occupied: bool, least: float
) -> None:
    folded = Folded(documents())
    overdue_s = next(iter(folded.fold.registry.sensors.values())).overdue_after.total_seconds()
    folded.append([state("s0", 1, 0, occupied)], watermark_s=overdue_s - 1)
    before = live(folded)
    folded.append(watermark_s=overdue_s)
    after = live(folded)
    assert (before.state, after.state) == (State.OCCUPIED if occupied else State.FREE,) * 2
    assert least < after.confidence < before.confidence - 0.05
    assert "overdue" in after.reason
    folded.append([state("s0", 2, overdue_s + 5, occupied, cause="heartbeat")], watermark_s=overdue_s + 5)
    assert live(folded).confidence >= before.confidence


@pytest.mark.parametrize(("bays", "wrong"), [(1, 0.01), (10, 0.02), (40, 0.02), (75, 0.05), (5, 0.3)])
def test_no_more_are_wrong_nine_times_in_ten(bays: int, wrong: float) -> None:
    most = most_wrong(bays * wrong, bays)
    covered = sum(comb(bays, n) * wrong**n * (1 - wrong) ** (bays - n) for n in range(most + 1))
    assert covered >= 0.9
    assert most == 0 or most <= bays * wrong + 3
    assert most_wrong(0.0, bays) == 0
