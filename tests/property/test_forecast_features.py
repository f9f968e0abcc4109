"""What a forecast is made of is known when it is made."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from occupancy.forecast.features import Known, features
from occupancy.forecast.panel import Floats, Panel
from occupancy.forecast.usual import LATELY_DAYS, UsualWeek
from tests.support.panels import town

DAYS = 16
TOWN = town(DAYS)


def made(panel: Panel, day: int, origin: int, ahead: int) -> Floats:
    weeks = UsualWeek(panel.grid, panel.places), UsualWeek(panel.grid, panel.places, LATELY_DAYS)
    before = np.arange(day * panel.grid.per_day)
    for week in weeks:
        week.take_up(panel.slots[before], panel.shares[before])
    usual, lately = (week.shares() for week in weeks)
    known = Known(panel.grid, panel.shares, panel.shares - usual[panel.slots], panel.slots)
    return features(known, usual, lately, np.array([origin]), ahead)


@given(
    st.integers(0, DAYS - 2), st.integers(0, 47), st.sampled_from([1, 2, 4, 8, 48]), st.integers(0, 2**32 - 1)
)
def test_nothing_after_the_origin_bears_on_a_feature(day: int, step: int, ahead: int, seed: int) -> None:
    origin = day * TOWN.grid.per_day + step
    shuffled = TOWN.shares.copy()
    np.random.default_rng(seed).shuffle(shuffled[origin + 1 :])
    other = Panel(TOWN.grid, shuffled, TOWN.slots)
    assert (made(TOWN, day, origin, ahead) == made(other, day, origin, ahead)).all()


@given(st.integers(7, DAYS - 2), st.integers(0, 47), st.sampled_from([1, 4, 48]))
def test_what_is_not_known_is_as_usual(day: int, step: int, ahead: int) -> None:
    origin = day * TOWN.grid.per_day + step
    silent = TOWN.shares.copy()
    silent[:, 0] = np.nan
    rows = made(Panel(TOWN.grid, silent, TOWN.slots), day, origin, ahead)
    assert np.isfinite(rows).all()
    assert (rows[0, 0, :4] == 0).all()  # residuals: now and before
