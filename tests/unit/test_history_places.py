"""Which period of one stretch is held against which of another, over days of 23 and 25 hours, too."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from occupancy.history.periods import Grain, Question, instant_of, period_end
from occupancy.history.places import Place, Places, end_as_long
from occupancy.model import AreaId

ZONE = "Europe/London"


def at(text: str) -> datetime:
    return instant_of(text, ZONE)


def asked(start: str, end: str, grain: Grain = Grain.HOUR, **more: Any) -> Question:
    return Question(area=AreaId("town"), time_zone=ZONE, start=at(start), end=at(end), grain=grain, **more)


def test_an_instant_may_be_written_in_small_letters() -> None:
    assert at("2026-10-01t08:00:00z") == at("2026-10-01T08:00:00Z")


@pytest.mark.parametrize(
    ("start", "end", "from_", "expected"),
    [
        ("2026-10-25", "2026-10-26", "2026-10-18", "2026-10-19"),
        ("2026-10-18", "2026-10-19", "2026-10-25", "2026-10-26"),
        ("2026-03-29", "2026-03-30", "2026-03-22", "2026-03-23"),
        ("2026-10-25", "2026-10-27", "2026-10-22", "2026-10-24"),
        ("2026-10-21", "2026-10-23", "2026-10-24", "2026-10-26"),
        ("2026-10-25T00:00:00Z", "2026-10-25T05:00:00Z", "2026-10-18T00:00:00Z", "2026-10-18T05:00:00Z"),
        ("2026-10-18T00:00:00Z", "2026-10-18T05:00:00Z", "2026-10-25T00:00:00Z", "2026-10-25T05:00:00Z"),
        ("2026-10-25T00:30:00Z", "2026-10-25T01:15:00Z", "2026-10-18T08:00:00Z", "2026-10-18T08:45:00Z"),
        ("2026-10-24T07:00:00Z", "2026-10-25T10:00:00Z", "2026-11-02T08:00:00Z", "2026-11-03T10:00:00Z"),
    ],
)
def test_an_earlier_stretch_has_as_many_civil_days_and_hours(
    start: str, end: str, from_: str, expected: str
) -> None:
    assert end_as_long(at(from_), asked(start, end)) == at(expected)


@pytest.mark.parametrize(
    ("grain", "first", "at_", "number"),
    [
        (Grain.HOUR, "2026-10-25", "2026-10-25T08:00:00Z", 8),
        (Grain.HOUR, "2026-10-18", "2026-10-18T07:00:00Z", 8),
        (Grain.HOUR, "2026-03-29", "2026-03-29T07:00:00Z", 8),
        (Grain.HOUR, "2026-11-02T08:00:00Z", "2026-11-03T01:00:00Z", 17),
        (Grain.FIVE_MINUTES, "2026-10-18", "2026-10-18T07:05:00Z", 97),
        (Grain.DAY, "2026-10-24", "2026-10-26", 2),
        (Grain.WEEK, "2026-10-25T12:00:00Z", "2026-10-26", 1),
        (Grain.MONTH, "2025-12-31T12:00:00Z", "2026-02", 2),
        (Grain.TOTAL, "2026-10-18", "2026-10-18", 0),
    ],
)
def test_places_are_by_the_clock_on_the_wall(grain: Grain, first: str, at_: str, number: int) -> None:
    assert Places(asked(first, "2026-12-01", grain)).of(at(at_)) == Place(number)


def test_the_hour_that_comes_twice_is_another_place_the_second_time() -> None:
    long_day, usual, short = (
        Places(asked(day, following))
        for day, following in (
            ("2026-10-25", "2026-10-26"),
            ("2026-10-18", "2026-10-19"),
            ("2026-03-29", "2026-03-30"),
        )
    )
    again = long_day.of(at("2026-10-25T01:00:00Z"))
    assert (again, long_day.of(at("2026-10-25T00:00:00Z"))) == (Place(1, again=True), Place(1))
    assert (usual.start_of(again), long_day.start_of(again)) == (None, at("2026-10-25T01:00:00Z"))
    assert short.start_of(Place(1)) is None
    assert usual.start_of(Place(24)) is None


@pytest.mark.parametrize("grain", [grain for grain in Grain if grain is not Grain.HOUR_OF_WEEK])
@pytest.mark.parametrize("start", ["2026-10-20", "2026-10-24T07:00:00Z", "2026-03-25"])
def test_every_period_has_a_place_of_its_own_and_is_found_there(grain: Grain, start: str) -> None:
    stretch = asked(start, start, grain)
    stretch = replace(stretch, end=stretch.start + timedelta(days=40))
    places = Places(stretch)
    begins = {Grain.DAY: "2026-03-01", Grain.WEEK: "2026-03-02", Grain.MONTH: "2026-03"}.get(grain)
    period, known = stretch.start if begins is None else at(begins), set()
    while period < stretch.end:
        following = stretch.end if grain is Grain.TOTAL else period_end(grain, period, ZONE)
        place = places.of(period)
        assert place not in known
        known.add(place)
        assert places.start_of(place) == (period if following > stretch.start else None)
        period = following


def test_of_certain_days_the_second_is_held_against_the_second() -> None:
    now = asked("2026-05", "2026-06", Grain.DAY, dates=(date(2026, 5, 4), date(2026, 5, 25)))
    then = asked("2025-05", "2025-06", Grain.DAY, dates=(date(2025, 5, 5), date(2025, 5, 26)))
    place = Places(then).of(at("2025-05-26"))
    assert Places(now).start_of(place) == at("2026-05-25")
    assert Places(now).start_of(Place(2)) is None
    hours = [Places(replace(one, grain=Grain.HOUR)) for one in (now, then)]
    assert hours[0].start_of(hours[1].of(at("2025-05-26T07:00:00Z"))) == at("2026-05-25T07:00:00Z")


def test_what_is_not_asked_for_has_no_period() -> None:
    places = Places(asked("2026-11-02", "2026-11-09", hours=(8, 9), weekdays=(0,)))
    assert places.start_of(Place(8)) == at("2026-11-02T08:00:00Z")
    assert (places.start_of(Place(10)), places.start_of(Place(32))) == (None, None)
    days = Places(asked("2026-11-02", "2026-11-09", Grain.DAY, weekdays=(0,)))
    assert (days.start_of(Place(0)), days.start_of(Place(1))) == (at("2026-11-02"), None)


def test_a_period_is_told_as_far_as_it_is_asked_for() -> None:
    stretch = asked("2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z", Grain.DAY)
    assert stretch.bounds(at("2026-10-24")) == (stretch.start, at("2026-10-25"))
    assert stretch.bounds(at("2026-10-25")) == (at("2026-10-25"), at("2026-10-26"))
    assert stretch.bounds(at("2026-10-26")) == (at("2026-10-26"), stretch.end)
