"""What is usual for a zone, on hand-made weeks."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from occupancy.forecast.profile import Basis, Cell, Profile, Week, profile_of
from occupancy.model import Area, AreaId, Clock, Name

QUARTER = timedelta(minutes=15)
MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
"""Midnight in Cardiff, too: it is winter."""


def week(bank_holidays: str | None = None) -> Week:
    area = Area(
        area_id=AreaId("tre"),
        name=Name(en="Town"),
        time_zone="Europe/London",
        languages=("en",),
        clock=Clock.LIVE,
        bank_holidays=bank_holidays,
    )
    return Week(area, None)


def cells(start: datetime, end: datetime, share: Callable[[datetime], float]) -> Iterator[Cell]:
    at = start
    while at < end:
        occupied = 9000 * share(at)
        yield Cell(at, 9000 - occupied, occupied, 0)
        at += QUARTER


def weeks(number: int, share: Callable[[datetime], float]) -> Profile:
    end = MONDAY + timedelta(weeks=number)
    return profile_of(cells(MONDAY, end, share), week(), end)


def busy_on_weekdays(at: datetime) -> float:
    return 0.8 if at.weekday() < 5 and 9 <= at.hour < 17 else 0.1


def test_a_fortnight_knows_weekdays_by_class_and_weekends_by_hour() -> None:
    profile = weeks(2, busy_on_weekdays)

    monday = profile.at(MONDAY + timedelta(weeks=2, hours=10))
    assert monday is not None
    assert (monday.share, monday.cells, monday.basis) == (pytest.approx(0.8), 10, Basis.DAY_CLASS)
    saturday = profile.at(MONDAY + timedelta(weeks=2, days=5, hours=10))
    assert saturday is not None
    assert (saturday.cells, saturday.basis) == (56, Basis.HOUR)
    assert 0.5 < saturday.share < 0.7
    assert saturday.variance > 0.05


def test_three_weeks_know_every_day_of_the_week() -> None:
    saturday = weeks(3, busy_on_weekdays).at(MONDAY + timedelta(weeks=3, days=5, hours=10))

    assert saturday is not None
    assert (saturday.share, saturday.basis, saturday.cells) == (pytest.approx(0.1), Basis.WEEKDAY, 3)


def test_a_day_says_nothing_about_what_is_usual() -> None:
    profile = profile_of(
        cells(MONDAY, MONDAY + timedelta(days=1), lambda _: 0.5), week(), MONDAY + timedelta(days=1)
    )

    assert profile.at(MONDAY + timedelta(days=1, hours=10)) is None


def test_younger_weeks_weigh_more() -> None:
    turned = weeks(8, lambda at: 0.0 if at < MONDAY + timedelta(weeks=4) else 1.0)

    found = turned.at(MONDAY + timedelta(weeks=8))
    assert found is not None
    assert found.share == pytest.approx(2 / 3, abs=0.01)  # a half-life lies between the two halves


def test_l7_the_wall_clock_decides_across_the_change_of_time() -> None:
    """25 October 2026: 01:00..02:00 comes twice in Cardiff. Nine on the wall is 08:00 UTC before it, 09:00 after."""
    end = datetime(2026, 11, 9, tzinfo=UTC)

    def nine_on_the_wall(at: datetime) -> float:
        summer = at < datetime(2026, 10, 25, 1, tzinfo=UTC)
        return 1.0 if at.hour == (8 if summer else 9) else 0.0

    made = cells(datetime(2026, 10, 12, tzinfo=UTC), end, nine_on_the_wall)
    profile = profile_of(made, week(), end)

    nine, eight = (profile.at(end + timedelta(hours=hour)) for hour in (9, 8))
    assert nine is not None
    assert (nine.share, nine.variance) == (1.0, 0.0)
    assert eight is not None
    assert eight.share == 0.0
    twice = profile.at(datetime(2026, 11, 15, 1, 30, tzinfo=UTC))
    assert twice is not None
    assert twice.cells == 5  # four Sundays, one of them with the quarter twice


def test_the_hour_skipped_in_spring_has_one_cell_fewer() -> None:
    start, end = datetime(2027, 3, 8, tzinfo=UTC), datetime(2027, 4, 11, 23, tzinfo=UTC)
    profile = profile_of(cells(start, end, lambda _: 0.5), week(), end)

    skipped = profile.at(datetime(2027, 4, 18, 0, 30, tzinfo=UTC))  # 01:30 on the wall
    assert skipped is not None
    assert skipped.cells == 4  # five Sundays, one without this quarter


def test_a_bank_holiday_is_like_a_sunday() -> None:
    wales = week("GB-WLS")
    christmas = datetime(2026, 12, 25, 10, tzinfo=UTC)

    assert wales.slot(christmas) == wales.slot(datetime(2026, 12, 27, 10, tzinfo=UTC))
    assert week().slot(christmas) == week().slot(datetime(2026, 12, 18, 10, tzinfo=UTC))


def test_l4_a_cell_hardly_observed_is_no_history() -> None:
    end = MONDAY + timedelta(weeks=4)
    blind = [Cell(cell.at, 100, 0, 900) for cell in cells(MONDAY, end, lambda _: 0.0)]

    assert profile_of(blind, week(), end).at(end) is None


def test_the_future_is_no_history() -> None:
    made = list(cells(MONDAY, MONDAY + timedelta(weeks=4), busy_on_weekdays))

    assert profile_of(made, week(), MONDAY).at(MONDAY + timedelta(hours=10)) is None
