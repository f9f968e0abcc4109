"""How the store is followed: looked at when somebody notifies or some time has passed, by a connection that heals.

A notification is a hint: whoever follows asks for what is newer than what is known, so one that was lost costs latency.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any, TypeVar

from store.feed_bays import LOST, closed, opened

_BACK_OFF_S = (0.2, 10.0)
_ASKED_AGAIN_S = 0.5
_log = logging.getLogger("baycast.feed")

T = TypeVar("T")


class Following:
    """One connection that listens, for one follower.

    `heard` names the channels and what to note when one of them speaks; all of it is noted, too, when a connection
    begins, for what was said meanwhile was missed.
    """

    def __init__(
        self, url: str, name: str, heard: Mapping[str, Callable[[], None]], *, poll_s: float
    ) -> None:
        self.url = url
        self.connection: Any = None
        """None: there is none. What is asked of it raises `LOST`."""
        self.answered_at: float | None = None
        """When the database last answered a whole step (monotonic seconds), None: never."""
        self._name = name
        self._heard = heard
        self._poll_s = poll_s
        self._wake = asyncio.Event()

    @property
    def answered_s(self) -> float | None:
        """Seconds since the database last answered, None: never."""
        return None if self.answered_at is None else time.monotonic() - self.answered_at

    async def step(self, advance: Callable[[], Awaitable[T]]) -> T:
        """Look once, by a new connection where there is none. Raises `LOST`."""
        if self.connection is None or self.connection.is_closed():
            await self._open()
        self._wake.clear()
        found = await advance()
        self.answered_at = time.monotonic()
        return found

    async def steps(self, advance: Callable[[], Awaitable[T]]) -> AsyncGenerator[T, None]:
        """Look for ever; connect again after a jittered back-off when the database goes away."""
        back_off_s = _BACK_OFF_S[0]
        while True:
            try:
                found = await self.step(advance)
            except LOST as lost:
                await self.close()
                _log.warning("%s: database lost, next try within %.1f s: %s", self._name, back_off_s, lost)
                await asyncio.sleep(back_off_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads reconnects
                back_off_s = min(back_off_s * 2, _BACK_OFF_S[1])
                continue
            back_off_s = _BACK_OFF_S[0]
            yield found
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_s):
                    await self._wake.wait()

    async def close(self) -> None:
        """Close the connection; the next step opens a new one."""
        connection, self.connection = self.connection, None
        await closed(connection)

    async def _open(self) -> None:
        connection = await opened(self.url, self._name)
        try:
            for channel, note in self._heard.items():
                await connection.add_listener(channel, self._woken_by(note))
        except BaseException:
            connection.terminate()
            raise
        connection.add_termination_listener(lambda *_: self._wake.set())
        self.connection = connection
        for note in self._heard.values():
            note()

    def _woken_by(self, note: Callable[[], None]) -> Callable[..., None]:
        def said(*_: object) -> None:
            note()
            self._wake.set()

        return said


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks until they have ended: one that is told in the very moment in which a library's wait ends may miss
    it once, and none must outlive whoever started it. Whoever is cancelled while it waits here learns of it after that.
    """
    cancelled: asyncio.CancelledError | None = None
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        try:
            await asyncio.wait(pending, timeout=_ASKED_AGAIN_S)
        except asyncio.CancelledError as told:
            cancelled = told
    for task in tasks:
        if not task.cancelled():
            task.exception()  # taken note of: it is for whoever waited for the task before
    if cancelled is not None:
        raise cancelled
