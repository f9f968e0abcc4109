"""What stands before each route that looks at keys, by its line in `api.policy`; a handler cannot forget it (L9).

An answer to a key is for whoever holds it alone, so no shared cache keeps it and no page of another site may read it.
Nor does any other, unless the answer itself says how it may be kept.
"""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.datastructures import MutableHeaders
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import metrics
from api.access import CALLER, Access, address_of
from api.denials import Denial
from api.errors import Problem
from api.keyring import Caller
from api.policy import POLICIES, Audience, Policy, UndeclaredRouteError
from store import keys


class _Guard:
    """Stands before one route."""

    def __init__(self, app: ASGIApp, access: Access, path: str) -> None:
        self._app = app
        self._access = access
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        policy = POLICIES[scope["method"], self._path]

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message.get("headers", ())))
                headers.add_vary_header("Authorization")
                private = headers.get("Cache-Control", "").startswith("private")
                if not private and (CALLER in scope or policy.audience is Audience.KEY):
                    headers["Cache-Control"] = "private, no-store"
                if message["status"] == 403:
                    self._denied(scope, policy, 403)
                message = {**message, "headers": headers.raw}
            await send(message)

        try:
            self._access.caller(scope, policy)
        except Problem as problem:
            self._denied(scope, policy, problem.status)
            raise
        await self._app(scope, receive, guarded)

    def _denied(self, scope: Scope, policy: Policy, status: int) -> None:
        if policy.scope is keys.Scope.ADMIN and status != 503:
            route = f"{scope['method']} {self._path}"
            self._access.denials.note(Denial(route, status, address_of(scope), scope.get(CALLER)))


def guard(app: FastAPI, access: Access) -> None:
    """Put the guard before every route whose policy looks at keys."""
    for path in app.state.sockets:
        if POLICIES["WS", path].looks_at_keys:
            raise UndeclaredRouteError(f"WS {path}: a WebSocket's key would not be looked at again")
    for route in app.routes:
        if not isinstance(route, Route):
            continue
        methods = (route.methods or set()) - {"HEAD"}
        if any(POLICIES[method, route.path].looks_at_keys for method in methods):
            route.app = _Guard(route.app, access, route.path)


def caller_of(request: Request) -> Caller:
    """Return who asks, behind a policy that needs a key. Raises `KeyError` behind any other."""
    caller: Caller = request.scope[CALLER]
    return caller


def areas_for(caller: Caller, asked: str | None) -> frozenset[str] | None:
    """Return the areas to answer for: the one asked for, else those of the key; None: all. Raises `Problem`."""
    if asked is None:
        return caller.areas
    if not caller.is_for(asked):
        metrics.DENIED.labels("area").inc()
        raise Problem(403, "area", f"This key is not for area {asked!r}.", area=asked)
    return frozenset([asked])
