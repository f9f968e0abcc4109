"""The live feed by WebSocket and by server-sent events, both from the same hub.

Close codes: 1008 for a listener that talks too much, 1009 for a message that is too large, 1012 when the
server stops, 4008 for a listener that did not read.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import FastAPI, Query, Request, WebSocket
from pydantic import ValidationError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from api import metrics
from api.edge import ABORT
from api.errors import Problem, not_found, parameter_problem, response
from api.hub import SLOW, HubFullError, Listener
from api.live import Live
from api.params import Listen
from api.routes.described import PROBLEMS
from api.selection import Selection

MESSAGE_MAX_BYTES = 1024
MESSAGES_MAX = 60
"""Messages that a listener may send within a minute; they are not read, a feed has nothing to be told."""
_CLOSING_S = 1.0


class _Station:
    """One listener's shell: takes from the hub, sends, and is cut off when the other side does not read."""

    def __init__(self, live: Live, query: Listen, kind: str, abort: Callable[[], None] | None) -> None:
        self._live = live
        self._kind = kind
        self._abort = abort
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.evicted = False
        try:
            self.listener: Listener = live.hub.join(query.selection, self._wake.set, query.since)
        except HubFullError:
            metrics.REFUSED.labels("full").inc()
            raise Problem(
                503,
                "too-many-listeners",
                "There are as many listeners as this server takes.",
                {"Retry-After": "10"},
            ) from None
        metrics.CLIENTS.labels(kind).inc()

    def leave(self) -> None:
        self._live.hub.leave(self.listener)
        self._live.evict.pop(self.listener, None)
        metrics.CLIENTS.labels(self._kind).dec()

    async def pump(self, send: Callable[[str, str], Awaitable[None]]) -> None:
        """Send what is due, for ever. `send` gets the message and its version. Ends when evicted."""
        self._task = asyncio.ensure_future(self._pump(send))
        self._live.evict[self.listener] = self._evict
        try:
            await self._task
        except asyncio.CancelledError:
            if not self.evicted:
                self._task.cancel()
                raise

    def _evict(self) -> None:
        self.evicted = True
        if self._task is not None:
            self._task.cancel()

    def drop(self) -> None:
        """Drop the connection at once: a polite close would wait behind what is not read."""
        if self._abort is not None:
            self._abort()

    async def _pump(self, send: Callable[[str, str], Awaitable[None]]) -> None:
        listener, hub = self.listener, self._live.hub
        while True:
            text = hub.take(listener)
            if text is None:
                self._wake.clear()
                await self._wake.wait()
                continue
            listener.sending_since = time.monotonic()
            await send(text, listener.version)
            listener.sending_since = None
            metrics.MESSAGES.inc()


def install(app: FastAPI, live: Live) -> None:
    """Add the routes."""

    def check_areas(selection: Selection) -> None:
        for area_id in sorted(selection.areas or ()):
            if area_id not in live.board.areas:
                raise not_found("area", area_id)

    async def socket(websocket: WebSocket) -> None:
        try:
            _check_origin(websocket, live.config.allowed_origins)
            query = _listen(websocket)
            check_areas(query.selection)
            station = _Station(live, query, "websocket", websocket.scope.get(ABORT))
        except Problem as problem:
            await websocket.send_denial_response(response(problem))
            return
        try:
            await websocket.accept()
            await _serve(websocket, station)
        finally:
            station.leave()

    async def events(request: Request, query: Annotated[Listen, Query()]) -> Response:
        """Snapshot, numbered deltas and heartbeats as server-sent events; `Last-Event-ID` resumes."""
        check_areas(query.selection)
        last = request.headers.get("last-event-id")
        if last is not None and query.since is None and len(last) <= 4096:
            query = query.model_copy(update={"since": last})
        return _EventStream(live, query)

    app.add_api_websocket_route("/v1/live", socket, name="live")
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
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            },
            **{status: {"description": words, "content": problem} for status, words in PROBLEMS.items()},
            503: {"description": "As many listeners as this server takes", "content": problem},
        },
    )


def _listen(websocket: WebSocket) -> Listen:
    if len(set(websocket.query_params)) != len(websocket.query_params.multi_items()):
        raise Problem(400, "repeated-parameter", "A parameter is given more than once.")
    try:
        return Listen.model_validate(dict(websocket.query_params))
    except ValidationError as error:
        raise parameter_problem(error.errors(), "/v1/live") from None


def _check_origin(websocket: WebSocket, allowed: frozenset[str]) -> None:
    """Refuse pages of other hosts: a browser sends WebSockets across origins without asking (CORS is not
    asked).
    """
    origin = websocket.headers.get("origin")
    if origin is None or origin in allowed:
        return
    with contextlib.suppress(ValueError):  # what is no URL is nobody's origin
        if urlsplit(origin).netloc == websocket.headers.get("host", ""):
            return
    metrics.REFUSED.labels("origin").inc()
    raise Problem(403, "origin", "Pages of this origin may not open the live feed.")


async def _serve(websocket: WebSocket, station: _Station) -> None:
    async def send(text: str, _version: str) -> None:
        await websocket.send_text(text)

    reading = asyncio.create_task(_read(websocket))
    sending = asyncio.create_task(station.pump(send))
    try:
        await asyncio.wait({reading, sending}, return_when=asyncio.FIRST_COMPLETED)
        code = SLOW if station.evicted else reading.result() if reading.done() else None
        if code is not None:
            with contextlib.suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
                await asyncio.wait_for(websocket.close(code), _CLOSING_S)
        if station.evicted:
            await asyncio.sleep(_CLOSING_S)
            station.drop()
    finally:
        for task in (reading, sending):
            task.cancel()
        await asyncio.gather(reading, sending, return_exceptions=True)


async def _read(websocket: WebSocket) -> int | None:
    """Read and forget until the other side goes; return the code to close with, None when it has closed."""
    window, count = time.monotonic(), 0
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        said = message.get("text") or message.get("bytes") or ""
        if len(said) > MESSAGE_MAX_BYTES:
            return 1009
        if time.monotonic() - window > 60:
            window, count = time.monotonic(), 0
        count += 1
        if count > MESSAGES_MAX:
            return 1008


class _EventStream(Response):
    """Server-sent events. Joins when it starts, so that a response never sent leaves no listener behind."""

    def __init__(self, live: Live, query: Listen) -> None:
        super().__init__(status_code=200)
        self._live = live
        self._query = query

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            station = _Station(self._live, self._query, "sse", scope.get(ABORT))
        except Problem as problem:
            await response(problem)(scope, receive, send)
            return
        pumping = asyncio.create_task(self._pump(station, send))
        leaving = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({pumping, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if station.evicted:
                station.drop()
        finally:
            station.leave()
            for task in (pumping, leaving):
                task.cancel()
            await asyncio.gather(pumping, leaving, return_exceptions=True)

    async def _pump(self, station: _Station, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

        async def event(text: str, version: str) -> None:
            body = f"id: {version}\ndata: {text}\n\n".encode()
            await send({"type": "http.response.body", "body": body, "more_body": True})

        await station.pump(event)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
