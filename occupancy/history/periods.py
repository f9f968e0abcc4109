"""Which hours are asked for, and the civil periods that they are summed up by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from occupancy.calendar import civil_at, day_bounds, is_day_of, zone_of
from occupancy.history.hour import Dim, Scope
from occupancy.model import Area, AreaId, Calendar
from occupancy.spans import Span


class Grain(StrEnum):
    """How long a period is, by the clock on the wall."""

    FIVE_MINUTES = "5m"
    QUARTER = "15m"
    HOUR = "1h"
    DAY = "1d"
    WEEK = "1w"
    MONTH = "1mo"
    TOTAL = "total"
    """All that is asked for."""
    HOUR_OF_WEEK = "hour_of_week"
    """All the Mondays from midnight to one together, and so on."""

    @property
    def minutes(self) -> int | None:
        """Of grains below an hour; None: an hour or longer."""
        return _MINUTES.get(self)

    @property
    def unit(self) -> str:
        """What a civil time is cut to; for all there is, a unit that holds it."""
        units = {Grain.HOUR: "hour", Grain.DAY: "day", Grain.WEEK: "week", Grain.MONTH: "month"}
        return "millennium" if self is Grain.TOTAL else units[self]


_MINUTES = {Grain.FIVE_MINUTES: 5, Grain.QUARTER: 15}


class After(NamedTuple):
    """The last period of an answer."""

    scope_id: str
    value: str
    at: datetime | int
    """When it begins; an hour of the week, from 0 on Monday."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Hours of some series during [start, end). None: no restriction."""

    area: AreaId
    time_zone: str
    start: datetime
    end: datetime
    grain: Grain
    scope: Scope = Scope.AREA
    scope_ids: tuple[str, ...] | None = None
    dim: Dim = Dim.ALL
    values: tuple[str, ...] | None = None
    hours: tuple[int, ...] | None = None
    """Civil hours of the day, 0..23."""
    weekdays: tuple[int, ...] | None = None
    """Monday=0..Sunday=6."""
    dates: tuple[date, ...] | None = None
    """Civil dates."""
    together: bool = False
    """Whether the values are summed up."""
    after: After | None = None
    """Only what comes after it, in the order of the answer."""

    def bounds(self, start: datetime) -> Span:
        """The period that begins at `start`, as far as it is asked for."""
        end = self.end if self.grain is Grain.TOTAL else period_end(self.grain, start, self.time_zone)
        return max(start, self.start), min(end, self.end)

    def whole_days(self, until: datetime | None) -> Span:
        """The civil days that are asked for as a whole and are over by `until` (None: none is): what can be summed up
        from days as well as from their hours."""
        none = (self.start, self.start)
        by_days = self.grain in (Grain.DAY, Grain.WEEK, Grain.MONTH, Grain.TOTAL) and self.hours is None
        if until is None or not by_days:
            return none
        first, next_day = day_bounds(self.time_zone, civil_at(self.time_zone, self.start).day)
        since = self.start if first == self.start else next_day
        last, _ = day_bounds(self.time_zone, civil_at(self.time_zone, min(self.end, until)).day)
        return (since, last) if since < last else none


def period_end(grain: Grain, start: datetime, time_zone: str) -> datetime:
    """When the period that begins at `start` ends: the beginning of the next one, by the clock on the wall."""
    if grain.minutes is not None:
        return start + timedelta(minutes=grain.minutes)
    if grain is Grain.HOUR:
        return start + timedelta(hours=1)
    return _civil_end(grain, start, time_zone)


@lru_cache(maxsize=10_000)
def _civil_end(grain: Grain, start: datetime, time_zone: str) -> datetime:
    """Of periods of whole days: the same ones for every street of an answer."""
    day = civil_at(time_zone, start).day
    if grain is Grain.DAY:
        following = day + timedelta(days=1)
    elif grain is Grain.WEEK:
        following = day + timedelta(days=7)
    elif grain is Grain.MONTH:
        following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    else:
        raise ValueError(f"a period of grain {grain.value} has no one end")
    return day_bounds(time_zone, following)[0]


def instant_of(text: str, time_zone: str) -> datetime:
    """A civil date, as its beginning, or an instant with an offset. Raises `ValueError` with the fix."""
    try:
        if len(text) == len("2026-10-01"):
            return day_bounds(time_zone, date.fromisoformat(text))[0]
        if len(text) == len("2026-10"):
            return day_bounds(time_zone, date.fromisoformat(text + "-01"))[0]
        found = datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError(
            f"{text!r} is no date or time; write 2026-10, 2026-10-01 or 2026-10-01T08:00:00Z"
        ) from None
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; write 2026-10-01T08:00:00Z, or a date for civil time")
    return found.astimezone(UTC)


def dates_of(
    day_type: str, area: Area, calendar: Calendar | None, start: datetime, end: datetime
) -> tuple[date, ...]:
    """The civil dates during [start, end) that are of a day type: `bank_holiday`, or one that the calendar declares."""
    return tuple(
        day for day in days_between(area.time_zone, start, end) if is_day_of(day_type, area, calendar, day)
    )


def days_between(time_zone: str, start: datetime, end: datetime) -> Iterable[date]:
    """The civil dates that [start, end) reaches into."""
    day = civil_at(time_zone, start).day
    while datetime.combine(day, time(), zone_of(time_zone)) < end:
        yield day
        day += timedelta(days=1)
