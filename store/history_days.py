"""Civil days as the sums of their hours: kept in step with the records, so that years can be asked for by days."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from occupancy.calendar import civil_at, day_bounds
from occupancy.history.hour import Dim, Scope, Series
from occupancy.model import AreaId
from occupancy.spans import Span
from store.copying import Cursor
from store.queries import sql

_AT_ONCE = 2_000
"""Days of series that one statement makes."""
_DAYS_A_PAGE = 31
"""Days that are made while the engine has other things to do; the rest waits, and is read from its hours."""
SeriesDay = tuple[int, Span]
"""The number of a series, and when the day begins and ends."""


class Kept(NamedTuple):
    """Days that are over by `to` have their rows, by the clock of `time_zone`; None: none has."""

    to: datetime | None
    time_zone: str | None


def kept(cur: Cursor, area: AreaId) -> Kept:
    """Up to when an area's days have their rows."""
    cur.execute(sql("history_days.kept"), (area,))
    return Kept(*(cur.fetchone() or (None, None)))


def keep(
    cur: Cursor,
    area: AreaId,
    before: Kept,
    time_zone: str,
    final_to: datetime,
    changed: Collection[tuple[int, datetime]],
) -> None:
    """Make the rows of days that are over by `final_to`, and those anew of which an hour is `changed`.

    By another clock than `before` all are made anew.
    """
    since = before.to
    if since is not None and before.time_zone != time_zone:
        cur.execute(sql("history_days.drop_all"), (area,))
        since = None
    elif changed:
        again = {(number, _day_of(time_zone, hour_at)) for number, hour_at in changed}
        for columns in _lots(sorted(again)):
            cur.execute(sql("history_days.drop"), columns[:2])
            cur.execute(sql("history_days.make"), columns)
    due = _days(time_zone, since or first_record(cur, area) or final_to, final_to)
    days = list(islice(due, _DAYS_A_PAGE))
    if not days:
        return
    numbers = _series_numbers(cur, area)
    for columns in _lots((number, day) for day in days for number in numbers):
        cur.execute(sql("history_days.make"), columns)
    cur.execute(sql("history_days.keep"), (area, days[-1][1], time_zone))


def differing(cur: Cursor, area: AreaId, most: int) -> tuple[int, int, list[tuple[Series, datetime]]]:
    """How many civil days were held against the records, how many days of series are others than these say, and some of
    them: the first `most`."""
    to, time_zone = kept(cur, area)
    since = first_record(cur, area)
    if to is None or time_zone is None or since is None:
        return 0, 0, []
    numbers = _series_numbers(cur, area)
    coming = _days(time_zone, since, to)
    counted = differing = 0
    told: list[tuple[Series, datetime]] = []
    while days := list(
        islice(coming, _DAYS_A_PAGE)
    ):  # one after the other: years of a city never sit in memory
        counted += len(days)
        for columns in _lots((number, day) for day in days for number in numbers):
            cur.execute(sql("history_days.differing"), columns)
            found = cur.fetchall()
            differing += len(found)
            told += [
                (Series(Scope(scope), scope_id, Dim(dim), value), day_at)
                for scope, scope_id, dim, value, day_at in found[: most - len(told)]
            ]
    return counted, differing, told


def first_record(cur: Cursor, area: AreaId) -> datetime | None:
    """The first hour of an area that is a record."""
    cur.execute(sql("history_days.first_record"), (area,))
    found = cur.fetchone()
    return found[0] if found else None


def _series_numbers(cur: Cursor, area: AreaId) -> list[int]:
    cur.execute(sql("history_hours.all_series"), (area,))
    return sorted(number for *_, number in cur.fetchall())


def _day_of(time_zone: str, at: datetime) -> Span:
    return day_bounds(time_zone, civil_at(time_zone, at).day)


def _days(time_zone: str, since: datetime, until: datetime) -> Iterator[Span]:
    """The civil days from that of `since` on that are over by `until`."""
    day = civil_at(time_zone, since).day
    while (bounds := day_bounds(time_zone, day))[1] <= until:
        yield bounds
        day += timedelta(days=1)


def _lots(days: Iterable[SeriesDay]) -> Iterator[tuple[list[int], list[datetime], list[datetime]]]:
    """A few at a time, as the statements take them."""
    coming = iter(days)
    while lot := list(islice(coming, _AT_ONCE)):
        yield [number for number, _ in lot], [day[0] for _, day in lot], [day[1] for _, day in lot]
