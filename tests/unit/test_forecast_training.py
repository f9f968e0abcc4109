"""Models are what the walk over the days has learnt, and say what it would say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from occupancy.forecast.baselines import OURS
from occupancy.forecast.issue import GRID, HORIZONS, Place
from occupancy.forecast.issuing import REMEMBERED, Recent, issue
from occupancy.forecast.panel import Panel
from occupancy.forecast.rolling import Rolling
from occupancy.forecast.training import LEARNT_EVERY, train
from occupancy.model import BayType, Source, ZoneId
from tests.support.panels import town
from tests.unit.test_forecast_issuing import AREA, WEEK

DAYS = 15
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
TRAINED_TO = MONDAY + timedelta(days=DAYS)
BAYS = np.array([6, 12, 50, 200])
PLACES = tuple(Place(ZoneId(f"street-{number}")) for number in range(4))


@pytest.fixture(scope="module")
def panel() -> Panel:
    """A day more than is learnt from; the small streets have few bays to tell them apart."""
    found = town(DAYS + 1, step=GRID.step)
    return Panel(GRID, np.rint(found.shares * BAYS) / BAYS, found.slots)


def before(panel: Panel, steps: int) -> Panel:
    return Panel(GRID, panel.shares[:steps], panel.slots[:steps])


def recent(panel: Panel, step: int) -> Recent:
    at = MONDAY + step * GRID.step
    return Recent(at, panel.shares[step - REMEMBERED + 1 : step + 1], at, panel.shares[step])


def test_a_model_says_what_the_walk_over_the_days_says(panel: Panel) -> None:
    model = train(before(panel, DAYS * GRID.per_day), PLACES, BAYS, TRAINED_TO)
    assert set(model.sources) == {Source.FORECAST}
    aheads = [GRID.steps(ahead) for ahead in HORIZONS]
    scored = np.arange(0, GRID.per_day, LEARNT_EVERY // GRID.step)
    walk = Rolling(panel, BAYS.astype(float), aheads, scored, judged=())
    walked = dict(walk.days(DAYS, to_learn=True))[DAYS]
    target = DAYS * GRID.per_day + 180
    for number, forecasts in enumerate(
        walked[:-1]
    ):  # a day ahead begins on the day before, with the weeks of then
        origin = target - aheads[number]
        now = MONDAY + origin * GRID.step
        found = issue(model, AREA, recent(panel, origin), BAYS, WEEK, now)
        row = int(np.flatnonzero(forecasts.targets == target)[0])
        assert found.free[:, number] == pytest.approx(1 - forecasts.points[OURS][row], abs=1e-9)
        said = 1 - forecasts.quantiles[OURS][row][:, ::-1]
        assert found.quantiles[:, number] == pytest.approx(said, abs=1e-9)
        assert found.any_free[:, number] == pytest.approx(forecasts.chances[OURS][row], abs=1e-6)


@pytest.mark.parametrize(("days", "source"), [(1, Source.TYPICAL), (3, Source.TYPICAL), (7, Source.FORECAST)])
def test_the_ladder_follows_the_days_that_were_seen(panel: Panel, days: int, source: Source) -> None:
    model = train(before(panel, days * GRID.per_day), PLACES, BAYS, MONDAY + timedelta(days=days))
    assert set(model.sources) == {source}
    step = days * GRID.per_day + 100
    found = issue(model, AREA, recent(panel, step), BAYS, WEEK, MONDAY + step * GRID.step)
    assert (found.free >= 0).all()
    assert (found.free <= 1).all()


@pytest.mark.parametrize(
    ("known", "source"), [(1, Source.PRIOR), (143, Source.PRIOR), (144, Source.FORECAST)]
)
def test_a_day_counts_when_half_of_it_is_known(panel: Panel, known: int, source: Source) -> None:
    shares = panel.shares[: 7 * GRID.per_day].copy()
    shares.reshape(7, GRID.per_day, -1)[:, known:, 1] = np.nan
    part = Panel(GRID, shares, panel.slots[: 7 * GRID.per_day])
    model = train(part, PLACES, BAYS, MONDAY + timedelta(days=7))
    assert model.sources == (Source.FORECAST, source, Source.FORECAST, Source.FORECAST)


def test_a_place_is_forecast_by_words_of_the_last_quarter_of_an_hour_alone(panel: Panel) -> None:
    model = train(before(panel, DAYS * GRID.per_day), PLACES, BAYS, TRAINED_TO)
    step = DAYS * GRID.per_day + 100
    for silent, lag, source in ((3, 0, "forecast"), (4, 0, "typical"), (0, 4, "typical"), (2, 2, "typical")):
        seen = recent(panel, step)
        shares, now = seen.shares.copy(), seen.now.copy()
        if silent:
            shares[-silent:, 1], now[1] = np.nan, np.nan
        quiet = Recent(seen.until, shares, seen.data_to, now)
        found = issue(model, AREA, quiet, BAYS, WEEK, seen.data_to + lag * GRID.step)
        assert found.sources[1] is Source(source), (silent, lag)
        assert found.sources[0] is (Source.FORECAST if lag < 4 else Source.TYPICAL)


def test_a_place_that_the_model_does_not_know_is_like_its_kind(panel: Panel) -> None:
    model = train(before(panel, DAYS * GRID.per_day), PLACES, BAYS, TRAINED_TO)
    new = Place(ZoneId("new-street"), BayType.BLUE_BADGE)
    asked = (PLACES[2], new, PLACES[0])
    found = model.of(asked, np.array([50, 3, 6]))
    assert found.places == asked
    assert found.sources == (Source.FORECAST, Source.PRIOR, Source.FORECAST)
    assert (found.weeks.usual[:, 0] == model.weeks.usual[:, 2]).all()
    assert found.weeks.usual[:, 1] == pytest.approx(model.weeks.usual.mean(1))
    step = DAYS * GRID.per_day + 100
    seen, now = recent(panel, step), MONDAY + step * GRID.step
    known = issue(model, AREA, seen, BAYS, WEEK, now)
    other = Recent(seen.until, seen.shares[:, [2, 1, 0]], seen.data_to, seen.now[[2, 1, 0]])
    mixed = issue(found, AREA, other, np.array([50, 3, 6]), WEEK, now)
    assert mixed.quantiles[0, -1] == pytest.approx(known.quantiles[2, -1], abs=0.05)
    # its usual is everybody's, so its band has everybody's errors
    assert (mixed.quantiles[1, :, -1] - mixed.quantiles[1, :, 0] > 0.01).all()


def test_only_whole_days_are_learnt_from(panel: Panel) -> None:
    with pytest.raises(ValueError, match="whole days"):
        train(before(panel, GRID.per_day + 1), PLACES, BAYS, TRAINED_TO)


def test_from_days_on_which_nothing_was_known_nothing_is_learnt(panel: Panel) -> None:
    silent = Panel(
        GRID, np.full_like(panel.shares[: 3 * GRID.per_day], np.nan), panel.slots[: 3 * GRID.per_day]
    )
    model = train(silent, PLACES, BAYS, MONDAY + timedelta(days=3))
    assert set(model.sources) == {Source.PRIOR}
    found = issue(model, AREA, recent(panel, REMEMBERED), BAYS, WEEK, MONDAY + REMEMBERED * GRID.step)
    assert np.isfinite(found.quantiles).all()
