"""Follows what signs are told and what they say they show, for those who tell the world (api).

A notification only wakes the follower early; the truth is the highest sequence per sign, so a lost notification or a
dropped connection costs latency, never a frame that counts: the newest.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Collection
from dataclasses import dataclass

from occupancy.model import SignId
from signs.frame import Frame
from store.following import Following
from store.frames import frame_of
from store.queries import sql
from store.shown import Reported, reported_of

POLL_S = 1.0
"""How often the tables are looked at when nobody notifies."""


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
        self._sign_ids = sign_ids
        self._following = Following(url, "baycast signs", {"baycast_sign": lambda: None}, poll_s=poll_s)

    async def __aenter__(self) -> SignFeed:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._following.close()

    @property
    def followed_s(self) -> float | None:
        """Seconds since the database last answered, None: never."""
        return self._following.answered_s

    async def changes(self) -> AsyncGenerator[frozenset[SignId], None]:
        """Yield the signs with a new frame, for ever, also when the database goes away and comes back."""
        async with contextlib.aclosing(self._following.steps(self._advance)) as steps:
            async for found in steps:
                if found:
                    yield found

    async def _advance(self) -> frozenset[SignId]:
        sign_ids = list(self._sign_ids())
        known = [self.told[sign_id].frame.sequence if sign_id in self.told else -1 for sign_id in sign_ids]
        asked_s = time.monotonic()
        frames = await self._following.connection.fetch(sql("frames.newer"), sign_ids, known)
        reported = await self._following.connection.fetch(sql("shown.newest"), sign_ids)
        newer = {
            SignId(row["sign_id"]): Told(frame_of(row), asked_s + row["ttl_s"] - row["age_s"])
            for row in frames
        }
        there = set(sign_ids)
        self.told = {sign_id: one for sign_id, one in (self.told | newer).items() if sign_id in there}
        self.reported = {SignId(row["sign_id"]): reported_of(row) for row in reported}
        return frozenset(newer)
