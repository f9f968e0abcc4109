"""Civil time: the local date and minute of an instant, bank holidays and declared day types.

The only place where a time zone is applied (L7). Nothing here asks what time it is; the zone data
(`zoneinfo`) and the bank holidays (`holidays`) are tables, and looking something up in a table is as pure
as arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays

from occupancy.model import Area, Calendar, aware

BANK_HOLIDAY = "bank_holiday"
"""The day type that needs no declaration; a calendar may declare further days of it (a royal occasion)."""

EVENT = "event"
"""The day type that overrides declare unless they name another; it needs no day in the calendar."""

SCHOOL_TERM = "school_term"
"""The day type by which calendars declare terms; what lies between two of them is out of term."""


@dataclass(frozen=True, slots=True)
class CivilTime:
    """What a clock on the wall shows. `minute`: its hands, 0..1439, on days of 23 or 25 h too."""

    day: date
    minute: int

    @property
    def weekday(self) -> int:
        """Monday=0..Sunday=6."""
        return self.day.weekday()


@lru_cache(maxsize=256)
def zone_of(time_zone: str) -> ZoneInfo:
    """The IANA time zone of that name; ValueError when there is none."""
    try:
        return ZoneInfo(time_zone)
    except (
        ZoneInfoNotFoundError,
        ValueError,
        OSError,
    ) as error:  # OSError: "Europe" is a folder of the table
        raise ValueError(f"no time zone {time_zone!r}") from error


def civil_at(time_zone: str, at: datetime) -> CivilTime:
    """The wall clock in `time_zone` at the instant `at`."""
    local = aware(at, "at").astimezone(zone_of(time_zone))
    return CivilTime(local.date(), local.hour * 60 + local.minute)


def instants_of(time_zone: str, wall: datetime) -> tuple[datetime, ...]:
    """When the wall clock shows `wall` (without an offset): one instant in UTC, two in the hour that the clocks go back
    over, none in the one that they skip.
    """
    zone = zone_of(time_zone)
    both = {wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return tuple(sorted(at for at in both if at.astimezone(zone).replace(tzinfo=None) == wall))


def day_bounds(time_zone: str, day: date) -> tuple[datetime, datetime]:
    """The instants [start, end) of a civil day, in UTC: 23, 24 or 25 hours apart."""
    zone = zone_of(time_zone)
    start = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    return start.astimezone(UTC), end.astimezone(UTC)


def bank_holiday_problem(code: str) -> str | None:
    """Why "GB-WLS" and the like is no place with known bank holidays; None: it is one."""
    country, _, subdivision = code.partition("-")
    known = holidays.list_supported_countries(include_aliases=False)
    if country not in known:
        return f"no bank holidays are known for the country {country!r}"
    if subdivision and subdivision not in known[country]:
        return f"{country} has no part {subdivision!r}, only {', '.join(known[country]) or 'the whole'}"
    return None


@lru_cache(maxsize=1024)
def bank_holidays(code: str, year: int) -> frozenset[date]:
    """The public holidays of one place in one civil year, substitute days included."""
    country, _, subdivision = code.partition("-")
    found = holidays.country_holidays(country, subdiv=subdivision or None, years=year)
    return frozenset(day for day in found if day.year == year)


def declared_types(calendar: Calendar | None, day: date) -> frozenset[str]:
    """The day types that the area's calendar declares for `day`."""
    if calendar is None:
        return frozenset()
    iso = day.isoformat()  # ISO dates sort as text, so nothing needs parsing here
    return frozenset(kind for kind, first, last in calendar.days if first <= iso <= last)


def known_day_types(calendar: Calendar | None) -> frozenset[str]:
    """The day types that days of an area may be of."""
    return frozenset(
        (BANK_HOLIDAY, EVENT, *(kind for kind, _, _ in (() if calendar is None else calendar.days)))
    )


def is_bank_holiday(area: Area, calendar: Calendar | None, day: date) -> bool:
    """By the library, or declared by the area itself."""
    if area.bank_holidays is not None and day in bank_holidays(area.bank_holidays, day.year):
        return True
    return BANK_HOLIDAY in declared_types(calendar, day)


def is_out_of_term(calendar: Calendar | None, day: date) -> bool:
    """Whether `day` lies between declared terms; of days before the first one and after the last nothing is known."""
    iso, days = day.isoformat(), () if calendar is None else calendar.days
    terms = [(first, last) for kind, first, last in days if kind == SCHOOL_TERM]
    return (
        any(last < iso for _, last in terms)
        and any(iso < first for first, _ in terms)
        and SCHOOL_TERM not in declared_types(calendar, day)
    )


def is_day_of(day_type: str, area: Area, calendar: Calendar | None, day: date) -> bool:
    """Whether `day` is of the given day type."""
    if day_type == BANK_HOLIDAY:
        return is_bank_holiday(area, calendar, day)
    return day_type in declared_types(calendar, day)
