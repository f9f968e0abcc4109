"""Forecasts as they would have been made, on a town that follows a formula."""

from __future__ import annotations

import numpy as np

from occupancy.forecast.baselines import BASELINES, OURS
from occupancy.forecast.panel import Panel
from occupancy.forecast.protocols import last_week, leaks, one_step, rolling
from occupancy.forecast.rolling import Rolling
from tests.support.panels import town

DAYS, FIRST = 42, 28
SCORED = np.arange(14, 44)
BAYS = np.full(4, 50.0)


def quietly(done: int, of: int) -> None:
    assert done <= of


def test_ours_is_better_than_every_baseline_and_its_band_holds_nine_tenths() -> None:
    judged = rolling(town(DAYS), BAYS, SCORED, FIRST, quietly).judged
    for horizon in ("30m", "1h", "2h"):
        scores = judged[horizon].every
        for name in BASELINES:
            assert scores[OURS].mean("off") < scores[name].mean("off"), (horizon, name)
        assert 0.85 < scores[OURS].mean("inside") < 0.95


def test_the_days_before_the_first_do_not_know_the_days_after() -> None:
    panel = town(DAYS)
    changed = panel.shares.copy()
    changed[FIRST * panel.grid.per_day :] = 0.9
    other = Panel(panel.grid, changed, panel.slots)
    both = zip(*(Rolling(one, BAYS, [2], SCORED).days(FIRST) for one in (panel, other)), strict=True)
    for (day, (one,)), (_, (another,)) in both:
        if day < FIRST:
            assert (one.points[OURS] == another.points[OURS]).all()
            assert (one.quantiles[OURS] == another.quantiles[OURS]).all()
            assert (one.chances[OURS] == another.chances[OURS]).all()


def test_a_forecast_of_tomorrow_knows_nothing_of_the_rest_of_today() -> None:
    """Neither what is seen of it nor what is learnt from it, on days on which all is fitted anew, and others."""
    panel = town(DAYS)
    per_day = panel.grid.per_day
    noon = 20
    for today in (FIRST + 6, FIRST + 8):  # tomorrow is fitted anew, and not
        changed = panel.shares.copy()
        changed[today * per_day + noon + 1 : (today + 1) * per_day] = 0.9
        other = Panel(panel.grid, changed, panel.slots)
        both = zip(
            *(Rolling(one, BAYS, [per_day], SCORED).days(FIRST) for one in (panel, other)), strict=True
        )
        for (day, (one,)), (_, (another,)) in both:
            if day == today + 1:
                early = one.targets % per_day <= noon
                assert early.any()
                for name in (OURS, *BASELINES):
                    assert (one.points[name][early] == another.points[name][early]).all(), name
                    assert (one.quantiles[name][early] == another.quantiles[name][early]).all(), name
                    assert (one.chances[name][early] == another.chances[name][early]).all(), name
                break


def test_what_is_not_known_is_not_scored() -> None:
    panel = town(DAYS)
    panel.shares[30 * panel.grid.per_day : 31 * panel.grid.per_day, 0] = np.nan
    for day, (one,) in Rolling(panel, BAYS, [1], SCORED).days(FIRST):
        if day == 30:
            assert np.isnan(one.known[:, 0]).all()
            assert np.isfinite(one.known[:, 1]).all()
            assert np.isfinite(one.points[OURS]).all()


def test_a_week_ahead_is_better_than_the_mean_where_levels_drift() -> None:
    panel = town(70, noise=0.02)
    panel.shares[:] = 0.6 * panel.shares + np.linspace(0, 0.4, panel.steps)[:, None]
    found = last_week(panel, SCORED, 63)
    assert found["mae.week.baycast"] < 0.5 * found["mae.week.time_of_week"]
    assert found["mae.week.baycast"] < found["mae.week.last_week"]


def test_one_step_follows_from_the_evening_to_the_morning() -> None:
    panel = town(DAYS)
    panel.shares.reshape(DAYS, 48, 4)[:, np.r_[0:14, 44:48]] = np.nan
    judge = one_step(panel, BAYS, SCORED, 35, quietly)
    assert judge.judged["step"].every[OURS].forecasts == 7 * len(SCORED) * 4


def test_no_feature_leaks() -> None:
    assert leaks(town(DAYS), SCORED, seed=1) == 0
