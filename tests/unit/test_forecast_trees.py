"""The second tier: trees find what a line cannot, are kept as text, and are followed only where they are better."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from occupancy.forecast import trees
from occupancy.forecast.baselines import OURS
from occupancy.forecast.issue import GRID
from occupancy.forecast.issuing import issue
from occupancy.forecast.learning import LearntHorizon
from occupancy.forecast.model_file import from_bytes, to_bytes
from occupancy.forecast.panel import Floats, Panel
from occupancy.forecast.rolling import Rolling
from occupancy.forecast.training import train
from occupancy.forecast.trees import FEWEST, KEPT_PER_DAY, Grown, Trees, tree_rows
from tests.support.panels import town
from tests.unit.test_forecast_issuing import AREA, WEEK
from tests.unit.test_forecast_training import BAYS, KINDS, MONDAY, PLACES, recent

needs_lightgbm = pytest.mark.skipif(
    not trees.available(), reason="LightGBM is not installed, or lacks OpenMP"
)
NOBODY = "occupancy.forecast.trees._lightgbm"


def steps(days: int) -> Trees:
    """What is off jumps where the first feature changes its sign; a bay was free where the second is positive."""
    found, dice = Trees(), np.random.default_rng(3)
    for _ in range(days):
        rows = dice.uniform(-1, 1, (KEPT_PER_DAY, 3))
        found.take_up(rows, np.where(rows[:, 0] > 0, 0.2, -0.2), (rows[:, 1] > 0).astype(float))
    return found


def forecasts(panel: Panel, first: int) -> Floats:
    days = Rolling(panel, np.full(panel.places, 50.0), [4], np.arange(14, 44)).days(first)
    return np.concatenate([one.points[OURS] - one.known for day, (one,) in days if day >= first])


@needs_lightgbm
def test_what_no_line_follows_is_found_and_survives_as_text() -> None:
    grown = steps(FEWEST // KEPT_PER_DAY).grow()
    assert grown is not None
    rows = np.random.default_rng(4).uniform(-1, 1, (500, 3))
    clear = np.abs(rows[:, :2]).min(1) > 0.1
    for each in (grown, Grown(grown.further_text, grown.chances_text)):
        further, chances = each.further(rows), each.chances(rows)
        assert further is not None
        assert chances is not None
        assert np.abs(further - np.where(rows[:, 0] > 0, 0.2, -0.2))[clear].mean() < 0.02
        assert np.abs(chances - (rows[:, 1] > 0))[clear].mean() < 0.05


def test_too_little_grows_nothing() -> None:
    assert steps(FEWEST // KEPT_PER_DAY - 1).grow() is None


@needs_lightgbm
def test_a_bay_that_was_always_free_needs_no_trees() -> None:
    found = Trees()
    for _ in range(FEWEST // KEPT_PER_DAY):
        rows = np.random.default_rng(5).uniform(-1, 1, (KEPT_PER_DAY, 2))
        found.take_up(rows, rows[:, 0], np.ones(KEPT_PER_DAY))
    grown = found.grow()
    assert grown is not None
    assert grown.chances(np.zeros((1, 2))) is None


@needs_lightgbm
def test_without_lightgbm_what_was_grown_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    grown = steps(FEWEST // KEPT_PER_DAY).grow()
    assert grown is not None
    monkeypatch.setattr(NOBODY, lambda: None)
    kept = Grown(grown.further_text, grown.chances_text)
    assert kept.further(np.zeros((1, 3))) is None
    assert kept.chances(np.zeros((1, 3))) is None
    assert steps(FEWEST // KEPT_PER_DAY).grow() is None


@needs_lightgbm
def test_trees_that_lightgbm_cannot_use_say_nothing_but_why() -> None:
    grown = Grown("tree\nnonsense", "tree\nnonsense")
    assert grown.fault is None
    rows = np.zeros((1, 3))
    assert grown.further(rows) is None
    assert grown.chances(rows) is None
    assert grown.fault


def test_a_day_is_drawn_from_what_is_known_of_it() -> None:
    known = np.zeros((100, 20), dtype=bool)
    known[:40] = True
    rows, places = Trees().drawn(known)
    assert len(rows) == KEPT_PER_DAY
    assert known[rows, places].all()
    assert len(set(zip(rows.tolist(), places.tolist(), strict=True))) == KEPT_PER_DAY
    few, _ = Trees().drawn(known[:, :2])
    assert len(few) == 80


def test_rows_are_of_the_origin_and_the_place_that_they_name() -> None:
    grid = town(1).grid
    wide, narrow = np.arange(24.0).reshape(3, 2, 4), np.arange(6.0).reshape(3, 2)
    own = (np.array([2, 0]), np.array([1, 0]))
    found = tree_rows(grid, np.array([0, 24, 60]), np.array([5.0, 9.0]), (wide, narrow), own)
    assert found.tolist() == [[20, 21, 22, 23, 5, 60 % 48 / 48, 1, 9], [0, 1, 2, 3, 0, 0, 0, 5]]


@needs_lightgbm
def test_trees_are_followed_where_they_are_better_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "FEWEST", 1_000)
    plain = town(56)
    # Whoever is above .6 is gone two hours later: no line through residuals says that.
    odd = plain.shares.copy()
    later = odd[4:].copy()
    later[odd[:-4] > 0.6] = 0.2
    odd[4:] = later
    for panel, least in ((plain, 0.99), (Panel(plain.grid, odd, plain.slots), 1.1)):
        with_trees = np.nanmean(np.abs(forecasts(panel, 49)))
        with monkeypatch.context() as without:
            without.setattr(NOBODY, lambda: None)
            alone = np.nanmean(np.abs(forecasts(panel, 49)))
        assert alone > least * with_trees


@needs_lightgbm
def test_a_model_has_no_trees_that_nobody_goes_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "FEWEST", 500)
    panel = town(9, step=GRID.step)
    model = train(panel, PLACES, KINDS, BAYS, MONDAY + timedelta(days=9))
    for horizon in model.horizons:
        followed = horizon.trusted[:, 1].any() or horizon.trusted_chances[0, 1] > 0
        assert (horizon.grown is not None) == followed


@needs_lightgbm
def test_a_model_with_trees_comes_back_from_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "FEWEST", 500)
    monkeypatch.setattr(
        LearntHorizon, "in_service", property(lambda horizon: horizon.learnt)
    )  # also untried ones
    days = 9
    panel = town(days, step=GRID.step)
    model = train(panel, PLACES, KINDS, BAYS, MONDAY + timedelta(days=days))
    assert all(horizon.grown is not None for horizon in model.horizons[:-1])
    back = from_bytes(to_bytes(model))
    for one, other in zip(model.horizons, back.horizons, strict=True):
        if one.grown is not None and other.grown is not None:
            assert other.grown.further_text == one.grown.further_text
            assert other.grown.chances_text == one.grown.chances_text
    now = MONDAY + (days * GRID.per_day - 1) * GRID.step
    seen = recent(panel, days * GRID.per_day - 1)
    told = issue(back, AREA, seen, BAYS, WEEK, now)
    with monkeypatch.context() as without:  # a machine that lacks it goes by the first tier
        without.setattr(NOBODY, lambda: None)
        alone = issue(from_bytes(to_bytes(model)), AREA, seen, BAYS, WEEK, now)
    assert np.isfinite(alone.free).all()
    assert told.free.shape == alone.free.shape
