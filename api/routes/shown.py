"""A sign's own connection: the WebSocket with its frames, and the way back for what it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import FastAPI, Query, Request
from starlette.responses import Response
from starlette.routing import compile_path
from websockets.http11 import Request as Handshake

from api import sign_schemas as shapes
from api.answers import JSON
from api.errors import Problem, not_found
from api.guard import areas_for, caller_of
from api.listening import asker_of, check_origin, seated
from api.live import Live
from api.live_socket import LiveSocket
from api.params import Nothing
from api.routes.described import KEYED_PROBLEMS, described
from api.sign_live import SignFrames, SignReader
from api.snapshot import encode
from occupancy.model import Sign, SignId
from signs.readback import ReadbackError, judge, parse

SOCKET = "/v1/signs/{sign_id}/live"
_PATH = "/v1/signs/{sign_id}/shown"
_SOCKET_PATH = compile_path(SOCKET)[0]


def opening(live: Live, signs: SignFrames) -> Callable[[LiveSocket, Handshake], SignReader]:
    """How a sign's WebSocket joins."""

    def opened(socket: LiveSocket, handshake: Handshake) -> SignReader:
        check_origin(handshake.headers, live.config.allowed_origins)
        parts = urlsplit(handshake.path)
        if parts.query:
            raise Problem(400, "unknown-parameter", "There are no parameters here.")
        found = _SOCKET_PATH.match(parts.path)
        sign = _sign(live, found["sign_id"] if found else "")
        with seated():
            return signs.join(sign.sign_id, socket.wake, socket.evict, asker_of(live, socket, handshake))

    return opened


def install(app: FastAPI, live: Live, signs: SignFrames) -> None:
    """Add the routes."""

    async def shown(request: Request, sign_id: str, _query: Annotated[Nothing, Query()]) -> Response:
        """Take note of what a sign says it shows now, and say whether it is what it was told."""
        sign = _sign(live, sign_id)
        areas_for(caller_of(request), sign.area_id)
        try:
            told = parse(await request.body())
        except ReadbackError as problem:
            field = str(problem).partition(":")[0]
            raise Problem(422, "invalid-body", str(problem), field=field) from None
        frame, newest = await signs.shown.frames_for(sign.sign_id, told.sequence)
        verdict = judge(told, frame, newest, now=live.clock())
        silent_after_s = live.config.silent_after_ttls * sign.ttl_s
        await signs.shown.record(sign.sign_id, told, verdict, via="http", silent_after_s=silent_after_s)
        return Response(encode({"sign_id": sign.sign_id, "verdict": verdict.value}), media_type=JSON)

    problems = {**KEYED_PROBLEMS, 404: "No such sign"}
    body = {
        "required": True,
        "content": {JSON: {"schema": {"$ref": f"#/components/schemas/{shapes.Shown.__name__}"}}},
    }
    app.add_api_route(
        _PATH,
        shown,
        tags=["signs"],
        openapi_extra={"requestBody": body},
        **described(shapes.ShownVerdict, problems, tagged=False, method="POST"),
    )


def _sign(live: Live, sign_id: str) -> Sign:
    for registry in live.feed.registries.values():
        sign = registry.signs.get(SignId(sign_id))
        if sign is not None:
            return sign
    raise not_found("sign", sign_id)
