"""Puts the API together."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from api import errors, policy
from api.access import Access
from api.config import ApiConfig
from api.edge import ABORT, Edge, abort_of
from api.guard import guard
from api.live import Live, utc_now
from api.openapi import openapi
from api.routes import (
    admin,
    drivers,
    forecast,
    forecast_skill,
    history,
    ops,
    overrides,
    page,
    quarantine,
    registry,
    registry_changes,
    shown,
    sign_modes,
    sign_previews,
    signs,
    surveys,
    utmc,
)
from api.routes import live as live_routes
from api.sign_live import SignFrames

API_VERSION = "1.0"


class _App(FastAPI):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Only out here is `send` still the server's own: the framework wraps that of a request.
        scope[ABORT] = abort_of(send)
        await super().__call__(scope, receive, send)


def create_app(config: ApiConfig, *, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """Return the application; it follows the store while its lifespan runs. Raises `UndeclaredRouteError`."""
    live = Live(config, clock=clock)
    access = Access(config, clock=clock)
    frames = SignFrames(config, live)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with live.running(), access.running(), frames.running():
            yield

    app = _App(
        title="baycast",
        version=API_VERSION,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        # A redirect would lead wherever the asker's Host header says.
        redirect_slashes=False,
    )
    app.state.live = live
    app.state.access = access
    app.state.sockets = {
        live_routes.SOCKET: live_routes.opening(live),
        shown.SOCKET: shown.opening(live, frames),
    }
    errors.install(app)
    # Routes are looked through in this order: what is polled comes first.
    drivers.install(app, live, access)
    for room in (forecast, forecast_skill, live_routes, sign_previews, ops, utmc):
        room.install(app, live)
    for of_signs in (signs, shown):
        of_signs.install(app, live, frames)
    for keyed in (history, admin, quarantine, overrides, registry, registry_changes, surveys, sign_modes):
        keyed.install(app, live, access)
    page.install(app, lambda: openapi(app))
    app.add_middleware(Edge, answers=live.answers)
    policy.enforce(app)
    guard(app, access)
    return app
