"""The question that the parameters of a report mean. Pure: the registry is an argument."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import msgspec

from api.errors import Problem
from api.history_params import History
from api.selection import ZONES_MAX, ids_of
from api.texts import USES, hours_of
from occupancy.answers import instant
from occupancy.calendar import civil_at, known_day_types
from occupancy.history.definitions import Report
from occupancy.history.hour import Dim, Scope
from occupancy.history.kerb import UNCONTROLLED
from occupancy.history.periods import After, Grain, Question, dates_of, instant_of
from occupancy.history.places import end_as_long
from occupancy.model import Area, AreaId, BayType, Calendar
from occupancy.registry_fields import parse_days
from store.history import Period

_LONGEST = {Grain.FIVE_MINUTES: timedelta(days=400), Grain.QUARTER: timedelta(days=400)}
_LONGEST_OTHER = timedelta(days=366 * 12)
_LONGEST_PERIOD = timedelta(days=32)
_YEARS = 2001, 2200
"""From and up to which history is told: calendars end somewhere, and what is added to a date must not leave them. They
are of one millennium, by which totals are summed up."""
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_NOT_OURS = "is none of ours: give next of the answer before"
_HourOfWeek = Annotated[int, msgspec.Meta(ge=0, lt=24 * 7)]
_Instant = Annotated[datetime, msgspec.Meta(tz=True)]


def question_of(query: History, report: Report, area: Area, calendar: Calendar | None) -> Question:
    """Raises `Problem` for parameters that do not go together."""
    start, end = (
        _instant(name, text, area, query.grain) for name, text in (("from", query.from_), ("to", query.to))
    )
    if end <= start:
        raise _problem("to", "is not after from")
    longest = _LONGEST.get(query.grain, _LONGEST_OTHER)
    if end - start > longest:
        raise _problem(
            "to", f"is more than {longest.days} days after from, the most with grain={query.grain.value}"
        )
    scope, scope_ids = _scope(query)
    dim, values, together = _dim(query)
    below_an_hour = query.grain.minutes is not None
    if below_an_hour and (
        dim is not Dim.ALL or report not in (Report.OCCUPANCY, Report.COVERAGE, Report.TURNOVER)
    ):
        raise _problem("grain", "below an hour is kept for all bays together, without stays and overstays")
    if query.grain is Grain.HOUR_OF_WEEK and (report is Report.STAYS or query.hours or query.days):
        raise _problem("grain", "hour_of_week goes without stays, hours and days")
    hours = None if query.hours in (None, "controlled") else hours_of(query.hours or "")
    return Question(
        area=AreaId(area.area_id),
        time_zone=area.time_zone,
        start=start,
        end=end,
        grain=query.grain,
        scope=scope,
        scope_ids=scope_ids,
        dim=dim,
        values=values,
        together=together,
        hours=hours,
        weekdays=None if query.days is None else tuple(sorted(parse_days(query.days))),
        dates=_dates(query, area, calendar, start, end),
        after=None if query.after is None else _after(query.after, query.grain, start, end),
    )


def compared(query: History, asked: Question, area: Area, calendar: Calendar | None) -> Question | None:
    """The question of the stretch to compare with; None: none is asked for. Raises `Problem`."""
    if query.compare_from is None:
        return None
    if query.after is not None:
        raise _problem("compare_from", "goes without after: ask for fewer rows")
    start = _instant("compare_from", query.compare_from, area, query.grain)
    months = len(query.from_) == len(query.to) == len(query.compare_from) == len("2026-10")
    end = _months_on(start, asked, area) if months else end_as_long(start, asked)
    return replace(asked, start=start, end=end, dates=_dates(query, area, calendar, start, end))


def _dates(
    query: History, area: Area, calendar: Calendar | None, start: datetime, end: datetime
) -> tuple[date, ...] | None:
    """The dates of a stretch that are of the day type that is asked for; None: any."""
    if query.day_type is None:
        return None
    known = known_day_types(calendar)
    if query.day_type not in known:
        raise _problem("day_type", f"{query.day_type!r} is none of {', '.join(sorted(known))}")
    return dates_of(query.day_type, area, calendar, start, end)


def _months_on(start: datetime, asked: Question, area: Area) -> datetime:
    """So many months after `start` as the question has."""
    first, last, other = (_civil_month(at, area) for at in (asked.start, asked.end, start))
    year, month = divmod(other + last - first, 12)
    return instant_of(f"{year:04}-{month + 1:02}", area.time_zone)


def _civil_month(at: datetime, area: Area) -> int:
    day = civil_at(area.time_zone, at).day
    return day.year * 12 + day.month - 1


def _scope(query: History) -> tuple[Scope, tuple[str, ...] | None]:
    zones = None if query.zones is None else tuple(sorted(ids_of(query.zones, ZONES_MAX)))
    controlled = (
        None if query.controlled_zones is None else tuple(sorted(ids_of(query.controlled_zones, ZONES_MAX)))
    )
    if zones is not None and controlled is not None:
        raise _problem("controlled_zones", "goes without zones")
    if query.by == "area" and (zones or controlled):
        raise _problem("by", "of area has no zones: ask by=zone or by=controlled_zone")
    if query.by == "zone" or (query.by != "controlled_zone" and zones is not None):
        if controlled is not None:
            raise _problem("controlled_zones", "goes with by=controlled_zone, bay_type or use")
        return Scope.ZONE, zones
    if query.by == "controlled_zone" or controlled is not None:
        if zones is not None:
            raise _problem("zones", "goes with by=zone, bay_type or use")
        return Scope.CONTROLLED_ZONE, controlled
    return Scope.AREA, None


def _dim(query: History) -> tuple[Dim, tuple[str, ...] | None, bool]:
    """Which bays, by which value, and whether the values are summed up."""
    types = None if query.bay_type is None else tuple(sorted(set(query.bay_type.split(","))))
    uses = None if query.use is None else tuple(sorted(set(query.use.split(","))))
    if query.hours == "controlled":
        if uses is not None:
            raise _problem("use", "goes without hours=controlled, which says it already")
        uses = tuple(use for use in USES if use not in UNCONTROLLED)
    if types is not None and uses is not None:
        raise _problem("bay_type", "goes without use and without hours=controlled")
    if query.by == "bay_type" or types is not None:
        if uses is not None:
            raise _problem("use", "goes without by=bay_type")
        return Dim.BAY_TYPE, types, query.by != "bay_type"
    if query.by == "use" or uses is not None:
        return Dim.USE, uses, query.by != "use"
    return Dim.ALL, None, False


def after_of(last: Period) -> After:
    """What comes after a period."""
    at = last.start if last.start is not None else last.hour_of_week or 0
    return After(last.scope_id, last.value, at)


def token_of(after: After) -> str:
    """What `after=` takes."""
    return base64.urlsafe_b64encode(msgspec.json.encode(after)).decode()


def _after(token: str, grain: Grain, start: datetime, end: datetime) -> After:
    """Of an answer to the same question, which may have begun in the middle of a month."""
    try:
        told = base64.urlsafe_b64decode(token)
        if grain is Grain.HOUR_OF_WEEK:
            after = After(*msgspec.json.decode(told, type=tuple[str, str, _HourOfWeek]))
            known = True
        else:
            scope_id, value, at = msgspec.json.decode(told, type=tuple[str, str, _Instant])
            after, known = After(scope_id, value, at), start - _LONGEST_PERIOD < at < end
        ids_of(after.scope_id, 1)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise _problem("after", _NOT_OURS) from None
    if not known or after.value not in ("", *USES, *BayType):
        raise _problem("after", _NOT_OURS)
    return after


def _instant(name: str, text: str, area: Area, grain: Grain) -> datetime:
    """A beginning or an end, where hours begin; or, below an hour, their parts."""
    try:
        found = instant_of(text, area.time_zone)
    except (ValueError, OverflowError) as error:
        raise _problem(name, str(error)) from None
    if not _YEARS[0] <= found.year < _YEARS[1]:
        raise _problem(name, f"{text!r} is not within the years {_YEARS[0]} to {_YEARS[1] - 1}")
    step = timedelta(minutes=grain.minutes or 60)
    beyond = (found - _EPOCH) % step
    if beyond and len(text) > len("2026-10-01"):  # dates begin where the area's clocks say
        before, after = (instant(at) for at in (found - beyond, found - beyond + step))
        told = "full hour" if grain.minutes is None else f"multiple of {grain.minutes} minutes"
        raise _problem(name, f"{text!r} is no {told}: give {before} or {after}")
    return found


def _problem(name: str, told: str) -> Problem:
    return Problem(422, "invalid-parameter", f"{name}: {told}", parameter=name)
