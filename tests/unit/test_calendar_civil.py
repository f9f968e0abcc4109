"""Wall clocks, days of 23 and 25 hours, bank holidays, declared days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from occupancy import calendar
from occupancy.model import Area, AreaId, Calendar, Clock, NaiveTimeError, Name

AREA = Area(
    area_id=AreaId("tre"),
    name=Name(en="Town"),
    time_zone="Europe/London",
    languages=("cy",),
    clock=Clock.LIVE,
    bank_holidays="GB-WLS",
)


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 7, 1), 24), (date(2026, 12, 31), 24)],
)
def test_days_have_the_hours_they_have(day: date, hours: int) -> None:
    start, end = calendar.day_bounds("Europe/London", day)
    assert end - start == timedelta(hours=hours)
    assert calendar.civil_at("Europe/London", start) == calendar.CivilTime(day, 0)
    assert calendar.civil_at("Europe/London", end - timedelta(minutes=1)) == calendar.CivilTime(day, 1439)


def test_the_wall_clock_skips_and_repeats() -> None:
    def minute(at: datetime) -> int:
        return calendar.civil_at("Europe/London", at).minute

    assert minute(datetime(2026, 3, 29, 0, 59, tzinfo=UTC)) == 59
    assert minute(datetime(2026, 3, 29, 1, 0, tzinfo=UTC)) == 120
    assert (
        minute(datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
        == minute(datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
        == 90
    )


def test_l7_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(NaiveTimeError):
        calendar.civil_at("Europe/London", datetime(2026, 1, 1))  # noqa: DTZ001


def test_bank_holidays_of_wales() -> None:
    days = calendar.bank_holidays("GB-WLS", 2026)
    assert date(2026, 4, 6) in days  # Easter Monday, which Scotland does not keep
    assert date(2026, 4, 6) not in calendar.bank_holidays("GB-SCT", 2026)
    assert date(2026, 12, 28) in days  # the substitute for Boxing Day on a Saturday
    assert date(2026, 3, 1) not in days  # St David's Day


def test_an_area_may_declare_further_bank_holidays() -> None:
    declared = Calendar(area_id=AreaId("tre"), days=(("bank_holiday", "2026-06-15", "2026-06-15"),))
    assert calendar.is_bank_holiday(AREA, declared, date(2026, 6, 15))
    assert calendar.is_day_of("bank_holiday", AREA, declared, date(2026, 12, 25))
    assert not calendar.is_bank_holiday(AREA, None, date(2026, 6, 15))


def test_declared_ranges_include_both_ends() -> None:
    declared = Calendar(area_id=AreaId("tre"), days=(("event", "2026-06-15", "2026-06-16"),))
    found = [day for day in range(13, 19) if calendar.is_day_of("event", AREA, declared, date(2026, 6, day))]
    assert found == [15, 16]


def test_unknown_places_are_said_so() -> None:
    assert calendar.bank_holiday_problem("GB-WLS") is None
    assert calendar.bank_holiday_problem("DE") is None
    assert "no part" in (calendar.bank_holiday_problem("GB-CYM") or "")
    with pytest.raises(ValueError, match="no time zone"):
        calendar.zone_of("Europe")
