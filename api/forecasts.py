"""Forecasts as they are answered: which arrival, by which rules, from what was issued, or else from what is shown now.

An issue is of places; what is answered is of the bays that the asker may use then (L12). Where there is none to go by,
or the zone's usual week is better known than the issue knows it, the usual week and what is seen now are told.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

from api.arrival import arrival
from api.errors import Problem
from api.live import Live
from api.params import Arrival
from api.selection import View
from api.skill_documents import measures
from api.snapshot import Level
from occupancy.answers import instant
from occupancy.forecast.arrivals import Arriving, Expectation
from occupancy.forecast.capacity import CapacityAt
from occupancy.forecast.issue import HORIZONS, horizon_name
from occupancy.forecast.outlook import SAME_BAYS, Outlook, outlook
from occupancy.forecast.skill import Sums
from occupancy.model import AreaId, Source, Zone
from occupancy.whole_stay import Visit

NOT_SCORED = "not scored yet"
_WHOLE = 1e-6
"""So near to a whole bay is a whole bay."""


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
        times = [now + ahead for ahead in HORIZONS]
    points = [
        _AreaArrival(live, zone.area_id, now, at).point(zone, query.view, query.at_least)
        for at in times
        if now is not None
    ]
    skill = _skill_of_all(live, zone)
    return {
        "zone": zone.zone_id,
        "area": zone.area_id,
        "issued_at": instant(now),
        "data_as_of": instant(live.board.zones[zone.zone_id].availability.as_of),
        "stale": live.board.levels[zone.area_id] is not Level.FRESH,
        "for": query.for_,
        "points": points,
        "skill": skill,
        "skill_reason": NOT_SCORED if skill is None else None,
    }


def at_arrival(live: Live, areas: list[AreaId], query: Arrival) -> Arrivals:
    """Return the arrivals in some areas. A recording has its own time, so an arrival may lie within the day of one
    area and not of another. Raises `Problem` when it does so for none.
    """
    refuse_two(query)
    arriving: dict[AreaId, _AreaArrival] = {}
    refused: Problem | None = None
    for area_id in areas:
        now = _now(live, area_id)
        if now is None:
            continue
        try:
            arriving[area_id] = _AreaArrival(live, area_id, now, _arrival(now, query))
        except Problem as problem:
            refused = problem
    if refused is not None and not arriving:
        raise refused

    return Arrivals(live, arriving, query.view, query.at_least)


class Arrivals:
    """One arrival, in each area by its own time."""

    def __init__(
        self, live: Live, arriving: Mapping[AreaId, _AreaArrival], view: View, at_least: int | None
    ) -> None:
        self._visits = live.board.visits
        self._arriving = arriving
        self._view = view
        self._at_least = at_least

    def forecast(self, zone: Zone) -> dict[str, object] | None:
        """Return a zone's outlook; None in an area whose own time has no such moment."""
        found = self._arriving.get(zone.area_id)
        return None if found is None else found.point(zone, self._view, self._at_least)

    def visit(self, area_id: AreaId) -> Visit:
        """Return the stay from the arrival on."""
        found = self._arriving.get(area_id)
        return self._visits.at(area_id, self._view, None if found is None else found.at)


