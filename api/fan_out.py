"""Whose turn it is: listeners are told of a change a slice at a time, so that others are answered meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Protocol

_log = logging.getLogger("baycast.api")
SLICE = 250
"""Listeners that are written to between two looks at everything else."""


class Socket(Protocol):
    """What is asked of a listener's socket."""

    due: bool
    heard_at: float
    pinged_at: float | None

    def flush(self) -> None: ...
    def ping(self) -> None: ...
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

    def look(self, now_s: float, silent_s: float) -> None:
        """Ping who has been silent for so long, and evict who has left a ping unanswered for as long."""
        for socket in list(self.sockets):
            if socket.pinged_at is not None and now_s - socket.pinged_at > silent_s:
                socket.evict()
            elif socket.pinged_at is None and now_s - socket.heard_at > silent_s:
                socket.ping()

    def _go_on(self) -> None:
        if not self._turning:
            self._turning = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._turning = False
        for _ in range(min(SLICE, len(self._due))):
            socket = self._due.popleft()
            socket.due = False
            try:
                socket.flush()
            except Exception:  # noqa: BLE001 - whatever it was, the others get theirs (L11)
                _log.exception("a listener could not be told")
                socket.evict()
        if self._due:
            self._go_on()
