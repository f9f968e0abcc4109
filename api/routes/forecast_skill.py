"""How good issued forecasts were: for anybody to see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from api import forecast_schemas
from api.answers import tagged
from api.desk import Desk
from api.errors import Problem, not_found
from api.live import Live
from api.params import SkillQuery
from api.routes.described import PROBLEMS, described
from api.skill_documents import measures
from api.snapshot import encode
from occupancy.calendar import civil_at
from occupancy.forecast.issue import horizon_name
from occupancy.forecast.scores import BINS
from occupancy.forecast.skill import Chances, KindOfDay, Sums
from occupancy.model import Area, AreaId, ZoneId
from store import forecast_records
from store.postgres import Connection

PATH = "/v1/forecast/skill"
DAYS = 28
DAYS_MAX = 366
_CACHE = "public, max-age=60"
Document = dict[str, object]


def install(app: FastAPI, live: Live) -> None:
    """Add the route."""
    desk = Desk(live.config.database_url)

    async def skill(request: Request, query: Annotated[SkillQuery, Query()]) -> Response:
        """How good forecasts were, by horizon and kind of day: of an area, of one zone, or (`by=zone`) of each."""
        known = live.board.areas.get(AreaId(query.area))
        if known is None:
            raise not_found("area", query.area)
        if query.zone is not None:
            there = live.board.zones.get(ZoneId(query.zone))
            if there is None or there.zone.area_id != known.area.area_id:
                raise not_found("zone", query.zone)
            if query.by == "zone":
                told = "zone: goes without by=zone, which tells of each zone of the area"
                raise Problem(422, "invalid-parameter", told, parameter="zone")
        now = live.time_in(known.area.area_id)
        since, until = _days(query, known.area, now)
        document = await desk.ask(lambda conn: _document(conn, query, since, until))
        return tagged(request, encode(document), cache=_CACHE)

    app.add_api_route(
        PATH,
        skill,
        tags=["drivers"],
        **described(forecast_schemas.SkillReport, {**PROBLEMS, 503: "The database does not answer now"}),
    )


def _days(query: SkillQuery, area: Area, now: datetime | None) -> tuple[date, date]:
    """Return the first and the last civil day that are asked for. Raises `Problem`."""
    today = civil_at(area.time_zone, now).day if now is not None else datetime.fromtimestamp(0, UTC).date()
    until = query.until or today
    since = query.since or until - timedelta(days=DAYS - 1)
    if since > until:
        raise Problem(422, "invalid-parameter", "since: is after until", parameter="since")
    if (until - since).days >= DAYS_MAX:
        told = f"since: is more than {DAYS_MAX} days up to until: ask for fewer at once"
        raise Problem(422, "invalid-parameter", told, parameter="since")
    return since, until


def _document(conn: Connection, query: SkillQuery, since: date, until: date) -> Document:
    area, end = AreaId(query.area), until + timedelta(days=1)
    zone_id = None if query.zone is None else ZoneId(query.zone)
    head = {"area": area, "zone": zone_id, "since": since.isoformat(), "until": until.isoformat()}
    with conn.cursor() as cur:
        if query.by == "zone":
            zones, more = forecast_records.skill_of_zones(
                cur, area, since, end, query.after or "", query.limit
            )
            rows = [_row(ZoneId(zone), minutes, None, sums) for (zone, minutes), sums in zones.items()]
            return {**head, "rows": _of_horizon(rows, query), "calibration": [], "next": more}
        by_kind = forecast_records.skill(cur, area, since, end, zone_id)
        said = forecast_records.chances(cur, area, since, end) if zone_id is None else {}
    rows = [_row(zone_id, minutes, kind, sums) for (minutes, kind), sums in by_kind.items()]
    return {**head, "rows": _of_horizon(rows, query), "calibration": _calibration(said, query), "next": None}


def _row(zone_id: ZoneId | None, minutes: int, kind: KindOfDay | None, sums: Sums) -> Document:
    return {
        "zone": zone_id,
        "horizon": horizon_name(minutes),
        "kind": None if kind is None else kind.value,
        **measures(sums),
    }


def _of_horizon(rows: Sequence[Document], query: SkillQuery) -> list[Document]:
    return [row for row in rows if query.horizon in (None, row["horizon"])]


def _calibration(said: Mapping[int, Chances], query: SkillQuery) -> list[Document]:
    found: list[Document] = []
    for minutes, chances in said.items():
        for tenth, forecasts in enumerate(chances.forecasts):
            if forecasts:
                found.append(
                    {
                        "horizon": horizon_name(minutes),
                        "from": tenth / BINS,
                        "to": (tenth + 1) / BINS,
                        "forecasts": forecasts,
                        "said": round(chances.said[tenth] / forecasts, 4),
                        "came": round(chances.came[tenth] / forecasts, 4),
                    }
                )
    return _of_horizon(found, query)
