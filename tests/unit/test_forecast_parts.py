"""The parts that forecasts are made of, each against what it must come to."""

from __future__ import annotations

import numpy as np
import pytest

from occupancy.forecast.kinds import Kind
from occupancy.forecast.logit import EDGE, Logit, logistic
from occupancy.forecast.panel import Grid
from occupancy.forecast.prior import usual_week
from occupancy.forecast.ridge import Ridge
from occupancy.forecast.scores import Scores, drawn, pinball
from occupancy.forecast.spread import LEVELS, PARTS_PER_DAY, Spread
from occupancy.forecast.usual import NOTHING_KNOWN, UsualWeek
from tests.support.panels import STEP, town


def test_usual_is_a_half_while_nothing_is_known_and_a_places_own_after_weeks() -> None:
    panel = town(70)
    week = UsualWeek(panel.grid, panel.places)
    assert (week.shares() == NOTHING_KNOWN).all()
    per_day = panel.grid.per_day
    for day in range(70):
        steps = slice(day * per_day, (day + 1) * per_day)
        week.take_up(panel.slots[steps], panel.shares[steps])
    by_hand = panel.shares.reshape(10, 7 * per_day, -1).mean(0)
    assert np.abs(week.shares() - by_hand).max() < 0.08


def test_on_its_first_days_a_place_leans_on_the_prior_and_on_how_busy_others_are() -> None:
    grid = Grid(STEP)
    prior = np.column_stack([usual_week([kind], grid)[:, 0] for kind in (Kind.RESIDENT, Kind.LOADING)])
    week, monday = UsualWeek(grid, 2, prior=prior), np.arange(grid.per_day)
    assert (week.shares() == prior).all()
    seen = np.clip(prior[monday] + 0.1, 0.0, 1.0)
    seen[:, 1] = np.nan
    week.take_up(monday, seen)
    found = week.shares()
    saturday = slice(5 * grid.per_day, 6 * grid.per_day)
    assert ((found - prior)[saturday, 0] > 0.03).all()  # what was seen on Monday, by the prior's Saturday
    assert ((found - prior)[saturday, 1] > 0.02).all()  # the town is busier than towns are
    assert (
        np.corrcoef(found[saturday, 1], prior[saturday, 1])[0, 1] > 0.99
    )  # yet lorries come when lorries come
    for _ in range(8):
        week.take_up(monday, np.full((grid.per_day, 2), 0.3))
    assert np.abs(week.shares()[monday] - 0.3).max() < 0.07


def test_a_slot_never_seen_leans_on_the_same_time_of_other_days() -> None:
    grid = Grid(STEP)
    week = UsualWeek(grid, 1)
    monday = np.arange(grid.per_day)
    for _ in range(20):
        week.take_up(monday, np.linspace(0, 1, grid.per_day)[:, None])
    tuesday = week.shares()[grid.per_day : 2 * grid.per_day, 0]
    assert np.corrcoef(tuesday, np.linspace(0, 1, grid.per_day))[0, 1] > 0.999
    assert tuesday[0] < 0.1
    assert tuesday[-1] > 0.9


def test_the_last_weeks_weigh_more() -> None:
    grid = Grid(STEP)
    week, slots = UsualWeek(grid, 1), np.arange(grid.per_day)
    for share in (0.0,) * 60 + (1.0,) * 60:
        week.take_up(slots, np.full((grid.per_day, 1), share))
    assert week.shares()[0, 0] > 0.8


def test_ridge_is_least_squares_that_grow() -> None:
    dice = np.random.default_rng(1)
    rows, true = dice.normal(size=(4_000, 3)), np.array([0.5, -2.0, 1.0])
    targets = rows @ true + dice.normal(0, 0.1, 4_000)
    ridge = Ridge(half_life_days=np.inf, penalty=1e-6)
    assert ridge.solve() is None
    for part in range(4):
        own = slice(part * 1_000, (part + 1) * 1_000)
        ridge.take_up(rows[own], targets[own])
    whole, *_ = np.linalg.lstsq(rows, targets, rcond=None)
    assert ridge.solve() == pytest.approx(whole, abs=1e-3)


def test_ridge_forgets_by_its_half_life() -> None:
    ridge = Ridge(half_life_days=5, penalty=1e-9)
    one = np.ones((10, 1))
    for level in [0.0] * 5 + [1.0] * 5:
        ridge.take_up(one, np.full(10, level))
    found = ridge.solve()
    assert found is not None
    assert found[0] == pytest.approx(2 / 3)


