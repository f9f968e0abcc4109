"""What a sign, or the engineer who looks after it, asks for."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from api.answers import JSON, tagged
from api.errors import not_found
from api.live import Live
from api.params import Nothing
from api.routes.described import PROBLEMS, described
from api.sign_live import SignFrames
from api.sign_schemas import OneSign
from api.snapshot import encode
from occupancy.answers import instant
from occupancy.model import Sign, SignId
from signs.document import encode as frame_bytes
from signs.document import pages_document
from signs.frame import Frame, blank
from store.shown import Reported


def install(app: FastAPI, live: Live, frames: SignFrames) -> None:
    """Add the routes."""

    def find(sign_id: str) -> Sign:
        for area_id, registry in live.feed.registries.items():
            sign = registry.signs.get(SignId(sign_id))
            # A new area's registry is read a moment before its numbers.
            if sign is not None and area_id in live.board.areas:
                return sign
        raise not_found("sign", sign_id)

    async def listed(request: Request, _query: Annotated[Nothing, Query()]) -> Response:
        """The signs and what they stand for."""
        found = [sign for registry in live.feed.registries.values() for sign in registry.signs.values()]
        found.sort(key=lambda sign: sign.sign_id)
        return tagged(request, encode({"signs": [sign_document(sign) for sign in found]}))

    async def one(request: Request, sign_id: str, _query: Annotated[Nothing, Query()]) -> Response:
        """One sign, and what it says it shows."""
        sign = find(sign_id)
        reported = frames.reported(sign.sign_id)
        told = None if reported is None else reported_document(reported)
        return tagged(request, encode({**sign_document(sign), "reported": told}))

    async def now(sign_id: str, _query: Annotated[Nothing, Query()]) -> Response:
        """What the sign may show now, and for how long. Not to be cached: it is a claim with a time."""
        body = frame_bytes(_frame(live, frames, find(sign_id)))
        return Response(body, headers={"Cache-Control": "no-store"}, media_type=JSON)

    add = app.add_api_route
    add("/v1/signs", listed, tags=["signs"], **described("SignList", {400: PROBLEMS[400]}))
    add("/v1/signs/{sign_id}", one, tags=["signs"], **described(OneSign, PROBLEMS))
    add("/v1/signs/{sign_id}/frame", now, tags=["signs"], **described("Frame", PROBLEMS, tagged=False))


def sign_document(sign: Sign) -> dict[str, object]:
    """Return a sign as an answer."""
    return {
        "id": sign.sign_id,
        "area": sign.area_id,
        "name": {"en": sign.name.en, "cy": sign.name.cy or sign.name.en},
        "lat": sign.lat,
        "lon": sign.lon,
        "zones": list(sign.zone_ids),
        "driver": sign.driver,
        "lines": sign.lines,
        "width": sign.width,
        "ttl_s": sign.ttl_s,
        "show": sign.show.value,
        "layout": sign.layout.value,
        "controller": sign.controller.value,
    }


def reported_document(reported: Reported) -> dict[str, object]:
    """Return what a sign said last as an answer."""
    told = reported.readback
    return {
        "verdict": "silent" if reported.silent else reported.verdict.value,
        "state": None if told.state is None else told.state.value,
        "sequence": told.sequence,
        "pages": None if told.pages is None else pages_document(told.pages),
        "faults": list(told.faults),
        "since": instant(reported.first_at),
        "at": instant(reported.last_at),
    }


def _frame(live: Live, frames: SignFrames, sign: Sign) -> Frame:
    """The newest frame on record with what is left of its ttl, so that every road to the sign says the same.

    Past it, or where none is known to be the newest: blank, with the sequence of that frame, for nothing newer
    was made. No sequence is ever given here.
    """
    told = frames.newest(sign.sign_id)
    left_s = 0 if told is None else int(told.ends_s - time.monotonic())
    if told is not None and left_s >= 1:
        return replace(told.frame, ttl_s=min(left_s, told.frame.ttl_s))
    return blank(sign, now=live.clock(), sequence=frames.highest(sign.sign_id))
