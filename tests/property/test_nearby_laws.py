"""Laws of the chance of a free bay within a radius."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occupancy.forecast.nearby import alike_within, any_of, apart_together, at_least

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


COUNTS = st.lists(st.floats(0.01, 1), min_size=2, max_size=5).map(
    lambda parts: [p / sum(parts) for p in parts]
)
"""The chances that 0, 1, ... of a place's bays are free."""


@given(st.lists(COUNTS, min_size=1, max_size=3), st.floats(0, 0.6))
def test_more_bays_are_never_likelier_than_fewer(counts: list[list[float]], alike: float) -> None:
    bays = sum(len(own) - 1 for own in counts)
    found = [at_least(wanted, counts, alike) for wanted in range(1, bays + 2)]
    assert found == sorted(found, reverse=True)
    assert found[0] == pytest.approx(any_of([1 - own[0] for own in counts], alike), abs=0.005)
    assert found[-1] == pytest.approx(0, abs=1e-9)
    mean = sum(chance * free for own in counts for free, chance in enumerate(own))
    assert sum(found) == pytest.approx(mean, abs=1e-4), "how far places go together changes no mean"


@given(COUNTS, COUNTS)
def test_counts_of_independent_places_are_convolved(first: list[float], second: list[float]) -> None:
    both = [first[i] * second[j] for i in range(len(first)) for j in range(len(second)) if i + j >= 2]
    assert at_least(2, [first, second], 0.0) == pytest.approx(sum(both))
    assert at_least(2, [first, second], 0.5) == pytest.approx(at_least(2, [second, first], 0.5))


@given(st.lists(st.floats(0, 10), min_size=1, max_size=4))
def test_places_that_go_together_are_farther_from_their_median(distances: list[float]) -> None:
    alone, half, as_one = (apart_together(distances, alike) for alike in (0.0, 0.5, 1.0))
    assert alone == pytest.approx(math.sqrt(sum(one**2 for one in distances)))
    assert alone - 1e-9 <= half <= as_one + 1e-9
    assert as_one == pytest.approx(sum(distances))


def test_streets_that_lie_close_go_together_more() -> None:
    assert alike_within([]) == 0
    assert alike_within([0]) == 0.5
    assert 0.5 > alike_within([10, 50]) > alike_within([100, 500]) > 0
