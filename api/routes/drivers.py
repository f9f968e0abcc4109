"""What a driver, or a driver's app, asks for."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from api import metrics
from api.access import CALLER, Access
from api.answers import GEOJSON, JSON, keepable, tagged
from api.bays import bay_document
from api.board import Board
from api.driver_answers import filtered, one_zone, zone_page
from api.errors import not_found
from api.forecasts import at_arrival
from api.keyring import Caller
from api.live import Live
from api.params import Availability, BayPage, Driver, ZonePage
from api.routes.described import KEY_PROBLEMS, KEYED_PROBLEMS, PROBLEMS, described
from api.selection import Selection
from api.snapshot import encode
from occupancy.answers import instant
from occupancy.model import AreaId, Bay, BayId, BayState, ZoneId
from occupancy.privacy import withheld_because
from occupancy.registry import Registry
from store.audit import Deed
from store.keys import Scope


def install(app: FastAPI, live: Live, access: Access) -> None:
    """Add the routes."""
    board = live.board

    def check_areas(selection: Selection) -> None:
        for area_id in sorted(selection.areas or ()):
            if area_id not in board.areas:
                raise not_found("area", area_id)

    async def availability(request: Request, query: Annotated[Availability, Query()]) -> Response:
        """The compact snapshot to poll: every zone, or those asked for."""
        selection = query.selection
        check_areas(selection)
        plain = selection == Selection(view=selection.view) and query.since is None
        if query.format == "geojson" or query.arriving or not plain:
            with metrics.RENDER.time():
                return _filtered(request, live, query)
        rendered, began = board.rendered, time.perf_counter()
        body, tag = board.whole(selection.view)
        if board.rendered != rendered:
            metrics.RENDER.observe(time.perf_counter() - began)
        return keepable(request, body, board.stamp, tag=tag)

    async def zones(request: Request, query: Annotated[ZonePage, Query()]) -> Response:
        """The zones with their geometry and opening times, page by page."""
        check_areas(query.selection)
        return keepable(request, encode(zone_page(board, query)), board.stamp)

    async def zone(request: Request, zone_id: str, query: Annotated[Driver, Query()]) -> Response:
        """One zone."""
        if zone_id not in board.zones:
            raise not_found("zone", zone_id)
        return keepable(request, encode(one_zone(board, ZoneId(zone_id), query.view)), board.stamp)

    async def bays(request: Request, zone_id: str, query: Annotated[BayPage, Query()]) -> Response:
        """The bays of one zone as their sensors saw them last, and who may use them now.

        Of Blue Badge and residents' bays the state is told to a key of scope `personal` alone, and audited.
        """
        found = board.zones.get(ZoneId(zone_id))
        if found is None:
            raise not_found("zone", zone_id)
        area_id = found.zone.area_id
        registry = live.feed.registries.get(area_id)
        if registry is None:
            raise not_found("zone", zone_id)  # its area is being removed
        every = sorted(registry.bays_by_zone.get(found.zone.zone_id, ()), key=lambda bay: bay.bay_id)
        page = [bay for bay in every if query.after is None or bay.bay_id > query.after][: query.limit]
        states = await live.feed.bay_states(area_id, [BayId(bay.bay_id) for bay in page])
        if area_id not in board.areas:
            raise not_found("zone", zone_id)  # removed while the database was asked
        caller: Caller | None = request.scope.get(CALLER)
        personal = caller is not None and Scope.PERSONAL in caller.scopes and caller.is_for(area_id)
        if caller is not None and personal:
            await access.record(_asked_for(caller, area_id, zone_id, query, registry, page))
        document = {
            "zone": zone_id,
            "area": area_id,
            "version": board.token(frozenset([area_id])),
            "as_of": instant(board.as_of([area_id])),
            "bays": _bays(live, registry, page, states, area_id, personal=personal),
            "next": page[-1].bay_id if page and page[-1] is not every[-1] else None,
        }
        return tagged(request, encode(document))

    add = app.add_api_route
    add("/v1/availability", availability, tags=["drivers"], **described("Snapshot", PROBLEMS, geojson=True))
    add("/v1/zones", zones, tags=["drivers"], **described("ZonePage", PROBLEMS))
    add("/v1/zones/{zone_id}", zone, tags=["drivers"], **described("OneZone", PROBLEMS))
    add(
        "/v1/zones/{zone_id}/bays",
        bays,
        tags=["drivers"],
        **described("BayPage", {**PROBLEMS, **KEY_PROBLEMS, 503: KEYED_PROBLEMS[503]}),
    )


def _bays(
    live: Live,
    registry: Registry,
    page: Sequence[Bay],
    states: Mapping[BayId, BayState],
    area_id: AreaId,
    *,
    personal: bool,
) -> list[dict[str, object]]:
    level, at = live.board.levels[area_id], live.time_in(area_id)
    return [bay_document(registry, bay, states.get(bay.bay_id), level, at, personal=personal) for bay in page]


def _asked_for(
    caller: Caller, area_id: AreaId, zone_id: str, query: BayPage, registry: Registry, page: Sequence[Bay]
) -> Deed:
    """What the audit log keeps of a question for bays that the public is not told of."""
    doc = {
        "route": "GET /v1/zones/{zone_id}/bays",
        "parameters": query.model_dump(),
        "rows": sum(withheld_because(registry, bay) is not None for bay in page),
    }
    return Deed(who=caller.name, action="personal.read", areas=[area_id], subject=zone_id, doc=doc)


def _filtered(request: Request, live: Live, query: Availability) -> Response:
    arrivals = at_arrival(live, _areas(live.board, query), query) if query.arriving else None
    body = filtered(live.board, query, arrivals)
    media_type = GEOJSON if query.format == "geojson" else JSON
    if query.arriving:
        return tagged(request, body, media_type)
    return keepable(request, body, live.board.stamp, media_type)


def _areas(board: Board, query: Availability) -> list[AreaId]:
    """Return the areas of the selected zones."""
    return sorted({zone.area_id for zone in board.taken(query.selection)})
