"""The agent's HTTP port for cameras: small and bounded (L8). Nothing of a request is ever logged (L10)."""

from __future__ import annotations

import asyncio
import logging
import sqlite3

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from baycast.gate.agent import Agent, BadEventError, UnknownCameraError
from baycast.gate.buffer import BufferFullError

_MOST_BYTES = 64 * 1024
_BODY_WITHIN_S = 5.0
_MOST_CONNECTIONS = 64

_log = logging.getLogger("baycast.gate")


class _TooLargeError(ValueError):
    """A body that is longer than any camera event."""


def create_app(agent: Agent) -> Starlette:
    """`POST /events`, `POST /cameras/{camera}/alive`, `GET /healthz`."""

    async def events(request: Request) -> Response:
        try:
            async with asyncio.timeout(_BODY_WITHIN_S):
                body = await _body(request)
            fresh = await run_in_threadpool(agent.take, body)
        except _TooLargeError:
            return _problem(413, "the event is too large")
        except (TimeoutError, ClientDisconnect):
            return _problem(408, "the event did not come in time")
        except UnknownCameraError as error:
            return _problem(404, str(error))
        except BadEventError as error:
            return _problem(422, str(error))
        except (BufferFullError, sqlite3.Error) as error:
            _log.error("an event was not taken", extra={"why": type(error).__name__})
            return _problem(503, "the buffer takes no more: send the event again later")
        return JSONResponse({"taken": fresh}, status_code=202 if fresh else 200)

    async def alive(request: Request) -> Response:
        try:
            await run_in_threadpool(agent.alive, request.path_params["camera"])
        except UnknownCameraError as error:
            return _problem(404, str(error))
        except (BufferFullError, sqlite3.Error):
            return _problem(503, "the buffer takes no more")
        return Response(status_code=204)

    async def healthz(_request: Request) -> Response:
        return Response(status_code=204)

    return Starlette(
        routes=[
            Route("/events", events, methods=["POST"]),
            Route("/cameras/{camera}/alive", alive, methods=["POST"]),
            Route("/healthz", healthz),
        ]
    )


def server(agent: Agent, host: str, port: int) -> uvicorn.Server:
    """Not started. No access log: a camera may put a plate into its URL."""
    return uvicorn.Server(
        uvicorn.Config(
            create_app(agent),
            host=host,
            port=port,
            access_log=False,
            log_config=None,
            log_level="warning",
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=5,
            lifespan="off",
            ws="none",
        )
    )


async def _body(request: Request) -> bytes:
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) > _MOST_BYTES:
            raise _TooLargeError
    return bytes(parts)


def _problem(status: int, title: str) -> JSONResponse:
    return JSONResponse(
        {"type": "about:blank", "title": title, "status": status},
        status_code=status,
        media_type="application/problem+json",
    )
