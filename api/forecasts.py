"""Forecasts as they are answered: which arrival, by which rules, from what is shown now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from api.arrival import arrival
from api.errors import Problem
from api.live import Live
from api.params import Arrival
from api.selection import View
from api.snapshot import Level
from occupancy.answers import instant
from occupancy.forecast.outlook import Outlook, outlook
from occupancy.model import AreaId, Zone
from occupancy.whole_stay import Visit

POINTS_MIN = (5, 15, 30, 60, 120, 240, 1440)
"""Minutes ahead, when no arrival is asked for."""
NOT_SCORED = "not scored yet"


def refuse_two(query: Arrival) -> None:
    """Raise a problem when both ways of saying the arrival are used."""
    if query.arrive_in is not None and query.arrive_at is not None:
        raise _problem("goes without arrive_in: give one of the two")


def forecast_document(live: Live, zone: Zone, query: Arrival) -> dict[str, object]:
    """Return one zone's outlooks: for the arrival, or at the fixed points. Raises `Problem`."""
    refuse_two(query)
    now = _now(live, zone.area_id)
    times: list[datetime] = []
    if now is not None and query.arriving:
        times = [_arrival(now, query)]
    elif now is not None:
        times = [now + timedelta(minutes=minutes) for minutes in POINTS_MIN]
    points = [
        _Arriving(live, zone.area_id, now, at).point(zone, query.view) for at in times if now is not None
    ]
    return {
        "zone": zone.zone_id,
        "area": zone.area_id,
        "issued_at": instant(now),
        "data_as_of": instant(live.board.zones[zone.zone_id].availability.as_of),
        "stale": live.board.levels[zone.area_id] is not Level.FRESH,
        "for": query.for_,
        "points": points,
        "skill": None,
        "skill_reason": NOT_SCORED,
    }


def at_arrival(live: Live, areas: list[AreaId], query: Arrival) -> Arrivals:
    """Return the arrivals in some areas. A recording has its own time, so an arrival may lie within the day of one
    area and not of another. Raises `Problem` when it does so for none.
    """
    refuse_two(query)
    arriving: dict[AreaId, _Arriving] = {}
    refused: Problem | None = None
    for area_id in areas:
        now = _now(live, area_id)
        if now is None:
            continue
        try:
            arriving[area_id] = _Arriving(live, area_id, now, _arrival(now, query))
        except Problem as problem:
            refused = problem
    if refused is not None and not arriving:
        raise refused

    return Arrivals(live, arriving, query.view)


class Arrivals:
    """One arrival, in each area by its own time."""

    def __init__(self, live: Live, arriving: Mapping[AreaId, _Arriving], view: View) -> None:
        self._visits = live.board.visits
        self._arriving = arriving
        self._view = view

    def forecast(self, zone: Zone) -> dict[str, object] | None:
        """Return a zone's outlook; None in an area whose own time has no such moment."""
        found = self._arriving.get(zone.area_id)
        return None if found is None else found.point(zone, self._view)

    def visit(self, area_id: AreaId) -> Visit:
        """Return the stay from the arrival on."""
        found = self._arriving.get(area_id)
        return self._visits.at(area_id, self._view, None if found is None else found.at)


class _Arriving:
    """One arrival in one area."""

    def __init__(self, live: Live, area_id: AreaId, now: datetime, at: datetime) -> None:
        self._rules = live.capacities.rules(area_id, live.board.visits.timetable(area_id), at)
        self._live = live
        self._level = live.board.levels[area_id]
        self._seen_to = live.board.watermarks.get(area_id)
        self._now = now
        self.at = at

    def point(self, zone: Zone, view: View) -> dict[str, object]:
        found = outlook(
            self._live.board.shown(zone.zone_id),
            self._live.profiles.get(zone.zone_id),
            self._rules.capacity(zone, view.asker, view.stay_min),
            driver=view.driver,
            now=self._now,
            at=self.at,
            seen_to=self._seen_to,
            trusted=self._level is not Level.DOWN,
        )
        return _point(found, self._now)


def _now(live: Live, area_id: AreaId) -> datetime | None:
    """Return the area's time in whole seconds: answers of one second are the same bytes."""
    now = live.time_in(area_id)
    return None if now is None else now.replace(microsecond=0)


def _arrival(now: datetime, query: Arrival) -> datetime:
    try:
        return arrival(now, query.arrive_in, query.at)
    except ValueError as problem:
        raise _problem(str(problem)) from None


def _problem(words: str) -> Problem:
    return Problem(422, "invalid-parameter", f"arrive_at: {words}", parameter="arrive_at")


def _point(found: Outlook, now: datetime) -> dict[str, object]:
    return {
        "at": instant(found.at),
        "in_min": round((found.at - now) / timedelta(minutes=1)),
        "usable_capacity": found.usable_capacity,
        "expected_free": None if found.expected_free is None else round(found.expected_free, 1),
        "free_low": found.free_low,
        "free_high": found.free_high,
        "p_any": None if found.p_any is None else round(found.p_any, 3),
        "source": found.source.value,
        "cells": found.cells,
        "closed": found.closed,
    }
