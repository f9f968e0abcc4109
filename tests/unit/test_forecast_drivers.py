"""The simulated city that answers for drivers are judged by, and what the judge makes of it."""

from __future__ import annotations

import numpy as np
import pytest

from baycast.bench.forecast import Plan as BenchPlan
from baycast.bench.forecast import measure as bench
from baycast.forecasting.drivers import AHEAD_MIN, Plan, measure
from baycast.forecasting.drivers_city import LONGEST, QUARTERS, SeenCity, seen_city
from baycast.score.city import make_city
from occupancy.forecast.issue import GRID


def quietly(text: str) -> None:
    assert text


@pytest.fixture(scope="module")
def city() -> SeenCity:
    return seen_city(bays=30, days=2, seed=1, scenario="calm", tell=quietly)


def test_streets_are_cut_into_short_ones_and_no_bay_is_lost() -> None:
    whole = make_city(bays=150, seed=1, car_parks=False)
    cut = make_city(bays=150, seed=1, car_parks=False, longest=LONGEST)
    assert [bay.bay_id for bay in cut.plan.bays] == [bay.bay_id for bay in whole.plan.bays]
    assert [bay.profile for bay in cut.plan.bays] == [bay.profile for bay in whole.plan.bays]
    counts = {len(bays) for bays in cut.registry().bays_by_zone.values()}
    assert max(counts) == LONGEST
    assert not cut.registry().problems()


def test_without_faults_what_is_seen_is_what_is_true(city: SeenCity) -> None:
    number = len(city.places)
    free = np.stack([np.bincount(city.place_of, row, number) for row in city.truly_free.astype(float)])
    awake = slice(GRID.per_day, None)  # every sensor has spoken by then
    off = np.abs(city.panel.shares - (1 - free / city.bays))[awake]
    assert np.isfinite(off).all()
    assert off.mean() < 0.02  # a change takes a few seconds to be told, and what lasts oddly long is doubted
    assert city.open_to_all.shape == (QUARTERS, number)
    assert city.quarter(0) == 4  # midnight in UTC is one o'clock in a Welsh summer
    assert 0 < city.controlled.mean() < 1


def test_drivers_are_told_and_judged_at_every_distance() -> None:
    found = measure(Plan(bays=30, history=[2], tested_days=1, scenario="calm"), quietly)["figures"]
    assert isinstance(found, dict)
    for ahead in AHEAD_MIN:
        name = f"{ahead}m.2d"
        assert found[f"asked.{name}"] > 0
        assert 0 < found[f"brier.{name}"] < 0.25
        assert found[f"ece.{name}"] < 0.5


def test_before_any_day_was_seen_drivers_are_told_what_is_usual_elsewhere() -> None:
    found = measure(Plan(bays=30, history=[0], tested_days=1, scenario="calm"), quietly)["figures"]
    assert isinstance(found, dict)
    for ahead in AHEAD_MIN:
        assert found[f"asked.{ahead}m.0d"] > 0
        assert 0 < found[f"brier.{ahead}m.0d"] < 0.25
        assert f"brier_skill_half.{ahead}m.0d" in found
        assert f"brier_skill_climatology.{ahead}m.0d" not in found


def test_a_plan_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="--history"):
        Plan(history=[-1])
    with pytest.raises(ValueError, match="--scenario"):
        Plan(scenario="sunny")
    with pytest.raises(ValueError, match="--bays"):
        Plan(bays=0)
    with pytest.raises(ValueError, match="--days"):
        BenchPlan(places=1, days=1, seed=1)


def test_the_bench_trains_and_issues() -> None:
    found = bench(BenchPlan(places=3, days=8, seed=1), quietly)["figures"]
    assert isinstance(found, dict)
    assert {"train_city_year_s", "train_peak_mib", "issue_1000_ms"} <= found.keys()
    assert found.pop("horizons_with_trees") == 0  # eight days are too few
    assert all(value > 0 for value in found.values())
