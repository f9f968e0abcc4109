"""The keys that open something now, held in memory: no question to the database for any request.

They are read anew every second, and at once when the database says that one changed. What is held is trusted for a few
seconds only: a key that was revoked while nobody could be asked opens nothing (`KeyringStaleError`).
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from store.feed_bays import LOST, closed, opened
from store.key_secret import digest
from store.keys import Scope, named, scopes_of
from store.queries import sql

_log = logging.getLogger("baycast.api")
POLL_S = 1.0
TRUST_S = 3.0
"""How old the keys may be: with it, a key is refused everywhere 5 s after it was revoked, whatever has failed."""
NOTE_S = 30.0
"""How often it is written down when keys were last used."""
_LOOKED_UP_BYTES = 16


@dataclass(frozen=True, slots=True)
class Caller:
    """Who holds the key of a request. `areas` None: every area."""

    key_id: int
    label: str
    scopes: frozenset[Scope]
    areas: frozenset[str] | None

    @property
    def name(self) -> str:
        """For the audit log."""
        return named(self.key_id, self.label)

    def is_for(self, area_id: str) -> bool:
        return self.areas is None or area_id in self.areas


@dataclass(frozen=True, slots=True)
class _Held:
    digest: bytes
    caller: Caller
    ends_at: datetime | None


class KeyringStaleError(ConnectionError):
    """The database has not told for too long which keys hold."""


class Keyring:
    """Reads the keys while `running()`; `find` is asked at every request with a key."""

    def __init__(self, url: str, *, clock: Callable[[], datetime]) -> None:
        self._url = url
        self._clock = clock
        self._connection: Any = None
        self._wake = asyncio.Event()
        self._held: Mapping[bytes, _Held] = {}
        self._read_at = float("-inf")
        self._used: dict[int, datetime] = {}
        self._noted_at = time.monotonic()

    @property
    def age_s(self) -> float:
        """How old at most the keys are that are held, seconds."""
        return time.monotonic() - self._read_at

    def find(self, secret: str) -> Caller | None:
        """Return who holds this key; None: nobody, now. Raises `KeyringStaleError`."""
        if self.age_s > TRUST_S:
            raise KeyringStaleError("the keys were last read too long ago")
        wanted = digest(secret)
        # A part of the digest finds the entry; whether it is the very key is told in constant time.
        held = self._held.get(wanted[:_LOOKED_UP_BYTES])
        if held is None or not hmac.compare_digest(held.digest, wanted):
            return None
        now = self._clock()
        if held.ends_at is not None and held.ends_at <= now:
            return None
        self._used[held.caller.key_id] = now.replace(second=0, microsecond=0)
        return held.caller

    async def keep(self) -> None:
        """Follow the keys, for ever. A lost database is tried again every second."""
        told = False
        while True:
            self._wake.clear()
            try:
                await self.read()
                if time.monotonic() - self._noted_at >= NOTE_S:
                    await self.note_use()
                told = False
            except LOST as lost:
                await self._disconnect()
                if not told:
                    _log.warning("API keys cannot be read, and after %.0f s open nothing: %s", TRUST_S, lost)
                    told = True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()

    async def read(self) -> None:
        """Take over the keys as they are now. Raises `LOST`."""
        # What is committed from here on may be missed, so the age counts from here.
        asked_at = time.monotonic()
        if self._connection is None or self._connection.is_closed():
            self._connection = await opened(self._url, "baycast keys")
            await self._connection.add_listener("baycast_keys", lambda *_: self._wake.set())
        rows = await self._connection.fetch(sql("key.valid"), self._clock())
        self._held = {row["digest"][:_LOOKED_UP_BYTES]: _held(row) for row in rows}
        self._read_at = asked_at

    async def note_use(self) -> None:
        """Write down when keys were last used, to the minute. Raises `LOST`."""
        self._noted_at = time.monotonic()
        used = dict(self._used)
        if used and self._connection is not None:
            await self._connection.execute(sql("key.used"), list(used), list(used.values()))
            # Used again meanwhile, within another minute: to be written next time.
            self._used = {key_id: at for key_id, at in self._used.items() if used.get(key_id) != at}

    async def close(self) -> None:
        """Write down what is left to write, where that can be done."""
        with contextlib.suppress(*LOST):
            await self.note_use()
        await self._disconnect()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        await closed(connection)


def _held(row: Any) -> _Held:
    areas = None if row["areas"] is None else frozenset(row["areas"])
    caller = Caller(row["id"], row["label"], scopes_of(row["scopes"]), areas)
    return _Held(row["digest"], caller, row["ends_at"])