class _AreaArrival:
    """One arrival in one area."""

    def __init__(self, live: Live, area_id: AreaId, now: datetime, at: datetime) -> None:
        self._rules = live.capacities.rules(area_id, live.board.visits.timetable(area_id), at)
        self._live = live
        self._level = live.board.levels[area_id]
        self._seen_to = live.board.watermarks.get(area_id)
        self._now = now
        self._issued = None if self._level is Level.DOWN else live.issued.arriving(area_id, now, at)
        self.at = at

    def point(self, zone: Zone, view: View, at_least: int | None) -> dict[str, object]:
        capacity = self._rules.capacity(zone, view.asker, view.stay_min)
        expected = self._expected(zone, capacity)
        if expected is None or expected.source is Source.PRIOR:
            found = self._outlook(zone, view, capacity)
            if expected is None or found.expected_free is None or found.source is Source.TYPICAL:
                return _point(found, self._now)
        assert self._issued is not None  # noqa: S101 - nothing is expected without it
        return {
            "at": instant(self.at),
            "in_min": _minutes(self.at - self._now),
            **_expected_point(expected, capacity, at_least),
            **_issue_document(self._issued, self._now),
            "skill": self._skill(zone, self._issued),
        }

    def _expected(self, zone: Zone, capacity: CapacityAt) -> Expectation | None:
        """Return what was issued of the bays in question; None: nothing was."""
        if self._issued is None or capacity.usable == 0:
            return None
        profile = self._live.profiles.get(zone.zone_id)
        if profile is None or capacity.usable < SAME_BAYS * capacity.opened:
            return self._issued.expected(capacity.by_place)

        def usual(at: datetime) -> float | None:
            found = profile.at(at)
            return None if found is None else found.share

        return self._issued.expected(capacity.by_place, self._issued.bend(usual))

    def _outlook(self, zone: Zone, view: View, capacity: CapacityAt) -> Outlook:
        return outlook(
            self._live.board.shown(zone.zone_id),
            self._live.profiles.get(zone.zone_id),
            capacity,
            driver=view.driver,
            now=self._now,
            at=self.at,
            prior_share=self._rules.prior_share(zone, capacity),
            seen_to=self._seen_to,
            trusted=self._level is not Level.DOWN,
        )

    def _skill(self, zone: Zone, issued: Arriving) -> dict[str, object] | None:
        measured = self._live.issued.feed.measured.get(zone.area_id)
        minutes = _minutes(issued.horizon)
        sums = None if measured is None else measured.zones.get((zone.zone_id, minutes))
        if measured is None or sums is None:
            return None
        return {
            "horizon": horizon_name(minutes),
            "since": measured.since.isoformat(),
            **measures(sums),
        }


def _skill_of_all(live: Live, zone: Zone) -> dict[str, object] | None:
    """Return how good the zone's forecasts were at all horizons together; None: none was scored."""
    measured = live.issued.feed.measured.get(zone.area_id)
    if measured is None:
        return None
    total = Sums()
    for ahead in HORIZONS:
        if sums := measured.zones.get((zone.zone_id, _minutes(ahead))):
            total.add(sums)
    if not total.forecasts:
        return None
    return {"horizon": None, "since": measured.since.isoformat(), **measures(total)}


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
        "in_min": _minutes(found.at - now),
        "usable_capacity": found.usable_capacity,
        "expected_free": None if found.expected_free is None else round(found.expected_free, 1),
        "free_low": found.free_low,
        "free_high": found.free_high,
        "free_quantiles": None,
        "p_any": None if found.p_any is None else round(found.p_any, 3),
        "p_at_least": None,
        "source": found.source.value,
        "cells": found.cells,
        "closed": found.closed,
        "model": None,
        "issued_at": None,
        "data_to": None,
        "data_age_s": None,
        "skill": None,
    }


def _expected_point(found: Expectation, capacity: CapacityAt, at_least: int | None) -> dict[str, object]:
    low, high = found.quantiles[0], found.quantiles[-1]
    return {
        "usable_capacity": capacity.usable,
        "expected_free": round(found.expected_free, 1),
        # What comes is whole bays; the band holds what is expected.
        "free_low": math.floor(min(low, found.expected_free) + _WHOLE),
        "free_high": min(math.ceil(max(high, found.expected_free) - _WHOLE), capacity.usable),
        "free_quantiles": [round(max(quantile, 0.0), 1) for quantile in found.quantiles],
        "p_any": round(found.p_any, 3),
        "p_at_least": None if at_least is None else round(found.p_at_least(at_least), 3),
        "source": found.source.value,
        "cells": 0,
        "closed": capacity.closed,
    }


def _issue_document(issued: Arriving, now: datetime) -> dict[str, object]:
    issue = issued.issue
    return {
        "model": issue.model,
        "issued_at": instant(issue.issued_at),
        "data_to": instant(issue.data_to),
        "data_age_s": max(0, round((now - issue.data_to).total_seconds())),
    }


def _minutes(span: timedelta) -> int:
    return round(span / timedelta(minutes=1))
