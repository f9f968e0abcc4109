"""A stretch of time beside an earlier one: which period is held against which, and what only the earlier one has."""

from __future__ import annotations

from collections.abc import Iterable

from api.history_rows import Row, Rows
from occupancy.history.metrics import Sums
from occupancy.history.periods import Question
from occupancy.history.places import Place, Places
from store.history import Period

_NOTHING = Sums(hours=0, in_service_us=0, free_us=0, occupied_us=0, closed_us=0)


def held_against(
    rows: Rows, found: Iterable[Period], before: Question, earlier: Iterable[Period]
) -> list[Row]:
    """Rows in order of series and time, each with the period of the earlier stretch that has its place. A series that
    only the earlier stretch has (a street that was closed since) has rows, too: nothing beside what there was."""
    now, then = Places(rows.asked), Places(before)
    by_series: dict[tuple[str, str], list[Period]] = {}
    for period in found:
        by_series.setdefault(period[:2], []).append(period)
    there = set(by_series)
    against: dict[tuple[tuple[str, str], Place], Period] = {}
    for period in earlier:
        series, place = period[:2], _place(then, period)
        against[series, place] = period
        if series not in there:
            nothing = _nothing(now, place, period)
            by_series.setdefault(series, []).extend(() if nothing is None else (nothing,))
    told = []
    for series in sorted(by_series):
        for period in by_series[series]:
            other = against.get((series, _place(now, period)))
            told.append(rows.json(period) if other is None else rows.beside(period, before, other))
    return told


def _place(places: Places, period: Period) -> Place:
    return Place(period.hour_of_week or 0) if period.start is None else places.of(period.start)


def _nothing(now: Places, place: Place, period: Period) -> Period | None:
    """The period of the stretch that is asked for in which there is nothing; None: it has none at that place."""
    start = None if period.start is None else now.start_of(place)
    if start is None and period.hour_of_week is None:
        return None
    return period._replace(start=start, sums=_NOTHING, final=True, revision=0)
