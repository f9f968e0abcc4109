"""What the forecast of a place is made of: the ridge of all places, until something simpler was off by less there."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from occupancy.forecast.blend import Blend, blended
from occupancy.forecast.panel import Floats


def days(of: int, seed: int = 1) -> list[tuple[Floats, list[Floats]]]:
    """Two places: the first stands still and the ridge says that it moves; the second moves as the ridge says."""
    dice, found = np.random.default_rng(seed), []
    for _ in range(of):
        now = dice.uniform(0, 1, (20, 2))
        ridge = np.clip(now + dice.normal(0, 0.1, now.shape), 0, 1)
        found.append((np.stack([now[:, 0], ridge[:, 1]], axis=1), [ridge, now]))
    return found


def test_a_place_follows_what_was_off_by_least_there() -> None:
    blend = Blend(2, 2)
    for truth, forecasts in days(30):
        blend.take_up(truth, forecasts)
    assert blend.weights.tolist() == [[1, 0], [1, 0]]  # not before it is settled
    blend.settle()
    assert blend.weights.tolist() == [[0, 1], [1, 0]]
    (_, forecasts), *_ = days(1, seed=2)
    assert (blended(forecasts, blend.weights)[:, 0] == forecasts[1][:, 0]).all()
    assert (blended(forecasts, blend.weights)[:, 1] == forecasts[0][:, 1]).all()


def test_a_little_better_is_not_enough() -> None:
    blend, truth = Blend(1, 2), np.zeros((100, 1))
    blend.take_up(truth, [truth + 0.10, truth + 0.095])
    blend.settle()
    assert blend.weights.tolist() == [[1, 0]]


def test_what_is_not_known_is_neither_followed_nor_counted() -> None:
    blend, unknown = Blend(1, 2), np.full((4, 1), np.nan)
    truth = np.full((4, 1), 0.5)
    blend.take_up(truth, [truth + 0.2, truth])
    blend.take_up(unknown, [truth, truth])
    blend.settle()
    assert blend.weights.tolist() == [[0, 1]]
    assert (blended([truth, unknown], blend.weights) == truth).all()


@given(
    st.integers(1, 3),
    st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=8),
    st.floats(0, 1),
)
def test_a_blend_lies_between_what_it_is_made_of(places: int, rows: list[list[float]], truth: float) -> None:
    forecasts = [np.tile(np.array(rows)[:, [kind]], (1, places)) for kind in range(3)]
    blend = Blend(places, 3)
    blend.take_up(np.full((len(rows), places), truth), forecasts)
    blend.settle()
    assert np.allclose(blend.weights.sum(1), 1)
    found = blended(forecasts, blend.weights)
    assert (found >= np.min(forecasts, axis=0) - 1e-12).all()
    assert (found <= np.max(forecasts, axis=0) + 1e-12).all()
