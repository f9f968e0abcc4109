"""Bytes as HTTP answers that are cheap to poll."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from api.kept import KEEP
from api.snapshot import entity_tag

JSON = "application/json"
GEOJSON = "application/geo+json"
CACHE = "public, max-age=1"


def keepable(
    request: Request, body: bytes, stamp: int, media_type: str = JSON, tag: str | None = None
) -> Response:
    """Return the body as an answer that is good for as long as the board has this stamp, whoever asks."""
    request.scope[KEEP] = stamp
    headers = {"ETag": entity_tag(body) if tag is None else tag, "Cache-Control": CACHE}
    return Response(body, headers=headers, media_type=media_type)


def tagged(
    request: Request, body: bytes, media_type: str = JSON, tag: str | None = None, cache: str = CACHE
) -> Response:
    """Return the body, or 304 when the asker has it already."""
    tag = entity_tag(body) if tag is None else tag
    headers = {"ETag": tag, "Cache-Control": cache}
    asked = request.headers.get("if-none-match")
    if asked is not None and _matches(asked, tag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)


def _matches(asked: str, tag: str) -> bool:
    """Compare weakly, as RFC 9110 says for If-None-Match."""
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in asked.split(","))
