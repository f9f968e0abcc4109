"""Who asks, and whether the policy lets them: each route that looks at keys is guarded by its line in `api.policy`.

`Authorization: Bearer KEY`, and nothing else: a key in a URL would be kept by proxies, logs and histories. An answer to
a key is for whoever holds it alone, so no cache keeps it and no page of another site may read it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime

import psycopg
from fastapi import FastAPI, Request
from starlette.datastructures import MutableHeaders
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import metrics
from api.attempts import Attempts, network_of
from api.config import ApiConfig
from api.denials import Denial, Denials
from api.desk import Desk
from api.errors import Problem
from api.keyring import Caller, Keyring, KeyringStaleError
from api.policy import POLICIES, Audience, Policy, UndeclaredRouteError
from store import audit
from store import keys as key_store
from store.audit import Deed
from store.feed_bays import LOST
from store.key_secret import is_well_formed
from store.postgres import Connection

_log = logging.getLogger("baycast.api")
CALLER = "baycast.caller"
"""Scope key: the `Caller`, where a key was shown and holds."""
_REALM = 'Bearer realm="baycast"'


class Access:
    """The keys, what went wrong with them, and the way to the database for those who are let in."""

    def __init__(self, config: ApiConfig, *, clock: Callable[[], datetime]) -> None:
        self.keyring = Keyring(config.database_url, clock=clock)
        self.desk = Desk(config.database_url)
        self.denials = Denials()
        self._attempts = Attempts()
        self._denials_every_s = config.denials_every_s

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the keys for the time of the block."""
        with contextlib.suppress(*LOST):
            await self.keyring.read()
        tasks = [
            asyncio.create_task(self.keyring.keep(), name="keys"),
            asyncio.create_task(self._write_denials(), name="denials"),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.record_denials()
            await self.keyring.close()

    def caller(self, scope: Scope, policy: Policy) -> Caller | None:
        """Return who asks; None: anybody, where that is enough. Raises `Problem`."""
        shown = [value for name, value in scope["headers"] if name == b"authorization"]
        if not shown:
            if policy.audience is not Audience.KEY:
                return None
            raise self._refused(scope, "no-key", "This needs an API key, as Authorization: Bearer KEY.")
        secret = _secret(shown)
        if secret is None:
            told = "This is no key: not of the form baycast_..., or its checksum is wrong."
            raise self._refused(scope, "malformed-key", told, failed=True)
        try:
            found = self.keyring.find(secret)
        except KeyringStaleError:
            told = "The database does not answer now, so no key is believed."
            raise Problem(503, "database", told, {"Retry-After": "5"}) from None
        if found is None:
            raise self._refused(scope, "key-refused", "This key opens nothing.", failed=True)
        scope[CALLER] = found
        if policy.scope is not None and policy.scope not in found.scopes:
            metrics.DENIED.labels("scope").inc()
            header = f'{_REALM}, error="insufficient_scope", scope="{policy.scope}"'
            told = f"This needs a key with scope {policy.scope}."
            raise Problem(403, "scope", told, {"WWW-Authenticate": header}, scope=policy.scope)
        return found

    def _refused(self, scope: Scope, kind: str, told: str, *, failed: bool = False) -> Problem:
        """Words and headers are the same for every key that does not hold: nothing tells whether it ever did."""
        metrics.DENIED.labels(kind).inc()
        if failed:
            wait_s = self._attempts.failed(address_of(scope), time.monotonic())
            if wait_s is not None:
                headers = {"Retry-After": str(round(wait_s) + 1)}
                return Problem(429, "too-many-failures", "Too many keys that are none; wait.", headers)
        header = f'{_REALM}, error="invalid_token"' if failed else _REALM
        return Problem(401, kind, told, {"WWW-Authenticate": header})

    async def record(self, deed: Deed) -> None:
        """Record that somebody is about to be told something. Raises `psycopg.Error`, `ConnectionError`."""
        await self.desk.ask(lambda conn: _append(conn, [deed]))

    async def record_denials(self) -> None:
        """Write down refused attempts; those that cannot be written are counted in the log instead."""
        deeds = self.denials.take()
        if not deeds:
            return
        try:
            await self.desk.ask(lambda conn: _append(conn, deeds))
        except (psycopg.Error, ConnectionError) as error:
            _log.error("%d refused attempts could not be audited: %s", len(deeds), error)

    async def _write_denials(self) -> None:
        while True:
            await asyncio.sleep(self._denials_every_s)
            await self.record_denials()


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
                if CALLER in scope or policy.audience is Audience.KEY:
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
        if policy.scope is key_store.Scope.ADMIN and status != 503:
            route = f"{scope['method']} {self._path}"
            self._access.denials.note(Denial(route, status, address_of(scope), scope.get(CALLER)))


def guard(app: FastAPI, access: Access) -> None:
    """Put the guard before every route whose policy looks at keys."""
    for route in app.routes:
        if isinstance(route, WebSocketRoute) and POLICIES["WS", route.path].looks_at_keys:
            raise UndeclaredRouteError(f"WS {route.path}: a WebSocket's key would not be looked at again")
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


def address_of(scope: Scope) -> str:
    client = scope.get("client")
    return network_of(None if client is None else client[0])


def _secret(shown: list[bytes]) -> str | None:
    """Return the key; None: it cannot be one."""
    kind, _, secret = shown[0].decode("latin-1").partition(" ")
    secret = secret.strip(" ")
    return secret if len(shown) == 1 and kind.lower() == "bearer" and is_well_formed(secret) else None


def _append(conn: Connection, deeds: list[Deed]) -> None:
    with conn.cursor() as cur:
        for deed in deeds:
            audit.append(cur, deed)
