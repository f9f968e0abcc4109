"""What is usual before anything was seen: by what a place is, and no surer than that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from occupancy.forecast.capacity import RulesAt
from occupancy.forecast.first_days import UNSEEN, untaught
from occupancy.forecast.issue import GRID, HORIZONS, Place
from occupancy.forecast.kinds import Kind, kind_of_bays
from occupancy.forecast.model import empty_model
from occupancy.forecast.panel import Grid, Panel
from occupancy.forecast.places import members_of
from occupancy.forecast.prior import (
    HOURS,
    TABLE,
    chance_of_a_free_bay,
    spread_around,
    usual_share,
    usual_week,
)
from occupancy.forecast.untaught import untaught_band
from occupancy.model import AreaId, BayType, Rule, Use, ZoneId
from occupancy.registry import Registry
from occupancy.whole_stay import Timetable
from tests.support.panels import STEP, town
from tests.unit.test_forecast_issuing import WEEK

WORKDAYS = frozenset(range(5))


def rule(use: Use, starts: int = 0, ends: int = 24, **more: object) -> Rule:
    return Rule(
        rule_id=use.value,
        area_id=AreaId("tre"),
        use=use,
        days=WORKDAYS,
        starts_min=60 * starts,
        ends_min=60 * ends,
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("bay_type", "rules", "kind"),
    [
        (BayType.STANDARD, (), Kind.OPEN),
        (BayType.STANDARD, (rule(Use.FREE_PARKING),), Kind.OPEN),
        (BayType.STANDARD, (rule(Use.PAY, 8, 18),), Kind.SHORT_STAY),
        (BayType.STANDARD, (rule(Use.LIMITED_WAITING),), Kind.SHORT_STAY),
        (BayType.STANDARD, (rule(Use.RESIDENT),), Kind.RESIDENT),
        (BayType.STANDARD, (rule(Use.LOADING, 7, 10), rule(Use.PAY, 10, 18)), Kind.SHORT_STAY),
        (BayType.STANDARD, (rule(Use.PAY, 8, 18), rule(Use.RESIDENT, 18, 24)), Kind.SHORT_STAY),
        (BayType.STANDARD, (rule(Use.NO_PARKING, 8, 18),), Kind.OPEN),
        (BayType.STANDARD, (rule(Use.RESIDENT, only_on="event"), rule(Use.PAY)), Kind.SHORT_STAY),
        (BayType.BLUE_BADGE, (rule(Use.LIMITED_WAITING),), Kind.BLUE_BADGE),
        (BayType.COACH, (), Kind.COACH),
    ],
)
def test_rules_say_what_bays_are_for(bay_type: BayType, rules: tuple[Rule, ...], kind: Kind) -> None:
    assert kind_of_bays(bay_type, rules) is kind


def test_every_kind_has_a_week_that_is_possible() -> None:
    assert set(TABLE) == set(Kind)
    assert {kind.value for kind in Kind} >= {one.value for one in BayType if one is not BayType.STANDARD}
    for days in TABLE.values():
        for percents in days:
            assert len(percents) == len(HOURS)
            assert all(5 <= percent <= 85 for percent in percents)  # no kind is always full, or always empty


def test_the_page_shows_the_table_as_it_is() -> None:
    page = (Path(__file__).parents[2] / "docs" / "forecasts.md").read_text(encoding="utf-8")
    assert "| o'clock | " + " | ".join(map(str, HOURS)) + " |" in page
    for kind, (weekdays, _, _) in TABLE.items():
        assert f"| `{kind}` | " + " | ".join(map(str, weekdays)) + " |" in page


@pytest.mark.parametrize("step", [timedelta(minutes=5), timedelta(minutes=30)])
def test_the_table_is_what_is_usual_at_its_hours(step: timedelta) -> None:
    grid = Grid(step)
    week = usual_week([Kind.LOADING, Kind.RESIDENT], grid)
    for weekday, row in ((0, 0), (4, 0), (5, 1), (6, 2)):
        for hour, percent in zip(HOURS, TABLE[Kind.LOADING][row], strict=True):
            assert week[weekday * grid.per_day + hour * timedelta(hours=1) // step, 0] == percent / 100
    assert week[9 * timedelta(hours=1) // step, 1] == pytest.approx(0.68)  # between 74 and 62 %
    assert (np.abs(np.diff(week[: 4 * grid.per_day], axis=0)) < 0.13).all()  # no jump at midnight


def test_the_hour_is_that_of_the_clock_on_the_wall() -> None:
    summer, winter = (datetime(2026, month, 1, 12, tzinfo=UTC) for month in (7, 12))  # a Wednesday, a Tuesday
    assert usual_share(Kind.LOADING, WEEK, winter) == 0.5
    assert usual_share(Kind.LOADING, WEEK, summer - timedelta(hours=1)) == 0.5


def test_the_more_bays_the_likelier_one_is_free() -> None:
    usual = np.full((1, 4), 0.75)
    found = chance_of_a_free_bay(usual, np.array([1, 2, 10, 200]))[0]
    assert found[0] == pytest.approx(0.25, abs=0.05)  # a bay that is taken so often
    assert (np.diff(found) > 0).all()
    assert found[-1] > 0.95
    assert chance_of_a_free_bay(np.array([[0.2], [0.9]]), np.array([5]))[:, 0] == pytest.approx(
        [0.99, 0.4], abs=0.12
    )


def test_of_places_of_a_kind_nine_of_ten_lie_in_the_band() -> None:
    usual = usual_week([Kind.SHORT_STAY], GRID)
    at = usual[[13 * 12]]
    band = untaught_band(HORIZONS[-1], 0.0, usual, np.array([500]))
    around = band.around(at, np.array([4]))[0, 0]
    dice = np.random.default_rng(1)
    elsewhere = spread_around(at[0], dice.uniform(size=20_000))[0]
    assert ((elsewhere >= around[0]) & (elsewhere <= around[-1])).mean() == pytest.approx(0.93, abs=0.03)
    assert around[0] > 0
    assert around[-1] < 1
    narrow = untaught_band(HORIZONS[0], 1.0, usual, np.array([500])).around(at, np.array([4]))[0, 0]
    assert narrow[-1] - narrow[0] < 0.3 * (around[-1] - around[0])


def test_a_street_of_few_bays_moves_on_while_a_large_car_park_stays() -> None:
    usual = np.full((GRID.per_week, 2), 0.5)
    hour = timedelta(hours=1)
    soon, later = (
        untaught_band(ahead, 1.0, usual, np.array([10, 1000])) for ahead in (HORIZONS[0], 9 * hour)
    )
    widths = [np.ptp(one.around(usual[:1], np.array([4]))[0][:, [1, 3]], axis=1) for one in (soon, later)]
    assert widths[1][0] > 1.3 * widths[0][0]
    assert widths[1][1] == pytest.approx(widths[0][1], rel=0.1)


def test_what_is_said_of_places_of_the_same_street_differs_by_what_they_are_for() -> None:
    places = tuple(Place(ZoneId("high-st"), kind) for kind in (BayType.STANDARD, BayType.BLUE_BADGE))
    model = empty_model(places, (Kind.RESIDENT, Kind.BLUE_BADGE), np.array([8, 2]))
    night = 3 * 12
    assert model.weeks.usual[night, 0] > 0.7 > 0.3 > model.weeks.usual[night, 1]
    assert model.weeks.some_free[night, 1] > model.weeks.some_free[night, 0]
    assert len(model.horizons) == len(HORIZONS)


def test_scored_against_a_half_a_town_of_car_parks_is_told_better_by_the_prior() -> None:
    grid = Grid(STEP)
    usual = usual_week([Kind.CAR_PARK] * 3, grid)
    steps = np.arange(14 * grid.per_day)
    moved = 0.1 * town(14, places=3).shares
    panel = Panel(grid, np.clip(usual[steps % grid.per_week] + moved, 0, 1), steps % grid.per_week)
    found = untaught(panel, np.array([100, 200, 300]), np.arange(14, 43), usual, seed=1)
    for horizon in ("30m", "4h", "24h", UNSEEN):
        assert found[f"mae.{horizon}.baycast"] < found[f"mae.{horizon}.half"]
        assert found[f"mae_less_high.{horizon}"] < 0
        assert found[f"coverage90.{horizon}"] > 0.9
    assert "mae.5m.baycast" not in found  # the grid has no such steps


def test_an_arrival_leans_on_the_same_table() -> None:
    registry = Registry(
        [
            (
                "area",
                "tre",
                {"name": {"en": "T"}, "time_zone": "Europe/London", "languages": ["en"], "clock": "live"},
            ),
            (
                "rule",
                "pay",
                {"area_id": "tre", "use": "pay", "days": "daily", "starts": "08:00", "ends": "18:00"},
            ),
            (
                "zone",
                "street",
                {"area_id": "tre", "kind": "street", "name": {"en": "S"}, "lat": 51.5, "lon": -3.2},
            ),
            *(
                (
                    "bay",
                    f"b{number}",
                    {
                        "area_id": "tre",
                        "zone_id": "street",
                        "lat": 51.5,
                        "lon": -3.2,
                        "bay_type": "standard",
                        "rule_ids": ["pay"] if number < 3 else [],
                    },
                )
                for number in range(4)
            ),
        ]
    )
    at = datetime(2026, 12, 1, 12, tzinfo=UTC)
    rules, zone = RulesAt(Timetable(registry), at), registry.zones[ZoneId("street")]
    assert sorted(one.kind for one in members_of(registry)) == [Kind.OPEN, Kind.SHORT_STAY]
    assert rules.prior_share(zone, rules.capacity(zone)) == pytest.approx((3 * 0.76 + 0.72) / 4)
