"""What a sign would show now, registered or not; nothing is sent to any sign."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from api import mode_schemas as shapes
from api.answers import JSON
from api.errors import not_found
from api.guard import areas_for, caller_of
from api.live import Live
from api.mode_schemas import NewPreview
from api.params import Nothing
from api.routes.described import KEYED_PROBLEMS, PROBLEMS, described
from api.snapshot import encode
from occupancy.model import AreaId, Sign, SignId
from occupancy.registry import RegistryError, entity
from signs.frame import Frame
from signs.making import frame
from signs.preview import Preview, preview, preview_document


def install(app: FastAPI, live: Live) -> None:
    """Add the routes."""

    async def registered(request: Request, sign_id: str, _query: Annotated[Nothing, Query()]) -> Response:
        """What a registered sign would show now on auto, if nothing stood on it before."""
        for registry in live.feed.registries.values():
            sign = registry.signs.get(SignId(sign_id))
            if sign is not None:
                areas_for(caller_of(request), sign.area_id)
                return Response(encode(_preview(live, sign)), media_type=JSON)
        raise not_found("sign", sign_id)

    async def proposed(request: Request, body: NewPreview, _query: Annotated[Nothing, Query()]) -> Response:
        """What a sign would show now if it were registered like this, and why it cannot be."""
        try:
            sign = entity("sign", body.id, body.document)
        except RegistryError as error:
            return Response(encode(preview_document(Preview(refused=(error,)))), media_type=JSON)
        if not isinstance(sign, Sign):
            raise TypeError(f"a sign was read as {sign!r}")
        areas_for(caller_of(request), sign.area_id)
        return Response(encode(_preview(live, sign)), media_type=JSON)

    problems = {**KEYED_PROBLEMS, 404: PROBLEMS[404]}
    add = app.add_api_route
    add(
        "/v1/signs/{sign_id}/preview",
        registered,
        tags=["signs"],
        **described(shapes.SignPreview, problems, tagged=False),
    )
    add(
        "/v1/signs/preview",
        proposed,
        tags=["signs"],
        **described(shapes.SignPreview, KEYED_PROBLEMS, tagged=False, method="POST"),
    )


def _preview(live: Live, sign: Sign) -> dict[str, object]:
    registry = live.feed.registries.get(sign.area_id)
    areas = [str(area_id) for area_id in live.feed.registries]
    return preview_document(preview(sign, registry, areas, lambda: _frame(live, sign)))


def _frame(live: Live, sign: Sign) -> Frame:
    board = live.board
    area_id = AreaId(sign.area_id)
    zone_ids = [zone_id for zone_id in sign.zone_ids if zone_id in board.zones]
    # A new area's registry is read a moment before its numbers.
    area = board.areas.get(area_id)
    if area is None:
        raise not_found("area", area_id)
    return frame(
        sign,
        area.area,
        [board.shown(zone_id) for zone_id in zone_ids],
        now=live.clock(),
        sequence=0,
        fresh=live.fresh(area_id),
        versions={zone_id: f"{area.generation}.{board.zones[zone_id].version}" for zone_id in zone_ids},
    )
