"""Laws of the chance of a free bay within a radius."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occupancy.forecast.nearby import alike_within, any_of

CHANCES = st.lists(st.just(0.0) | st.floats(0.005, 0.995), min_size=1, max_size=12)


@given(CHANCES, st.floats(0, 0.9))
def test_it_lies_between_the_best_street_and_independent_ones(chances: list[float], alike: float) -> None:
    found = any_of(chances, alike)
    independent = 1 - math.prod(1 - chance for chance in chances)
    assert max(chances) <= found <= independent + 1e-12
    assert found <= 0.995


@given(CHANCES, st.floats(0, 0.85))
def test_streets_that_go_together_promise_less(chances: list[float], alike: float) -> None:
    assert any_of(chances, alike + 0.05) <= any_of(chances, alike) + 1e-4


@given(CHANCES, st.floats(0, 0.9))
def test_another_street_never_makes_it_less_likely(chances: list[float], alike: float) -> None:
    assert any_of([*chances, 0.4], alike) >= any_of(chances, alike) - 1e-4


def test_independent_streets_are_independent() -> None:
    assert any_of([0.5, 0.5], 0.0) == pytest.approx(0.75)
    assert any_of([0.5, 0.5], 0.5) == pytest.approx(2 / 3, abs=1e-3), "the orthant of a correlation of a half"
    assert any_of([], 0.3) == 0


def test_streets_that_lie_close_go_together_more() -> None:
    assert alike_within([]) == 0
    assert alike_within([0]) == 0.5
    assert 0.5 > alike_within([10, 50]) > alike_within([100, 500]) > 0
