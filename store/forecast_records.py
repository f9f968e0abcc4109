"""Issued forecasts and how good they were: records, never rebuilt.

An issue that is on record stays as it is, so that whoever issues twice for one minute does no harm. Forecasts are
scored once: the cursor of an area moves, by compare-and-swap, in the transaction that adds to its sums.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Any, NamedTuple

from occupancy.forecast.issue import Issue, Place
from occupancy.forecast.issue_bytes import PackedIssueError, packed, places_document, places_of, unpacked
from occupancy.forecast.skill import Chances, KindOfDay, Scored, Sums
from occupancy.model import AreaId, ZoneId
from store.copying import Cursor
from store.postgres import Connection
from store.queries import sql

DROPPED_AT_ONCE = 500
"""Issues in one transaction: those of a city are large."""
_LOCK = 0x666F_7265  # "fore"


class ScoredMeanwhileError(Exception):
    """Somebody else has scored these forecasts: nothing is added."""


class Live(NamedTuple):
    """An area's live generation, and how far it reaches."""

    area: AreaId
    generation: int
    watermark: datetime


def live(cur: Cursor) -> list[Live]:
    """Every area that has a watermark."""
    cur.execute(sql("forecast_record.live"))
    return [Live(*row) for row in cur.fetchall()]


class ForecastCondition(NamedTuple):
    """How forecasts of an area are doing. `behind_s`: before the watermark; None: none was issued."""

    area: AreaId
    behind_s: float | None
    model: str | None
    watermark: datetime
    scored_to: datetime | None


def conditions(cur: Cursor) -> list[ForecastCondition]:
    """Every area that has a watermark."""
    cur.execute(sql("forecast_record.conditions"))
    return [ForecastCondition(*row) for row in cur.fetchall()]


def try_lock(conn: Connection) -> bool:
    """Whether this session is the one that forecasts; it stays so until it ends. Others stand by: that saves work."""
    with conn.transaction(), conn.cursor() as cur:
        cur.execute(sql("generation.try_engine_lock"), (_LOCK,))
        row = cur.fetchone()
    return bool(row and row[0])


class Recorder:
    """Writes one area's issues; remembers the number of its list of places, which changes with the registry alone."""

    def __init__(self) -> None:
        self._known: tuple[tuple[Place, ...], int] | None = None

    def record(self, cur: Cursor, issue: Issue) -> bool:
        """Whether it is a new one. Who answers from issues is told when the transaction ends."""
        if self._known is None or self._known[0] != issue.places:
            self._known = issue.places, _places_id(cur, issue)
        values = (issue.area_id, issue.issued_at, issue.data_to, issue.model, self._known[1], packed(issue))
        cur.execute(sql("forecast_record.record"), values)
        return cur.rowcount == 1


class IssueReader:
    """Reads issues; remembers lists of places by their number."""

    def __init__(self) -> None:
        self._places: dict[int, tuple[Place, ...]] = {}

    def issued_in(
        self,
        cur: Cursor,
        area: AreaId,
        start: datetime,
        end: datetime,
        unreadable: Callable[[PackedIssueError], None],
    ) -> list[Issue]:
        """An area's issues of [start, end), in their order, without those that are told to be `unreadable`."""
        cur.execute(sql("forecast_record.issued_in"), (area, start, end))
        found = []
        for issued_at, data_to, model, places_id, body in cur.fetchall():
            try:
                places = self._places_of(cur, places_id)
                found.append(unpacked(area, issued_at, data_to, model, places, bytes(body)))
            except PackedIssueError as problem:
                unreadable(problem)
        return found

    def _places_of(self, cur: Cursor, places_id: int) -> tuple[Place, ...]:
        if places_id not in self._places:
            cur.execute(sql("forecast_record.places"), (places_id,))
            ((document,),) = cur.fetchall()
            self._places[places_id] = places_of(document)
        return self._places[places_id]


def newest_at(cur: Cursor) -> dict[AreaId, datetime]:
    """When each area's newest issue was made."""
    cur.execute(sql("forecast_record.newest_at"))
    return {AreaId(area): at for area, at in cur.fetchall()}


def scored_to(cur: Cursor, area: AreaId) -> tuple[datetime | None, datetime | None]:
    """Up to when an area's forecasts were scored, and its first issue that is kept; None: none."""
    cur.execute(sql("forecast_record.scored_to"), (area,))
    ((cursor, first),) = cur.fetchall()
    return cursor, first


