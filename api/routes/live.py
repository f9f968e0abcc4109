"""The live feed by WebSocket and by server-sent events, both from the same hub.

What is said is in `docs/asyncapi.yaml`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import FastAPI, Query, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from websockets.http11 import Request as Handshake

from api import metrics
from api.access import address_of
from api.edge import ABORT
from api.errors import Problem, response
from api.hub import Listener
from api.listening import asker_of, check_areas, check_origin, hear, join, listen_of
from api.live import Live
from api.live_socket import LiveSocket
from api.params import Listen
from api.routes.described import PROBLEMS
from store.following import end

SOCKET = "/v1/live"
EVENT: Final = {
    "type": "object",
    "description": "One of the events",
    "properties": {
        "id": {"type": "string", "description": "The version, for Last-Event-ID"},
        "event": {"const": "message"},
        "data": {"type": "string", "contentMediaType": "application/json", "description": "The message"},
    },
    "required": ["id", "data"],
}


def opening(live: Live) -> Callable[[LiveSocket, Handshake], Listener]:
    """How a WebSocket joins."""

    def opened(socket: LiveSocket, handshake: Handshake) -> Listener:
        check_origin(handshake.headers, live.config.allowed_origins)
        query = listen_of(urlsplit(handshake.path).query)
        listener = join(live, query, socket.wake, socket.evict, asker_of(live, socket, handshake))
        socket.hears = partial(hear, live, listener)
        return listener

    return opened


def install(app: FastAPI, live: Live) -> None:
    """Add the routes."""

    async def events(request: Request, query: Annotated[Listen, Query()]) -> Response:
        """Snapshot, numbered deltas and heartbeats as server-sent events; `Last-Event-ID` resumes."""
        check_areas(live, query.selection)
        last = request.headers.get("last-event-id")
        if last is not None and query.since is None and len(last) <= 4096:
            query = query.model_copy(update={"since": last})
        return EventStream(live, query)

    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    app.add_api_route(
        "/v1/live/events",
        events,
        methods=["GET"],
        tags=["drivers"],
        response_class=Response,
        response_model=None,
        responses={
            200: {
                "description": "An endless stream",
                "content": {"text/event-stream": {"schema": EVENT}},
            },
            **{status: {"description": words, "content": problem} for status, words in PROBLEMS.items()},
            429: {
                "description": "As many listeners of this address as this server takes",
                "content": problem,
            },
            503: {"description": "As many listeners as this server takes", "content": problem},
        },
    )


class EventStream(Response):
    """Server-sent events. Joins when it starts, so that a response never sent leaves no listener behind."""

    def __init__(self, live: Live, query: Listen) -> None:
        super().__init__(status_code=200)
        self._live = live
        self._query = query

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wake, evicted = asyncio.Event(), asyncio.Event()
        try:
            listener = join(self._live, self._query, wake.set, evicted.set, address_of(scope))
        except Problem as problem:
            await response(problem)(scope, receive, send)
            return
        metrics.CLIENTS.labels("sse").inc()
        tasks = [
            asyncio.create_task(self._pump(listener, wake, send)),
            asyncio.create_task(_gone(receive)),
            asyncio.create_task(evicted.wait()),
        ]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()  # what went wrong is for the edge to note
            abort = scope.get(ABORT)
            if evicted.is_set() and abort is not None:
                metrics.EVICTED.inc()
                abort()  # a polite end would wait behind what is not read
        finally:
            self._live.hub.leave(listener)
            metrics.CLIENTS.labels("sse").dec()
            await end(*tasks)

    async def _pump(self, listener: Listener, wake: asyncio.Event, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while True:
            said = self._live.hub.take(listener)
            if said is None:
                wake.clear()
                await wake.wait()
                continue
            listener.sending_since = time.monotonic()
            await send({"type": "http.response.body", "body": said.event, "more_body": True})
            listener.sending_since = None
            metrics.MESSAGES.inc()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
