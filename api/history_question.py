"""The question that the parameters of a report mean. Pure: the registry is an argument."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec

from api.errors import Problem
from api.history_params import USES, History, hours_of
from api.selection import ZONES_MAX, ids_of
from occupancy.calendar import civil_at
from occupancy.history.definitions import Report
from occupancy.history.hour import Dim, Scope
from occupancy.history.kerb import UNCONTROLLED
from occupancy.history.periods import After, Grain, Question, dates_of, instant_of
from occupancy.model import Area, AreaId, Calendar
from occupancy.registry_fields import parse_days

_LONGEST = {Grain.FIVE_MINUTES: timedelta(days=400), Grain.QUARTER: timedelta(days=400)}
_LONGEST_OTHER = timedelta(days=366 * 12)


def question_of(query: History, report: Report, area: Area, calendar: Calendar | None) -> Question:
    """Raises `Problem` for parameters that do not go together."""
    start, end = _instant("from", query.from_, area), _instant("to", query.to, area)
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
        dates=None if query.day_type is None else dates_of(query.day_type, area, calendar, start, end),
        after=None if query.after is None else after_of(query.after),
    )


def compared(query: History, asked: Question, area: Area) -> Question | None:
    """The question of the stretch to compare with; None: none is asked for. Raises `Problem`."""
    if query.compare_from is None:
        return None
    if query.after is not None:
        raise _problem("compare_from", "goes without after: ask for fewer rows")
    start = _instant("compare_from", query.compare_from, area)
    months = len(query.from_) == len(query.to) == len(query.compare_from) == len("2026-10")
    end = _months_on(start, asked, area) if months else start + (asked.end - asked.start)
    return replace(asked, start=start, end=end)


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


def token_of(after: After) -> str:
    """What `after=` takes."""
    return base64.urlsafe_b64encode(msgspec.json.encode(after)).decode()


def after_of(token: str) -> After:
    """Raises `Problem`."""
    try:
        scope_id, value, start = msgspec.json.decode(
            base64.urlsafe_b64decode(token), type=tuple[str, str, datetime]
        )
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise _problem("after", "is none of ours: give next of the answer before") from None
    if start.tzinfo is None:
        raise _problem("after", "is none of ours: give next of the answer before")
    return After(scope_id, value, start)


def _instant(name: str, text: str, area: Area) -> datetime:
    try:
        return instant_of(text, area.time_zone)
    except (ValueError, OverflowError) as error:
        raise _problem(name, str(error)) from None


def _problem(name: str, told: str) -> Problem:
    return Problem(422, "invalid-parameter", f"{name}: {told}", parameter=name)
