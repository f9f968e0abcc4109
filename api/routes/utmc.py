"""Car parks for a UTMC instation, which drives its signs itself."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from api import interop_schemas as shapes
from api.answers import JSON, tagged
from api.errors import not_found
from api.interop import utmc
from api.interop_schemas import UtmcQuery
from api.live import Live
from api.routes.described import PROBLEMS, described
from api.selection import AREAS_MAX, ids_of
from api.snapshot import encode
from occupancy.model import Zone, ZoneKind
from signs.car_park import speaker_for, state_of

_XML = "application/xml"
_STATIC, _DYNAMIC = "/interop/utmc/carpark/static", "/interop/utmc/carpark/dynamic"


def install(app: FastAPI, live: Live) -> None:
    """Add the routes."""

    def chosen(query: UtmcQuery) -> list[Zone]:
        areas = None if query.area is None else ids_of(query.area, AREAS_MAX)
        for area_id in sorted(areas or ()):
            if area_id not in live.board.areas:
                raise not_found("area", area_id)
        found = [
            one.zone
            for one in live.board.zones.values()
            if one.zone.kind is ZoneKind.CAR_PARK and (areas is None or one.zone.area_id in areas)
        ]
        return sorted(found, key=lambda zone: zone.zone_id)

    async def static(request: Request, query: Annotated[UtmcQuery, Query()]) -> Response:
        """The car parks, as UTMC open data has them."""
        return _answer(
            request,
            query,
            [
                utmc.static(
                    zone,
                    live.board.zones[zone.zone_id].availability.counts.capacity,
                    live.board.areas[zone.area_id].area.languages,
                )
                for zone in chosen(query)
            ],
        )

    async def dynamic(request: Request, query: Annotated[UtmcQuery, Query()]) -> Response:
        """What is known of the car parks now: `occupancy` is what is taken, in all bays; the state is for drivers."""
        return _answer(request, query, [_now(live, zone) for zone in chosen(query)])

    problems = {400: PROBLEMS[400], 404: "No such area", 422: PROBLEMS[422]}
    for path, route, shape in (
        (_STATIC, static, shapes.UtmcStatic),
        (_DYNAMIC, dynamic, shapes.UtmcDynamics),
    ):
        told = described(shape, problems)
        told["responses"][200]["content"] = {_XML: {"schema": {"type": "string"}}}
        app.add_api_route(path, route, tags=["interop"], **told)


def _now(live: Live, zone: Zone) -> utmc.Document:
    availability = live.board.shown(zone.zone_id)
    fresh = live.fresh(zone.area_id)
    registry = live.feed.registries.get(zone.area_id)
    speaker = speaker_for(zone, () if registry is None else registry.signs.values())
    state = state_of(speaker, availability, fresh=fresh)
    return utmc.dynamic(zone, availability, state, fresh=fresh)


def _answer(request: Request, query: UtmcQuery, car_parks: list[utmc.Document]) -> Response:
    if query.format == "xml":
        return tagged(request, utmc.xml(car_parks), _XML)
    return tagged(request, encode(car_parks), JSON)
