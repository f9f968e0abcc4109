"""Follows what signs are told and what they say they show, for those who tell the world (api).

A notification only wakes the follower early; the truth is the highest sequence per sign, so a lost notification or a
dropped connection costs latency, never a frame that counts: the newest.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncGenerator, Callable, Collection
from dataclasses import dataclass
from typing import Any

from occupancy.model import SignId
from signs.frame import Frame
from store.feed_bays import LOST, closed, opened
from store.frames import frame_of
from store.queries import sql
from store.shown import Reported, reported_of

POLL_S = 1.0
"""How often the tables are looked at when nobody notifies."""
_BACK_OFF_S = (0.2, 10.0)
_log = logging.getLogger("baycast.signs")


@dataclass(frozen=True, slots=True)
class Told:
    """The newest frame of a sign, and when its life ends (monotonic seconds of this process)."""

    frame: Frame
    ends_s: float


class SignFeed:
    """Use as `async with SignFeed(url, sign_ids) as feed:`, read the dicts at any time, iterate `changes()` once.

    `sign_ids` is asked at each step which signs there are.
    """

    def __init__(
        self, url: str, sign_ids: Callable[[], Collection[SignId]], *, poll_s: float = POLL_S
    ) -> None:
        self.told: dict[SignId, Told] = {}
        self.reported: dict[SignId, Reported] = {}
        self._url = url
        self._sign_ids = sign_ids
        self._poll_s = poll_s
        self._connection: Any = None
        self._wake = asyncio.Event()
        self._followed_at: float | None = None

    async def __aenter__(self) -> SignFeed:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._disconnect()

    @property
    def followed_s(self) -> float | None:
        """Seconds since the database last answered, None: never."""
        return None if self._followed_at is None else time.monotonic() - self._followed_at

    async def changes(self) -> AsyncGenerator[frozenset[SignId], None]:
        """Yield the signs with a new frame, for ever; reconnect with a jittered back-off."""
        back_off_s = _BACK_OFF_S[0]
        while True:
            try:
                if self._connection is None or self._connection.is_closed():
                    await self._connect()
                self._wake.clear()
                found = await self._advance()
            except LOST as lost:
                await self._disconnect()
                _log.warning("database lost, next try within %.1f s: %s", back_off_s, lost)
                await asyncio.sleep(back_off_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads reconnects
                back_off_s = min(back_off_s * 2, _BACK_OFF_S[1])
                continue
            back_off_s = _BACK_OFF_S[0]
            if found:
                yield found
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_s):
                    await self._wake.wait()

    async def _advance(self) -> frozenset[SignId]:
        sign_ids = list(self._sign_ids())
        known = [self.told[sign_id].frame.sequence if sign_id in self.told else -1 for sign_id in sign_ids]
        asked_s = time.monotonic()
        frames = await self._connection.fetch(sql("frames.newer"), sign_ids, known)
        reported = await self._connection.fetch(sql("shown.newest"), sign_ids)
        self._followed_at = time.monotonic()
        newer = {
            SignId(row["sign_id"]): Told(frame_of(row), asked_s + row["ttl_s"] - row["age_s"])
            for row in frames
        }
        there = set(sign_ids)
        self.told = {sign_id: one for sign_id, one in (self.told | newer).items() if sign_id in there}
        self.reported = {SignId(row["sign_id"]): reported_of(row) for row in reported}
        return frozenset(newer)

    async def _connect(self) -> None:
        connection = await opened(self._url, "baycast signs")
        try:
            await connection.add_listener("baycast_sign", lambda *_: self._wake.set())
        except BaseException:
            connection.terminate()
            raise
        connection.add_termination_listener(lambda *_: self._wake.set())
        self._connection = connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        await closed(connection)
