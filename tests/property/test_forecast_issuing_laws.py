"""Whatever was seen, and how long ago: forecasts stay within what is possible, and claim what is known (L4, L5)."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from occupancy.forecast.issue import GRID, Issue
from occupancy.forecast.issuing import Recent, issue
from occupancy.forecast.logit import EDGE
from occupancy.forecast.model import Model, empty_model
from occupancy.forecast.panel import Floats
from occupancy.forecast.training import train
from occupancy.model import Source
from tests.support.panels import town
from tests.unit.test_forecast_issuing import AREA, BAYS, KINDS, NOON, PLACES, WEEK

ROWS = 80
DAYS = 8
MODELS = (
    empty_model(PLACES, KINDS, BAYS),
    train(town(DAYS, places=3, step=GRID.step), PLACES, KINDS, BAYS, NOON.replace(hour=0)),
)
SHARES = arrays.arrays(float, (ROWS, len(PLACES)), elements=st.one_of(st.just(np.nan), st.floats(0, 1)))


def issued(model: Model, shares: Floats, seen_s: int, lag_s: int) -> Issue:
    data_to = NOON + timedelta(seconds=seen_s)
    recent = Recent(NOON, shares, data_to, shares[-1])
    return issue(model, AREA, recent, BAYS, WEEK, data_to + timedelta(seconds=lag_s))


@given(st.sampled_from(MODELS), SHARES, st.integers(0, 299), st.integers(0, 100_000))
def test_forecasts_are_possible_and_in_order(model: Model, shares: Floats, seen_s: int, lag_s: int) -> None:
    found = issued(model, shares, seen_s, lag_s)
    for one in (found.free, found.quantiles):
        assert ((one >= 0) & (one <= 1)).all()
    assert (np.diff(found.quantiles, axis=-1) >= 0).all()
    assert ((found.any_free >= EDGE) & (found.any_free <= 1 - EDGE)).all()
    if lag_s > 7 * 3600:
        assert Source.FORECAST not in found.sources


@given(SHARES, st.integers(0, 20_000))
def test_the_first_day_claims_nothing_but_a_prior(shares: Floats, lag_s: int) -> None:
    assert set(issued(MODELS[0], shares, 0, lag_s).sources) == {Source.PRIOR}


@given(st.sampled_from(MODELS), SHARES, st.integers(0, 20_000), st.integers(0, len(PLACES) - 1))
def test_a_place_of_which_nothing_is_known_gets_what_is_usual(
    model: Model, shares: Floats, lag_s: int, silent: int
) -> None:
    shares[:, silent] = np.nan
    found, nothing = (issued(model, each, 0, lag_s) for each in (shares, np.full_like(shares, np.nan)))
    assert np.allclose(found.quantiles[silent], nothing.quantiles[silent])
    assert found.sources[silent] is not Source.FORECAST
