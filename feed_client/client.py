"""The client itself: one connection after the other, for ever."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator
from itertools import count
from urllib.parse import urlencode

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from feed_client.back_off import BackOff
from feed_client.messages import Event, Lost, Message, message_of
from feed_client.state import FeedState, GapError, WentBackError
from feed_client.subscription import Subscription

SILENCE_S = 14.0
"""A heartbeat comes every ten seconds: who hears nothing for this long has no connection, whatever TCP says."""
MESSAGE_MAX_BYTES = 64 * 1024 * 1024
_OPENING_S = 10.0
_FAULTS = (OSError, TimeoutError, WebSocketException, msgspec.MsgspecError, GapError, WentBackError)
_log = logging.getLogger("feed_client")


class LiveFeed:
    """Follows the feed at `url` (ws:// or wss://, without a query). One task iterates `events()`, once."""

    def __init__(
        self,
        url: str,
        subscription: Subscription | None = None,
        *,
        silence_s: float = SILENCE_S,
        back_off: BackOff | None = None,
        compress: bool = False,
    ) -> None:
        self.state = FeedState(subscription or Subscription())
        self._url = url
        self._silence_s = silence_s
        self._back_off = back_off or BackOff()
        self._compress = compress
        self._connection: ClientConnection | None = None
        self._names = count(1)

    async def events(self) -> AsyncGenerator[Event, None]:
        """Yield every message, already taken into `state`, and `Lost` for each connection that ended. Never ends."""
        while True:
            try:
                async with connect(
                    self._address(),
                    compression="deflate" if self._compress else None,
                    open_timeout=_OPENING_S,
                    close_timeout=1.0,
                    ping_interval=None,  # the server pings, and its heartbeats are waited for
                    max_size=MESSAGE_MAX_BYTES,
                ) as connection:
                    self._connection = connection
                    while True:
                        yield await self._next(connection)
            except _FAULTS as fault:
                lost = self._lost(fault)
            finally:
                self._connection = None
                self.state.disconnected()
            _log.info("the feed is lost, next try in %.1f s: %s", lost.retry_in_s, lost.reason)
            yield lost
            await asyncio.sleep(lost.retry_in_s)

    async def subscribe(self, subscription: Subscription) -> None:
        """Listen to something else, at once where there is a connection, else with the next one."""
        if self._connection is None:
            self.state.turn(subscription, None)
            return
        name = str(next(self._names))
        self.state.turn(subscription, name)
        message = {"type": "subscribe", "id": name, **subscription.parameters()}
        with contextlib.suppress(ConnectionClosed):  # then it goes with the next connection
            await self._connection.send(json.dumps(message))

    async def _next(self, connection: ClientConnection) -> Message:
        async with asyncio.timeout(self._silence_s):
            message = message_of(await connection.recv())
        self.state.apply(message)
        self._back_off.reset()
        return message

    def _address(self) -> str:
        asked: dict[str, str | int] = {**self.state.subscription.parameters()}
        if self._compress:
            asked["compress"] = 1
        if self.state.since is not None:
            asked["since"] = self.state.since
        return f"{self._url}?{urlencode(asked)}" if asked else self._url

    def _lost(self, fault: BaseException) -> Lost:
        if isinstance(fault, InvalidStatus):
            answer = fault.response
            wanted = answer.headers.get("Retry-After", "")
            at_least_s = min(float(wanted), 300.0) if wanted.isdigit() else 0.0
            return Lost(
                f"refused with {answer.status_code}", self._back_off.pause_s(at_least_s), answer.status_code
            )
        reason = f"nothing heard for {self._silence_s:g} s" if isinstance(fault, TimeoutError) else str(fault)
        return Lost(reason or type(fault).__name__, self._back_off.pause_s())
