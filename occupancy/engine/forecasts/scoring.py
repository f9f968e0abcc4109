"""Holds issued forecasts against what came, once each, some minutes after their time."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import numpy as np

from occupancy.calendar import civil_at
from occupancy.engine.forecasts.area import AreaForecasts
from occupancy.engine.forecasts.metrics import FAILURES
from occupancy.forecast.civil_slots import slots_of
from occupancy.forecast.issue import GRID, HORIZONS, Issue, Place
from occupancy.forecast.issue_bytes import PackedIssueError
from occupancy.forecast.panel import Floats
from occupancy.forecast.skill import Guesses, KindOfDay, Scored, kinds_of_day
from occupancy.forecast.zone_skill import Usable, answered
from occupancy.model import EPOCH, ZoneId
from store.copying import Cursor
from store.forecast_panel import instants
from store.forecast_records import IssueReader, add_scores, scored_to
from store.postgres import Connection

MINUTE = timedelta(minutes=1)
SETTLED = timedelta(minutes=5)
"""What came later than that is not looked at again."""
EVERY = timedelta(minutes=15)
"""Sums are added to so often."""
AT_ONCE = timedelta(hours=1)
"""What has come due is scored in transactions of at most so much."""
_log = logging.getLogger("baycast.forecast")


def score_due(conn: Connection, area: AreaForecasts, reader: IssueReader, known_to: datetime) -> int | None:
    """Score what came due up to an instant up to which all is known, of at most an hour; returns how many forecasts.

    None: less than a quarter of an hour has come due. Raises `ScoredMeanwhileError`.
    """
    with conn.transaction(), conn.cursor() as cur:
        before, first = scored_to(cur, area.area.area_id)
        start = before or first
        settled = _floor(known_to - SETTLED)
        if start is None or settled - start < EVERY:
            return None
        end = min(settled, start + AT_ONCE)
        found = _Due(cur, area, start, end).scored(reader)
        add_scores(cur, area.area.area_id, found, before=before, to=end)
    return sum(sums.forecasts for scored in found.values() for sums in scored.zones.values())


class _Due:
    """The forecasts for the whole minutes of [start, end)."""

    def __init__(self, cur: Cursor, area: AreaForecasts, start: datetime, end: datetime) -> None:
        self._cur, self._area, self._start, self._end = cur, area, start, end
        self._minutes = (end - start) // MINUTE
        self._places = tuple(members.place for members in area.places)
        self._kinds: dict[date, Mapping[ZoneId, KindOfDay]] = {}
        self._usable: dict[int, Usable] = {}

    def scored(self, reader: IssueReader) -> dict[tuple[date, int], Scored]:
        """By civil day and horizon in minutes."""
        found: dict[tuple[date, int], Scored] = {}
        truth, guesses = self._shares(timedelta()), self._guesses()
        for horizon, ahead in enumerate(HORIZONS):
            issues = reader.issued_in(
                self._cur, self._area.area.area_id, self._start - ahead, self._end - ahead, _pass_over
            )
            now = self._shares(ahead) if issues else truth
            for issue in issues:
                minute = (issue.issued_at + ahead - self._start) // MINUTE
                day = civil_at(self._area.area.time_zone, issue.issued_at + ahead).day
                columns = _columns(self._places, issue)
                usual = guesses[minute]
                came, was = _of(truth[minute], columns), _of(now[minute], columns)
                guessed = Guesses(_of(usual.share, columns), _of(usual.some_free, columns))
                kinds, usable = self._kinds_on(day), self._usable_in(minute)
                scored = found.setdefault((day, ahead // MINUTE), Scored())
                scored.take_up(issue, horizon, came, was, guessed, kinds)
                for zone_id, sums in answered(issue, horizon, usable, came, was, guessed).items():
                    scored.add_zone(zone_id, sums, kinds)
        return found

    def _shares(self, before: timedelta) -> Floats:
        """(minutes, places): what was so long before the minutes that are scored."""
        first, minutes = self._start - before, self._minutes
        return instants(self._cur, self._area.registry, self._area.places, first, MINUTE, minutes).shares

    def _guesses(self) -> list[Guesses]:
        """By minute, what is usual then by the model that is in use now: it knows no less than the forecasts did."""
        weeks = self._area.model(self._end).weeks
        first = self._start - (self._start - EPOCH) % GRID.step
        steps = [(self._start + minute * MINUTE - first) // GRID.step for minute in range(self._minutes)]
        slots = weeks.known(slots_of(self._area.week, GRID, first, steps[-1] + 1)[steps], GRID)
        return [Guesses(weeks.usual[slot], weeks.some_free[slot]) for slot in slots]

    def _usable_in(self, minute: int) -> Usable:
        """By the rules as they are known now, as kinds of days are."""
        if minute not in self._usable:
            self._usable[minute] = self._area.whole_zones.usable(self._start + minute * MINUTE)
        return self._usable[minute]

    def _kinds_on(self, day: date) -> Mapping[ZoneId, KindOfDay]:
        if day not in self._kinds:
            self._kinds[day] = kinds_of_day(self._area.registry, day)
        return self._kinds[day]


def _pass_over(problem: PackedIssueError) -> None:
    """One record that nobody can read is not scored; the others of its area are."""
    FAILURES.labels("issue").inc()
    _log.error("not scored, as it is not readable: %s", problem)


def _columns(places: Sequence[Place], issue: Issue) -> list[int] | None:
    """Where an issue's places stand among those of today, -1: nowhere; None: they are the same."""
    if issue.places == tuple(places):
        return None
    numbers = {place: number for number, place in enumerate(places)}
    return [numbers.get(place, -1) for place in issue.places]


def _of(values: Floats, columns: list[int] | None) -> Floats:
    """Values of today's places as an issue has them; NaN: that place is no more."""
    if columns is None:
        return values
    found: Floats = np.append(values, np.nan)[columns]
    return found


def _floor(at: datetime) -> datetime:
    return at - (at - EPOCH) % MINUTE
