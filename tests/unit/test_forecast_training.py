"""Models are what the walk over the days has learnt, and say what it would say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from occupancy.forecast.baselines import OURS
from occupancy.forecast.issue import GRID, HORIZONS, Place
from occupancy.forecast.issuing import REMEMBERED, Recent, issue
from occupancy.forecast.kinds import Kind
from occupancy.forecast.model import empty_model
from occupancy.forecast.other_places import model_of
from occupancy.forecast.panel import Panel
from occupancy.forecast.prior import usual_week
from occupancy.forecast.rolling import Rolling
from occupancy.forecast.training import LEARNT_EVERY, train
from occupancy.forecast.untaught import untaught_weeks
from occupancy.model import BayType, Source, ZoneId
from tests.support.panels import town
from tests.unit.test_forecast_issuing import AREA, WEEK

DAYS = 15
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
TRAINED_TO = MONDAY + timedelta(days=DAYS)
BAYS = np.array([6, 12, 50, 200])
PLACES = tuple(Place(ZoneId(f"street-{number}")) for number in range(4))
KINDS = (Kind.OPEN,) * 4


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
    model = train(before(panel, DAYS * GRID.per_day), PLACES, KINDS, BAYS, TRAINED_TO)
    assert set(model.sources) == {Source.FORECAST}
    aheads = [GRID.steps(ahead) for ahead in HORIZONS]
    scored = np.arange(0, GRID.per_day, LEARNT_EVERY // GRID.step)
    prior = untaught_weeks(usual_week(KINDS, GRID), BAYS)
    walk = Rolling(panel, BAYS.astype(float), aheads, scored, judged=(), prior=prior)
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
    model = train(before(panel, days * GRID.per_day), PLACES, KINDS, BAYS, MONDAY + timedelta(days=days))
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
    model = train(part, PLACES, KINDS, BAYS, MONDAY + timedelta(days=7))
    assert model.sources == (Source.FORECAST, source, Source.FORECAST, Source.FORECAST)


def test_a_place_is_forecast_by_words_of_the_last_quarter_of_an_hour_alone(panel: Panel) -> None:
    model = train(before(panel, DAYS * GRID.per_day), PLACES, KINDS, BAYS, TRAINED_TO)
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
    model = train(before(panel, DAYS * GRID.per_day), PLACES, KINDS, BAYS, TRAINED_TO)
    asked = (PLACES[2], Place(ZoneId("new-street")), PLACES[0], Place(ZoneId("newer-street")))
    bays = np.array([50, 3, 6, 30])
    found = model_of(model, asked, KINDS, bays)
    assert found.places == asked
    assert found.sources == (Source.FORECAST, Source.PRIOR, Source.FORECAST, Source.PRIOR)
    assert (found.weeks.usual[:, 0] == model.weeks.usual[:, 2]).all()
    assert found.weeks.usual[:, 1] == pytest.approx(model.weeks.usual.mean(1))
    assert (
        found.weeks.some_free[:, 3] > found.weeks.some_free[:, 1]
    ).all()  # of more bays one is free more often
    step = DAYS * GRID.per_day + 100
    seen, now = recent(panel, step), MONDAY + step * GRID.step
    known = issue(model, AREA, seen, BAYS, WEEK, now)
    places = [2, 1, 0, 3]
    other = Recent(seen.until, seen.shares[:, places], seen.data_to, seen.now[places])
    mixed = issue(found, AREA, other, bays, WEEK, now)
    assert mixed.quantiles[0, -1] == pytest.approx(known.quantiles[2, -1], abs=0.05)
    # its usual is everybody's, so its band has everybody's errors
    assert (mixed.quantiles[1, :, -1] - mixed.quantiles[1, :, 0] > 0.01).all()


def test_of_a_kind_of_which_too_little_is_known_a_new_place_has_the_priors_week_and_band(
    panel: Panel,
) -> None:
    kinds = (Kind.OPEN, Kind.OPEN, Kind.LOADING, Kind.LOADING)
    model = train(before(panel, DAYS * GRID.per_day), PLACES, kinds, BAYS, TRAINED_TO)
    new, bays = (
        (*PLACES, Place(ZoneId("new"), BayType.BLUE_BADGE), Place(ZoneId("newer"))),
        np.append(BAYS, [3, 3]),
    )
    asked = (*kinds, Kind.BLUE_BADGE, Kind.LOADING)
    found, prior = model_of(model, new, asked, bays), empty_model(new, asked, bays)
    for place in (4, 5):
        assert (found.weeks.usual[:, place] == prior.weeks.usual[:, place]).all()
        assert (found.weeks.some_free[:, place] == prior.weeks.some_free[:, place]).all()
        for one, first in zip(found.horizons, prior.horizons, strict=True):
            assert (one.band.ordered[place] == first.band.ordered[place]).all()
    assert (found.weeks.usual[:, :4] == model.weeks.usual).all()
    assert np.isnan(found.residuals[:, 4:]).all()  # nobody knows how far from usual it was
    step = DAYS * GRID.per_day + 100
    seen, silent = recent(panel, step), np.full((REMEMBERED, 2), np.nan)
    none = Recent(
        seen.until, np.hstack([seen.shares, silent]), seen.data_to, np.append(seen.now, [np.nan] * 2)
    )
    now = MONDAY + step * GRID.step
    said = issue(found, AREA, none, bays, WEEK, now)
    assert said.free[:4] == pytest.approx(issue(model, AREA, seen, BAYS, WEEK, now).free)
    assert (said.quantiles[4:, :, -1] - said.quantiles[4:, :, 0] > 0.5).all()


def test_only_whole_days_are_learnt_from(panel: Panel) -> None:
    with pytest.raises(ValueError, match="whole days"):
        train(before(panel, GRID.per_day + 1), PLACES, KINDS, BAYS, TRAINED_TO)


def test_from_days_on_which_nothing_was_known_nothing_is_learnt(panel: Panel) -> None:
    silent = Panel(
        GRID, np.full_like(panel.shares[: 3 * GRID.per_day], np.nan), panel.slots[: 3 * GRID.per_day]
    )
    model = train(silent, PLACES, KINDS, BAYS, MONDAY + timedelta(days=3))
    assert set(model.sources) == {Source.PRIOR}
    found = issue(model, AREA, recent(panel, REMEMBERED), BAYS, WEEK, MONDAY + REMEMBERED * GRID.step)
    assert np.isfinite(found.quantiles).all()
