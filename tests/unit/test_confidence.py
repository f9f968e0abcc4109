"""How sure a state is: it decays with silence, in steps, and what is too unsure is not claimed (L4, L5)."""

from __future__ import annotations

from datetime import timedelta
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occupancy.confidence import CLAIMS_FROM, DECAYS_AT, confidence, most_wrong
from occupancy.model import BayId, BayState, State
from tests.support.folded import Folded, documents, state

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


def test_a_free_bay_whose_sensor_owes_a_heartbeat_is_not_shown_as_free() -> None:
    folded = Folded(documents())
    promise = folded.fold.registry.sensors[next(iter(folded.fold.registry.sensors))]
    overdue_s = promise.overdue_after.total_seconds()
    folded.append([state("s0", 1, 0, False)], watermark_s=overdue_s - 1)
    assert live(folded).state is State.FREE
    folded.append(watermark_s=overdue_s)
    unsure = live(folded)
    assert (unsure.state, unsure.confidence) == (State.UNKNOWN, 0.0)
    assert "overdue" in unsure.reason
    assert "not sure enough" in unsure.reason
    # History does not change its mind until the silence is beyond the limit.
    assert [row.state for row in folded.rows()["intervals"]] == [State.FREE]
    folded.append([state("s0", 2, overdue_s + 5, False, cause="heartbeat")], watermark_s=overdue_s + 5)
    assert live(folded).state is State.FREE


def test_an_occupied_bay_is_less_sure_then_but_still_shown() -> None:
    folded = Folded(documents())
    promise = folded.fold.registry.sensors[next(iter(folded.fold.registry.sensors))]
    folded.append([state("s0", 1, 0, True)], watermark_s=1)
    before = live(folded).confidence
    folded.append(watermark_s=promise.overdue_after.total_seconds())
    assert live(folded).state is State.OCCUPIED
    assert CLAIMS_FROM < live(folded).confidence < before


@pytest.mark.parametrize(("bays", "wrong"), [(1, 0.01), (10, 0.02), (40, 0.02), (75, 0.05), (5, 0.3)])
def test_no_more_are_wrong_nine_times_in_ten(bays: int, wrong: float) -> None:
    most = most_wrong(bays * wrong, bays)
    covered = sum(comb(bays, n) * wrong**n * (1 - wrong) ** (bays - n) for n in range(most + 1))
    assert covered >= 0.9
    assert most == 0 or most <= bays * wrong + 3
    assert most_wrong(0.0, bays) == 0
