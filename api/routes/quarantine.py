"""Messages that did not become readings: looked at, tried again, discarded."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from api import admin_schemas as shapes
from api.access import Access
from api.admin_schemas import QuarantineDecision
from api.answers import JSON
from api.errors import not_found
from api.guard import areas_for, caller_of
from api.live import Live
from api.params import ID_MAX, Nothing, QuarantinePage
from api.routes.described import KEYED_PROBLEMS, PROBLEMS, described
from api.snapshot import encode
from occupancy.answers import instant
from store import quarantine
from store.quarantine_decisions import Choice, decide

_PATH = "/v1/admin/quarantine"


def install(app: FastAPI, live: Live, access: Access) -> None:
    """Add the routes."""

    async def listed(request: Request, query: Annotated[QuarantinePage, Query()]) -> Response:
        """Messages that did not become readings, the newest first.

        Those of no registered device belong to no area: they are shown to keys for all areas.
        """
        within = areas_for(caller_of(request), query.area)
        found = await access.desk.ask(
            lambda conn: quarantine.page(
                conn,
                within=within,
                reason=query.reason,
                before=query.before,
                discarded=query.discarded,
                limit=query.limit,
            )
        )
        full = len(found) == query.limit
        document = {"refused": [_document(one) for one in found], "next": found[-1].id if full else None}
        return Response(encode(document), media_type=JSON)

    async def one(request: Request, quarantine_id: int, _query: Annotated[Nothing, Query()]) -> Response:
        """One of them, with all that is kept of its payload: 16 KiB, and nothing of a passage."""
        within = caller_of(request).areas
        found = None
        if 0 < quarantine_id <= ID_MAX:
            found = await access.desk.ask(lambda conn: quarantine.find(conn, quarantine_id, within=within))
        if found is None:
            raise not_found("refused message", str(quarantine_id))
        return Response(encode(_document(found)), media_type=JSON)

    async def decided(
        request: Request, body: QuarantineDecision, _query: Annotated[Nothing, Query()]
    ) -> Response:
        """Have refused messages tried again, which ingest does within seconds, or discard them with their payload."""
        caller = caller_of(request)
        choice = Choice(ids=body.ids, reason=body.reason, within=areas_for(caller, body.area))
        done = await access.desk.ask(
            lambda conn: decide(conn, body.do, choice, why=body.why, who=caller.name, at=live.clock())
        )
        left = [{"id": id, "why": why} for id, why in sorted(done.left.items())]
        return Response(encode({"ids": done.ids, "left": left}), media_type=JSON)

    for path, route, shape, method, more in (
        (_PATH, listed, shapes.QuarantinePage, "GET", {}),
        (_PATH, decided, shapes.QuarantineDecided, "POST", {}),
        (f"{_PATH}/{{quarantine_id}}", one, shapes.Refused, "GET", {404: PROBLEMS[404]}),
    ):
        app.add_api_route(
            path,
            route,
            tags=["admin"],
            **described(shape, {**KEYED_PROBLEMS, **more}, tagged=False, method=method),
        )


def _document(one: quarantine.Kept) -> dict[str, object]:
    return {
        "id": one.id,
        "area": one.area,
        "topic": one.topic,
        "reason": one.reason,
        "detail": one.detail,
        "device_id": one.device_id,
        "payload": None if one.payload is None else one.payload.decode("utf-8", "backslashreplace"),
        "payload_bytes": one.payload_bytes,
        "first_seen": instant(one.first_seen),
        "last_seen": instant(one.last_seen),
        "count": one.count,
        "replayed_at": instant(one.replayed_at),
        "replay_asked_at": instant(one.replay_asked_at),
        "replay_refused_at": instant(one.replay_refused_at),
        "discarded_at": instant(one.discarded_at),
        "discard_reason": one.discard_reason,
    }
