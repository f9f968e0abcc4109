"""Which period of one stretch of time is held against which of another: by the clock on the wall. Pure."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from occupancy.calendar import day_bounds, instants_of, zone_of
from occupancy.history.periods import Grain, Question

_DAY = timedelta(days=1)


class Place(NamedTuple):
    """The how manieth of its stretch a period is; the clock on the wall counts, so that eight o'clock is held against
    eight o'clock on days of 23 and 25 hours, too."""

    number: int
    again: bool = False
    """In the hour that the clocks go back over, when it comes for the second time."""


class Places:
    """Of the periods of one question. Where it asks for certain dates only, days are counted among these: the second
    bank holiday is held against the second one."""

    def __init__(self, asked: Question) -> None:
        self._asked = asked
        self._zone = zone_of(asked.time_zone)
        self._length = timedelta(minutes=asked.grain.minutes or 60)
        self._first = asked.start.astimezone(self._zone).replace(tzinfo=None)

    def of(self, start: datetime) -> Place:
        """Of the period that begins then."""
        wall = start.astimezone(self._zone)
        first, day = self._first.date(), wall.date()
        match self._asked.grain:
            case Grain.TOTAL:
                return Place(0)
            case Grain.MONTH:
                return Place(_month(day) - _month(first))
            case Grain.WEEK:
                return Place((_monday(day) - _monday(first)).days // 7)
            case Grain.DAY:
                return Place(self._number(day))
        hands = wall.replace(tzinfo=None)
        gone = self._number(day) * _DAY + (hands - datetime.combine(day, time())) - self._lead
        return Place(gone // self._length, bool(wall.fold))

    def start_of(self, place: Place) -> datetime | None:
        """When the period at a place begins; None: the question does not ask for one there."""
        first = self._first.date()
        match self._asked.grain:
            case Grain.TOTAL:
                return self._asked.start
            case Grain.MONTH:
                year, month = divmod(_month(first) + place.number, 12)
                return self._within(date(year, month + 1, 1))
            case Grain.WEEK:
                return self._within(_monday(first) + place.number * timedelta(days=7))
            case Grain.DAY:
                day = self._date(place.number)
                return None if day is None or not self._is_wanted(day) else self._within(day)
        days, hands = divmod(place.number * self._length + self._lead, _DAY)
        day = self._date(days)
        if day is None or not self._is_wanted(day, hands // timedelta(hours=1)):
            return None
        found = instants_of(self._asked.time_zone, datetime.combine(day, time()) + hands)[int(place.again) :]
        return found[0] if found and self._asked.start <= found[0] < self._asked.end else None

    @property
    def _lead(self) -> timedelta:
        """How far into its first day the stretch begins; of certain dates, whole days are counted."""
        if self._asked.dates is not None:
            return timedelta()
        return self._first - datetime.combine(self._first.date(), time())

    def _number(self, day: date) -> int:
        dates = self._asked.dates
        return (day - self._first.date()).days if dates is None else bisect_left(dates, day)

    def _date(self, number: int) -> date | None:
        dates = self._asked.dates
        if dates is None:
            return self._first.date() + number * _DAY
        return dates[number] if number < len(dates) else None

    def _is_wanted(self, day: date, hour: int | None = None) -> bool:
        asked = self._asked
        return (asked.weekdays is None or day.weekday() in asked.weekdays) and (
            hour is None or asked.hours is None or hour in asked.hours
        )

    def _within(self, day: date) -> datetime | None:
        """The beginning of the period that begins with a day, if some of it is asked for."""
        start = day_bounds(self._asked.time_zone, day)[0]
        begins, ends = self._asked.bounds(start)
        return start if begins < ends else None


def end_as_long(start: datetime, asked: Question) -> datetime:
    """When a stretch from `start` on ends that is as long as the one that is asked for: as many civil days, of 23 or 25
    hours though some may be, and as many hours as are left beyond them."""
    zone = zone_of(asked.time_zone)
    first, last = (at.astimezone(zone).replace(tzinfo=None) for at in (asked.start, asked.end))
    days = max(0, (last - first).days)
    rest = asked.end - _days_on(asked.start, days, asked.time_zone)
    return _days_on(start, days, asked.time_zone) + rest


def _days_on(at: datetime, days: int, time_zone: str) -> datetime:
    """So many days later, when the clock on the wall shows the same."""
    if not days:
        return at
    return (at.astimezone(zone_of(time_zone)) + days * _DAY).astimezone(UTC)


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
