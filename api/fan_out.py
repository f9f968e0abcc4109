"""Whose turn it is: listeners are told of a change a slice at a time, so that others are answered meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Protocol

from api import metrics

_log = logging.getLogger("baycast.api")
SLICE = 250
"""Listeners that are written to between two looks at everything else."""


class Socket(Protocol):
    """What is asked of a listener's socket."""

    due: bool
    heard_at: float
    pinged_at: float | None

    def flush(self) -> int: ...
    def ping(self, now_s: float) -> None: ...
    def evict(self) -> None: ...


class FanOut:
    """The open sockets of one process."""

    def __init__(self) -> None:
        self.sockets: set[Socket] = set()
        self._due: deque[Socket] = deque()
        self._turning = False

    def add(self, socket: Socket) -> None:
        """Give a socket its turn."""
        if socket.due:
            return
        socket.due = True
        self._due.append(socket)
        self._go_on()

    def look(self, now_s: float, limit_s: float) -> None:
        """Ping who has been silent for half the limit, and evict who has left a ping unanswered for all of it."""
        for socket in list(self.sockets):
            if socket.pinged_at is not None:
                if now_s - socket.pinged_at > limit_s:
                    socket.evict()
            elif now_s - socket.heard_at > limit_s / 2:
                socket.ping(now_s)

    def _go_on(self) -> None:
        if not self._turning:
            self._turning = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._turning = False
        said = 0
        for _ in range(min(SLICE, len(self._due))):
            socket = self._due.popleft()
            socket.due = False
            try:
                said += socket.flush()
            except Exception:  # noqa: BLE001 - whatever it was, the others get theirs (L11)
                _log.exception("a listener could not be told")
                socket.evict()
        # Counted at once: the counter's lock costs as much as a message's way through the hub.
        metrics.MESSAGES.inc(said)
        if self._due:
            self._go_on()
