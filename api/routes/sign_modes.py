"""What operators put on signs: blank, a word, an approved legend or a test, for a time."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from api import mode_schemas as shapes
from api.access import Access
from api.answers import JSON
from api.errors import not_found
from api.guard import areas_for, caller_of
from api.live import Live
from api.mode_schemas import NewMode
from api.params import Nothing
from api.refusals import refused_as
from api.routes.described import KEYED_PROBLEMS, PROBLEMS, described
from api.snapshot import encode
from occupancy.answers import instant
from occupancy.model import LegendId, Sign, SignId
from occupancy.registry import Registry, RegistryRefused
from signs.modes import SetMode
from signs.words import Mode
from store import sign_modes

PATH = "/v1/signs/{sign_id}/mode"


def install(app: FastAPI, live: Live, access: Access) -> None:
    """Add the routes."""

    def find(request: Request, sign_id: str) -> tuple[Sign, Registry]:
        """The sign, where the key is for its area. Raises `Problem`."""
        for registry in live.feed.registries.values():
            sign = registry.signs.get(SignId(sign_id))
            if sign is not None:
                areas_for(caller_of(request), sign.area_id)
                return sign, registry
        raise not_found("sign", sign_id)

    async def get(request: Request, sign_id: str, _query: Annotated[Nothing, Query()]) -> Response:
        """The mode that a sign is in, and what was set last."""
        sign, _ = find(request, sign_id)
        found = await access.desk.ask(lambda conn: sign_modes.find(conn, sign.sign_id))
        return Response(encode(_document(sign, found, live)), media_type=JSON)

    async def put(
        request: Request, sign_id: str, body: NewMode, _query: Annotated[Nothing, Query()]
    ) -> Response:
        """Set the mode of a sign, in place of the one before. It is shown within a second, and audited."""
        sign, registry = find(request, sign_id)
        order = SetMode(
            sign_id=sign.sign_id,
            mode=body.mode,
            legend_id=None if body.legend is None else LegendId(body.legend),
            reason=body.reason,
            set_by=caller_of(request).name,
            set_at=live.clock(),
            expires_at=body.expires_at,
        )
        try:
            await access.desk.ask(lambda conn: sign_modes.put(conn, order, sign, registry))
        except RegistryRefused as refused:
            raise refused_as("invalid-mode", refused.errors) from None
        return Response(encode(_document(sign, order, live)), media_type=JSON)

    problems = {
        **KEYED_PROBLEMS,
        404: PROBLEMS[404],
        422: "What cannot be set, with each thing that is wrong",
    }
    for route, method in ((get, "GET"), (put, "PUT")):
        shape = described(shapes.SignMode, problems, tagged=False, method=method)
        app.add_api_route(PATH, route, tags=["signs"], **shape)


def _document(sign: Sign, found: SetMode | None, live: Live) -> dict[str, object]:
    if found is None:
        return {"sign_id": sign.sign_id, "mode": Mode.AUTO.value, "set": None}
    said = {
        "mode": found.mode.value,
        "legend": found.legend_id,
        "reason": found.reason,
        "set_by": found.set_by,
        "set_at": instant(found.set_at),
        "expires_at": instant(found.expires_at),
    }
    return {"sign_id": sign.sign_id, "mode": found.in_force(live.clock()).value, "set": said}