def test_a_logit_finds_the_odds_it_was_made_from() -> None:
    dice = np.random.default_rng(2)
    rows = np.column_stack([dice.normal(size=20_000), np.ones(20_000)])
    true = np.array([1.5, -0.5])
    came = (dice.uniform(size=20_000) < logistic(rows @ true)).astype(float)
    logit = Logit()
    assert logit.chance(rows) is None
    logit.take_up(rows, came)
    logit.fit()
    assert logit.coefficients == pytest.approx(true, abs=0.06)
    said = logit.chance(np.array([[100.0, 1.0], [-100.0, 1.0]]))
    assert said is not None
    assert said.tolist() == [1 - EDGE, EDGE]


def test_a_logit_of_one_outcome_is_not_fitted() -> None:
    logit = Logit()
    logit.take_up(np.ones((1_000, 1)), np.ones(1_000))
    logit.fit()
    assert logit.coefficients is None


def test_the_spread_holds_nine_tenths_of_what_comes() -> None:
    dice, spread = np.random.default_rng(3), Spread(2)
    parts = np.arange(2_000) % PARTS_PER_DAY
    wide = np.array([0.02, 0.1])
    spread.take_up(dice.normal(0, wide, (2_000, 2)), parts)
    spread.settle()
    quantiles = spread.band.around(np.full((2_000, 2), 0.5), parts)
    assert (np.diff(quantiles, axis=2) >= 0).all()
    came = 0.5 + dice.normal(0, wide, (2_000, 2))
    for place in range(2):
        below = [(came[:, place] <= quantiles[:, place, level]).mean() for level in range(len(LEVELS))]
        assert below == pytest.approx(LEVELS, abs=0.035)
    chance = spread.band.chance_below(np.full((8, 2), 0.5), np.arange(8), np.array([0.52, 0.6]))
    assert chance == pytest.approx(np.full((8, 2), 0.84), abs=0.06)  # a standard deviation


def test_the_spread_widens_where_too_much_is_missed() -> None:
    spread = Spread(1)
    spread.take_up(np.linspace(-0.1, 0.1, 2_000)[:, None], np.arange(2_000) % PARTS_PER_DAY)
    spread.settle()
    half, parts = np.full((1, 1), 0.5), np.array([0])
    before = spread.band.around(half, parts)[0, 0]
    spread.missed(np.ones((5, 1)))
    after = spread.band.around(half, parts)[0, 0]
    assert after[-1] - after[0] > before[-1] - before[0]


def test_before_any_error_the_spread_is_wide() -> None:
    quantiles = Spread(1).band.around(np.full((1, 1), 0.5), np.array([0]))[0, 0]
    assert quantiles[-1] - quantiles[0] > 0.6


def test_pinball_by_hand() -> None:
    found = pinball(np.array([0.5]), np.array([[0.4, 0.4, 0.4, 0.6, 0.6]]))
    assert found == pytest.approx([(0.05 * 0.1 + 0.25 * 0.1 + 0.5 * 0.1 + 0.25 * 0.1 + 0.05 * 0.1) / 5])


def test_scores_by_hand() -> None:
    scores = Scores()
    band = np.array([[0.1, 0.2, 0.3, 0.4, 0.5]] * 2)
    truth, said = np.array([0.3, 0.9]), np.array([0.3, 0.5])
    scores.take_up(truth, said, band, np.array([0.95, 0.15]), np.array([1.0, 0.0]), np.full(2, 10.0))
    assert scores.forecasts == 2
    assert scores.mean("off") == pytest.approx(0.2)
    assert scores.mean("inside") == 0.5
    assert scores.mean("brier") == pytest.approx((0.05**2 + 0.15**2) / 2)
    assert scores.calibration_error == pytest.approx((0.05 + 0.15) / 2)


def test_scores_by_whole_bays_as_published() -> None:
    """68 bays: 3 % are two of them, 4 % three."""
    scores, bays_off = Scores(), np.array([0.0, 2.4, -2.4, 2.6, 3.4, 3.6])
    truth, ones = np.full(6, 34 / 68), np.ones(6)
    scores.take_up(truth, truth + bays_off / 68, np.zeros((6, 5)), ones, ones, np.full(6, 68.0))
    assert (scores.mean("within3"), scores.mean("within4")) == (3 / 6, 5 / 6)


def test_days_are_drawn_whole() -> None:
    found = drawn(np.array([10.0, -10.0] * 50), [10] * 100, seed=1)
    assert found.mean == 0
    assert found.low < -0.1 < 0.1 < found.high
    same = drawn(np.full(20, 5.0), [10] * 20, seed=1)
    assert same == (0.5, 0.5, 0.5)
