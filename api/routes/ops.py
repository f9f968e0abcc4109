"""What operators and their probes ask for."""

from __future__ import annotations

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from api.answers import JSON
from api.live import Live
from api.routes.described import described
from api.snapshot import encode

_NO_STORE = {"Cache-Control": "no-store"}


def install(app: FastAPI, live: Live) -> None:
    """Add the routes."""

    async def healthz() -> Response:
        """Whether the process answers; no word about what it knows."""
        return Response(b'{"status":"alive"}', headers=_NO_STORE, media_type=JSON)

    async def readyz() -> Response:
        """Whether the answers can be relied on: the database follows and the sensors' way is alive."""
        reasons = live.not_ready()
        body = encode({"ready": not reasons, "reasons": reasons})
        return Response(body, 503 if reasons else 200, _NO_STORE, JSON)

    async def metrics() -> Response:
        """Prometheus metrics."""
        return Response(generate_latest(), headers={**_NO_STORE, "Content-Type": CONTENT_TYPE_LATEST})

    add = app.add_api_route
    add("/healthz", healthz, tags=["operations"], **described("Alive", {}, tagged=False))
    ready = described("Ready", {}, tagged=False)
    ready["responses"][503] = {"model": ready["responses"][200]["model"], "description": "Not now, and why"}
    add("/readyz", readyz, tags=["operations"], **ready)
    add("/metrics", metrics, methods=["GET"], include_in_schema=False, response_model=None)
