"""Signs that follow their frames by WebSocket: the newest frame goes out when it is on record, the moment it is.

Publish makes and records every frame, also those it sends again, so nothing is made here and no client asks the
database. Whoever cannot be told a frame that lives is told to be dark; whoever cannot be reached goes dark by the ttl.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import StrEnum

from api.config import ApiConfig
from api.live import Live, again
from api.said import Said
from api.snapshot import encode
from occupancy.model import SignId
from signs.document import document
from store.following import end
from store.shown import Reported, ShownLog
from store.sign_feed import SignFeed, Told

TICK_S = 0.5
"""How often it is looked whether a frame's life has ended."""


class Kind(StrEnum):
    """Of messages to a sign."""

    FRAME = "frame"
    DARK = "dark"


@dataclass(eq=False, slots=True)
class SignReader:
    """One sign's connection. `sending_since` is the shell's clock."""

    signs: SignFrames
    sign_id: SignId
    wake: Callable[[], None]
    cut: Callable[[], None]
    address: str
    told: int = -1
    """The sequence that it was told last."""
    dark: bool = False
    """It was told to be dark after that."""
    sending_since: float | None = None

    def take(self) -> Said | None:
        """Return the next message, None when there is nothing to say."""
        return self.signs.take(self)

    def leave(self) -> None:
        """Go; again is no error."""
        self.signs.leave(self)


class SignFrames:
    """The frames of one process's signs, and who follows them. Newer frames take the place of those not yet read."""

    def __init__(self, config: ApiConfig, live: Live) -> None:
        self.readers: set[SignReader] = set()
        self.shown = ShownLog(config.database_url)
        self._config = config
        self._live = live
        self._feed = SignFeed(config.database_url, self._sign_ids)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the record for the time of the block."""
        async with self._feed:
            tasks = [
                asyncio.create_task(again(self._follow), name="frames"),
                asyncio.create_task(again(self._tick), name="frames' ends"),
            ]
            try:
                yield
            finally:
                await end(*tasks)
                await self.shown.close()

    def join(
        self, sign_id: SignId, wake: Callable[[], None], cut: Callable[[], None], address: str
    ) -> SignReader:
        """Add a reader; its first message is ready to take at once. Raises `FullError`."""
        self._live.sign_seats.take(address)
        reader = SignReader(self, sign_id, wake, cut, address)
        self.readers.add(reader)
        return reader

    def leave(self, reader: SignReader) -> None:
        """Remove a reader; again is no error."""
        if reader in self.readers:
            self.readers.remove(reader)
            self._live.sign_seats.give_back(reader.address)

    def newest(self, sign_id: SignId) -> Told | None:
        """Return the sign's newest frame, None where it has none that lives or where none is known to be the newest."""
        followed_s = self._feed.followed_s
        if followed_s is None or followed_s > self._config.ready_feed_s:
            return None
        told = self._feed.told.get(sign_id)
        return told if told is not None and time.monotonic() < told.ends_s else None

    def highest(self, sign_id: SignId) -> int:
        """Return the sequence of the sign's newest frame, dead or alive; 0 before the first."""
        told = self._feed.told.get(sign_id)
        return 0 if told is None else told.frame.sequence

    def reported(self, sign_id: SignId) -> Reported | None:
        """Return what the sign said last, None when it never said anything."""
        return self._feed.reported.get(sign_id)

    def take(self, reader: SignReader) -> Said | None:
        """Return the reader's next message, None when there is nothing to say."""
        told = self.newest(reader.sign_id)
        if told is None:
            if reader.dark:
                return None
            reader.dark = True
            return Said(encode({"type": Kind.DARK.value, "sign_id": reader.sign_id}), "")
        if told.frame.sequence <= reader.told:
            return None
        reader.told, reader.dark = told.frame.sequence, False
        left_ms = int((told.ends_s - time.monotonic()) * 1000)
        message = {"type": Kind.FRAME.value, "expires_in_ms": max(0, left_ms), **document(told.frame)}
        return Said(encode(message), str(told.frame.sequence))

    # --- the loops ---------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        async for sign_ids in self._feed.changes():
            for reader in list(self.readers):
                if reader.sign_id in sign_ids:
                    reader.wake()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            for reader in list(self.readers):
                since = reader.sending_since
                if since is not None and time.monotonic() - since > self._config.evict_after_s:
                    reader.cut()
                elif not reader.dark and self.newest(reader.sign_id) is None:
                    reader.wake()

    def _sign_ids(self) -> list[SignId]:
        return [sign_id for registry in self._live.feed.registries.values() for sign_id in registry.signs]
