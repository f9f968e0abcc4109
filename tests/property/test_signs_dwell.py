"""The laws of words that stand: never untrue, never two changes within a dwell, never late to go dark."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from occupancy.model import AreaId, Name, Sign, SignId, ZoneId
from signs.bounds import Known
from signs.claims import NOTHING, Claim, claim, number_of, thresholds
from signs.dwelling import Standing, dwell
from signs.words import FrameState

BAYS = 14
Step = tuple[float, Known]


@st.composite
def knowns(draw: st.DrawFn, *, exact: bool = False) -> Known:
    closed = draw(st.sampled_from([0, 0, 0, 0, BAYS]))
    free_min = draw(st.integers(0, BAYS - closed))
    free_max = free_min if exact else draw(st.integers(free_min, BAYS - closed))
    return Known(
        capacity=BAYS, open=BAYS - closed, free_min=free_min, free_max=free_max, all_closed=closed == BAYS
    )


@st.composite
def signs(draw: st.DrawFn, *, min_dwell_s: int | None = None) -> Sign:
    reserve = draw(st.integers(0, 3))
    full_below = draw(st.integers(reserve + 1, reserve + 3))
    full_until = draw(st.integers(full_below, full_below + 3))
    almost = draw(st.none() | st.integers(full_until + 1, full_until + 3))
    rounding = draw(st.integers(1, 5))
    return Sign(
        sign_id=SignId("s"),
        area_id=AreaId("cardiff"),
        name=Name(en="s"),
        zone_ids=(ZoneId("z"),),
        lat=0,
        lon=0,
        reserve=reserve,
        clamp=draw(st.none() | st.integers(rounding, 20)),
        rounding=rounding,
        full_below=full_below,
        full_until=full_until,
        almost_full_below=almost,
        almost_full_until=None if almost is None else almost + draw(st.integers(0, 3)),
        min_dwell_s=draw(st.integers(0, 90)) if min_dwell_s is None else min_dwell_s,
    )


STEPS = st.lists(st.tuples(st.floats(0, 40), knowns()), min_size=1, max_size=40)


def told(sign: Sign, steps: list[Step]) -> list[tuple[float, Known, Standing | None, Claim]]:
    """What is said at each step: (when, what was known, what stood before, claim)."""
    standing: Standing | None = None
    now_s = 1000.0
    said = []
    for wait_s, what in steps:
        now_s += wait_s
        before = standing
        standing, made = dwell(sign, what, before, now_s)
        said.append((now_s, what, before, made))
    return said


@given(signs(), STEPS)
def test_l6_whatever_stands_is_true_of_what_is_known_now(sign: Sign, steps: list[Step]) -> None:
    at = thresholds(sign)
    for _, what, _, made in told(sign, steps):
        if made.state in (FrameState.SPACES, FrameState.ALMOST_FULL):
            assert what.free_min > sign.reserve
            assert made.number == number_of(sign, what.free_min)
        if made.state is FrameState.ALMOST_FULL:
            assert what.free_max < at.almost_full_until
        if made.state is FrameState.FULL:
            assert what.free_max < at.full_until
        if made.state is FrameState.CLOSED:
            assert what.open == 0


@given(signs(), st.integers(0, BAYS))
def test_a_number_is_never_more_than_is_offered(sign: Sign, free: int) -> None:
    shown = number_of(sign, free)
    if shown is not None:
        assert 1 <= shown <= free - sign.reserve
        assert shown % sign.rounding == 0
        assert sign.clamp is None or shown <= sign.clamp


@given(signs(), STEPS)
def test_words_change_at_most_once_per_dwell(sign: Sign, steps: list[Step]) -> None:
    words = [(at_s, made.state) for at_s, _, _, made in told(sign, steps) if made is not NOTHING]
    changes = [after for before, after in pairwise(words) if before[1] is not after[1]]
    first = words[:1]
    for before, after in pairwise([*first, *changes]):
        assert after[0] - before[0] >= sign.min_dwell_s


@given(signs(), STEPS)
def test_l6_going_blank_is_never_delayed(sign: Sign, steps: list[Step]) -> None:
    for _, what, before, made in told(sign, steps):
        if claim(sign, what, None if before is None else before.state) is NOTHING:
            assert made is NOTHING


@given(signs(), STEPS, knowns(), st.floats(0, 30))
def test_what_is_certain_for_one_dwell_is_shown(
    sign: Sign, steps: list[Step], what: Known, wait_s: float
) -> None:
    *_, (_, _, _, made) = told(sign, [*steps, (wait_s, what), (sign.min_dwell_s, what)])
    if claim(sign, what) is not NOTHING:
        assert made is not NOTHING


@given(signs(min_dwell_s=0), st.data())
def test_a_count_within_the_band_of_a_word_changes_nothing(sign: Sign, data: st.DataObject) -> None:
    """Even without a dwell: entered below one threshold, left at the other."""
    at = thresholds(sign)
    full = Known(capacity=BAYS, open=BAYS, free_min=0, free_max=0, all_closed=False)
    frees = data.draw(st.lists(st.integers(0, at.full_until - 1), max_size=20))
    swings = [
        (1.0, Known(capacity=BAYS, open=BAYS, free_min=free, free_max=free, all_closed=False))
        for free in frees
    ]
    assert {made.state for _, _, _, made in told(sign, [(0.0, full), *swings])} == {FrameState.FULL}


@given(signs(), knowns(exact=True))
def test_a_sign_that_knows_exactly_is_never_blank(sign: Sign, what: Known) -> None:
    """Thresholds that are accepted leave no count without a word."""
    assert claim(sign, what) is not NOTHING
