"""Forecasts of one moment: what they claim with much, little and no evidence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from occupancy.forecast.issue import GRID, HORIZONS, Issue, Place
from occupancy.forecast.issuing import REMEMBERED, Recent, issue
from occupancy.forecast.kinds import Kind
from occupancy.forecast.model import Model, empty_model
from occupancy.forecast.panel import Floats
from occupancy.forecast.profile import Week
from occupancy.model import Area, AreaId, Clock, Name, Source, ZoneId

AREA = AreaId("cardiff")
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
WEEK = Week(
    Area(
        area_id=AREA, name=Name(en="Cardiff"), time_zone="Europe/London", languages=("en",), clock=Clock.LIVE
    ),
    None,
)
PLACES = tuple(Place(ZoneId(name)) for name in ("castle-st", "high-st", "park-place"))
BAYS = np.array([10, 4, 200])
KINDS = (Kind.SHORT_STAY, Kind.RESIDENT, Kind.CAR_PARK)


def seen(now: list[float], data_to: datetime = NOON, rows: int = REMEMBERED) -> Recent:
    """Nothing but what is seen at the end."""
    shares = np.full((rows, len(now)), np.nan)
    until = data_to.replace(minute=data_to.minute // 5 * 5, second=0)
    return Recent(until, shares, data_to, np.array(now))


def issued(model: Model, recent: Recent, now: datetime = NOON) -> Issue:
    return issue(model, AREA, recent, BAYS, WEEK, now)


def width(one: Issue, place: int) -> Floats:
    found: Floats = one.quantiles[place, :, -1] - one.quantiles[place, :, 0]
    return found


def test_on_the_first_day_what_is_seen_lasts_for_a_while_and_is_called_a_prior() -> None:
    found = issued(empty_model(PLACES, KINDS, BAYS), seen([0.9, 0.0, np.nan], rows=0))
    assert found.model == "prior"
    assert set(found.sources) == {Source.PRIOR}
    assert (np.diff(found.free[0, :-1]) >= 0).all()  # from nearly full towards what is usual
    assert found.free[0, 0] < 0.15
    assert found.free[1, 0] > 0.9
    noon_to_four = 1 - found.free[2, 2:-1]  # of a car park of which nothing is seen, on a Tuesday
    assert ((noon_to_four > 0.4) & (noon_to_four < 0.6)).all()
    assert (np.diff(width(found, 0)[:-1]) >= 0).all()
    assert (width(found, 2) > 0.7).all()


def test_the_older_the_evidence_the_less_is_claimed() -> None:
    model = empty_model(PLACES, (Kind.OPEN,) * 3, BAYS)  # whose hours before noon are much alike
    ages = [timedelta(minutes=minutes) for minutes in (0, 10, 60, 120)]
    half_hour = HORIZONS.index(timedelta(minutes=30))
    found = [issued(model, seen([0.9, 0.1, 0.9], NOON - age)) for age in ages]
    assert (np.diff([one.free[0, half_hour] for one in found]) > 0).all()
    assert (np.diff([width(one, 0)[half_hour] for one in found]) > 0).all()
    gone = issued(model, seen([0.9, 0.1, 0.9], NOON - timedelta(hours=7)))
    assert np.allclose(gone.free[:, :4], 1 - 0.72)  # as it is at such places


def test_a_place_that_fell_silent_alone_is_as_if_all_had() -> None:
    model = empty_model(PLACES, KINDS, BAYS)
    alone = seen([np.nan, 0.1, 0.9])
    alone.shares[-1 - 12, 0] = 0.9
    found, all_silent = issued(model, alone), issued(model, seen([0.9, 0.1, 0.9], NOON - timedelta(hours=1)))
    assert np.allclose(found.free[0], all_silent.free[0])
    assert np.allclose(found.quantiles[0], all_silent.quantiles[0])
    assert np.allclose(found.any_free[0], all_silent.any_free[0])


def test_between_two_instants_of_the_grid_what_is_seen_now_counts() -> None:
    recent = seen([0.5, 0.5, 0.5], NOON + timedelta(minutes=2))
    recent.shares[-1] = 1.0
    found = issued(empty_model(PLACES, KINDS, BAYS), recent, NOON + timedelta(minutes=2, seconds=20))
    assert np.allclose(found.free[:, :2], 0.5, atol=0.01)
    assert found.data_to == NOON + timedelta(minutes=2)
    assert GRID.step == timedelta(minutes=5)
