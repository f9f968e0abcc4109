"""How likely it is that what a sensor said last is not so any more."""

from __future__ import annotations

from datetime import timedelta
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occupancy.arrivals import Came
from occupancy.model import State
from occupancy.plausibility import GRID_H, Plausibility, Shown
from tests.support.lessons import learn
from tests.unit.test_spells import HOUR, LONDON, MONDAY, bay, spells_of

NOON = MONDAY[0] + 12 * HOUR
BAYS = [bay(number) for number in range(60)]
BUSY = Plausibility(
    learn(
        None,
        [spell for one in BAYS for spell in spells_of(timedelta(minutes=45), own=one)],
        {one.bay_id: one for one in BAYS},
        MONDAY,
        LONDON,
    ),
    LONDON,
)
hours = st.floats(0, 60).map(lambda hour: timedelta(hours=hour))
shown = st.builds(
    Shown,
    st.sampled_from([State.FREE, State.OCCUPIED]),
    st.just(NOON),
    hours.map(lambda after: NOON + after),
    st.integers(0, 500),
    st.integers(0, 100),
    st.none() | st.builds(Came, st.integers(0, 200), st.floats(1, 100)),
)


def occupied(*, stated: timedelta = timedelta(0), agreed: int = 100, missed: int = 1) -> Shown:
    return Shown(State.OCCUPIED, NOON, NOON + stated, agreed, missed)


def wrong(of: Shown, after: timedelta) -> float:
    return BUSY.wrong(BAYS[0], of, NOON + after)


def test_a_spell_is_believed_at_first_and_the_less_the_longer_it_lasts_beyond_its_like() -> None:
    found = [wrong(occupied(), timedelta(minutes=minutes)) for minutes in (0, 30, 90, 240, 360)]
    assert found[0] < 0.001
    assert found == sorted(found)
    assert found[-1] > 0.2


def test_a_word_that_repeats_the_state_is_a_reason_to_believe_it_again() -> None:
    after = timedelta(hours=2)
    assert wrong(occupied(stated=after), after) < wrong(occupied(), after) / 1.5


def test_a_sensor_with_a_worse_record_is_believed_less() -> None:
    after = timedelta(hours=2)
    assert wrong(occupied(missed=20), after) > 2 * wrong(occupied(missed=0), after)


@given(shown, hours)
def test_it_is_a_probability_and_constant_between_the_points_of_the_grid(of: Shown, after: timedelta) -> None:
    point = max(hour for hour in GRID_H if hour <= after / HOUR)
    found = wrong(of, after)
    assert 0 <= found <= 1
    if NOON + timedelta(hours=point) >= of.stated_at:
        assert found == wrong(of, timedelta(hours=point))


@given(shown, hours)
def test_the_steps_ahead_are_what_holds_when_they_come(of: Shown, after: timedelta) -> None:
    steps = list(BUSY.steps(BAYS[0], of, NOON + after))
    assert [at for at, _ in steps] == sorted(at for at, _ in steps)
    for at, then in steps:
        assert at > NOON + after
        assert then == pytest.approx(BUSY.wrong(BAYS[0], of, at))


@given(st.sampled_from([State.FREE, State.OCCUPIED]), hours)
def test_a_bay_of_which_nothing_is_heard_is_forgotten_within_hours(state: State, after: timedelta) -> None:
    chance = BUSY.free(BAYS[0], state, NOON, NOON + after)
    assert 0 <= chance <= 1
    if after < timedelta(minutes=15):
        assert chance == (state is State.FREE)
    if timedelta(hours=4) < after < timedelta(hours=10):
        assert 0.15 < chance < 0.85, "as often free as occupied here"


@given(shown)
def test_what_has_become_of_spells_are_shares_of_all_of_them(of: Shown) -> None:
    course = BUSY.course(BAYS[0], of.state, of.since)
    for lasts, missed, back, kept, other in zip(*course, strict=True):
        assert min(lasts, missed, back, kept, other) >= 0
        assert lasts + missed + back <= 1.0001
        assert max(kept, other) <= 1


def test_a_free_bay_is_believed_the_less_the_more_came_to_those_beside_it() -> None:
    after = timedelta(minutes=90)
    free = Shown(State.FREE, NOON, NOON, 100, 1)
    found = [wrong(free._replace(came=Came(seen, 10.0)), after) for seen in (0, 10, 20, 40, 80)]
    assert found == sorted(found)
    assert found[0] < wrong(free, after) / 2, "nobody came"
    assert found[-1] > wrong(free, after) * 1.5
    usual = -10 * log(BUSY.course(BAYS[0], State.FREE, NOON).lasts[GRID_H.index(1.5)])
    as_usual = free._replace(came=Came(round(usual), 10.0))
    assert wrong(as_usual, after) == pytest.approx(wrong(free, after), rel=0.05)


def test_who_came_says_nothing_of_a_bay_that_was_freed_a_day_ago() -> None:
    free = Shown(State.FREE, NOON, NOON, 100, 1)
    for after in (24, 30, 60):
        assert wrong(free._replace(came=Came(500, 1.0)), after * HOUR) == wrong(free, after * HOUR)
