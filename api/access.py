"""Who asks, and whether a policy lets them.

`Authorization: Bearer KEY`, and nothing else: a key in a URL would be kept by proxies, logs and histories.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime

import psycopg
from starlette.types import Scope

from api import metrics
from api.attempts import Attempts, network_of
from api.config import ApiConfig
from api.denials import Denials
from api.desk import Desk
from api.errors import Problem
from api.keyring import Caller, Keyring, KeyringStaleError
from api.live import again
from api.policy import Audience, Policy
from store import audit
from store.audit import Deed
from store.feed_bays import LOST
from store.following import end
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
            asyncio.create_task(again(self.keyring.keep), name="keys"),
            asyncio.create_task(again(self._write_denials), name="denials"),
        ]
        try:
            yield
        finally:
            await end(*tasks)
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