def add_scores(
    cur: Cursor,
    area: AreaId,
    scored: Mapping[tuple[date, int], Scored],
    *,
    before: datetime | None,
    to: datetime,
) -> None:
    """Add the sums of forecasts for instants of [before, to), by civil day and horizon in minutes, and move the cursor.

    Raises `ScoredMeanwhileError`.
    """
    cur.execute(sql("forecast_record.move_scored_to"), (area, before, to))
    if cur.rowcount != 1:
        raise ScoredMeanwhileError(f"{area}: forecasts up to {to:%Y-%m-%d %H:%MZ}")
    for (day, horizon_min), found in sorted(scored.items()):
        of = (area, day, horizon_min)
        if found.zones:
            cur.execute(sql("forecast_record.add_scores"), (*of, *_columns(_zone_rows(found))))
        if found.chances:
            cur.execute(sql("forecast_record.add_chances"), (*of, *_columns(_chance_rows(found))))


def drop_issues(cur: Cursor, area: AreaId, before: datetime, limit: int = DROPPED_AT_ONCE) -> int:
    """Drop issues from before an instant, of those that have been scored: at most `limit`; returns how many."""
    cur.execute(sql("forecast_record.drop_issues"), (area, before, limit))
    return cur.rowcount


def skill(
    cur: Cursor, area: AreaId, start: date, end: date, zone_id: ZoneId | None = None
) -> dict[tuple[int, KindOfDay], Sums]:
    """Of civil days [start, end) by horizon in minutes and kind of day: of one zone, or of all together."""
    cur.execute(sql("forecast_record.skill"), (area, start, end, zone_id))
    return {(row[0], KindOfDay(row[1])): Sums(*row[2:]) for row in cur.fetchall()}


def skill_of_zones(
    cur: Cursor, area: AreaId, start: date, end: date, after: str, limit: int
) -> tuple[dict[tuple[ZoneId, int], Sums], str | None]:
    """Of civil days [start, end) by zone and horizon in minutes: so many zones after one, by id; and the last of them
    where there are more."""
    cur.execute(sql("forecast_record.skill_of_some_zones"), (area, start, end, after, limit + 1))
    found = {(ZoneId(row[0]), row[1]): Sums(*row[2:]) for row in cur.fetchall()}
    zones = sorted({zone_id for zone_id, _ in found})
    if len(zones) <= limit:
        return found, None
    return {key: sums for key, sums in found.items() if key[0] != zones[-1]}, zones[-2]


def skill_by_horizon(cur: Cursor, area: AreaId, start: date, end: date) -> dict[int, Sums]:
    """Of civil days [start, end), whatever kind they are of: of all zones together by horizon in minutes."""
    found: dict[int, Sums] = {}
    for (horizon_min, _), sums in skill(cur, area, start, end).items():
        found.setdefault(horizon_min, Sums()).add(sums)
    return found


def chances(cur: Cursor, area: AreaId, start: date, end: date) -> dict[int, Chances]:
    """Of civil days [start, end): what was said of a free bay and what came, by horizon in minutes."""
    cur.execute(sql("forecast_record.chances"), (area, start, end))
    found: dict[int, Chances] = {}
    for horizon_min, tenth, forecasts, said, came in cur.fetchall():
        own = found.setdefault(horizon_min, Chances())
        own.forecasts[tenth], own.said[tenth], own.came[tenth] = forecasts, said, came
    return found


def _places_id(cur: Cursor, issue: Issue) -> int:
    text = json.dumps(places_document(issue.places), separators=(",", ":"))
    digest = sha256(text.encode()).digest()
    cur.execute(sql("forecast_record.places_id"), (issue.area_id, digest, text))
    ((places_id,),) = cur.fetchall()
    return int(places_id)


def _zone_rows(found: Scored) -> list[tuple[Any, ...]]:
    return [
        (
            *(kind.value, zone_id, sums.forecasts, sums.off, sums.off_usual, sums.off_now, sums.pinball),
            *(sums.inside, sums.brier, sums.brier_usual, sums.brier_now),
            *(sums.zone_answers, sums.zone_brier, sums.zone_brier_usual, sums.zone_brier_now),
        )
        for (zone_id, kind), sums in sorted(found.zones.items())
    ]


def _chance_rows(found: Scored) -> list[tuple[Any, ...]]:
    return [
        (kind.value, tenth, own.forecasts[tenth], own.said[tenth], own.came[tenth])
        for kind, own in sorted(found.chances.items())
        for tenth, forecasts in enumerate(own.forecasts)
        if forecasts
    ]


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
