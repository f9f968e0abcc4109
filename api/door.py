"""The server's side of a connection: what is kept ready goes out at once, everything else goes to the framework."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import formatdate
from functools import cache
from typing import Any

from prometheus_client import Counter
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api import metrics
from api.kept import KeptAnswers


class Door(HttpToolsProtocol):
    """uvicorn's protocol with a way in front of it for requests that come whole and one at a time."""

    def __init__(self, answers: KeptAnswers, stamp: Callable[[], int], **own: Any) -> None:
        super().__init__(**own)
        self._answers = answers
        self._stamp = stamp
        self._within = False
        """Whether the framework's parser has the beginning of a request."""
        self._answered_at = 0.0

    def data_received(self, data: bytes) -> None:
        """Answer a request that is whole in `data`, or hand the bytes on."""
        found = None if self._within or not self._idle() else self._answers.answer(data, self._stamp())
        if found is None:
            super().data_received(data)
            return
        route, status, rest = found
        self.transport.write(_head(status, int(time.time())) + rest)
        self.server_state.total_requests += 1
        _counted(route, status).inc()
        self._answered_at = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._wait(self.timeout_keep_alive)

    def on_message_begin(self) -> None:
        self._within = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._within = False
        super().on_message_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that has been quiet; one that was answered here meanwhile has its time begun anew."""
        left = self._answered_at + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._wait(left)
        else:
            super().timeout_keep_alive_handler()

    def _wait(self, for_s: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(for_s, self.timeout_keep_alive_handler)

    def _idle(self) -> bool:
        """Nothing before it is still being answered, and what was answered has been read."""
        answered = self.cycle is None or self.cycle.response_complete
        return answered and not self.flow.write_paused and not self.transport.is_closing()


_last: tuple[int, bytes] = (0, b"")


def _head(status: int, at: int) -> bytes:
    """The status line and the date, which is as exact as a second."""
    global _last  # noqa: PLW0603 - one clock for all connections
    if _last[0] != at:
        _last = (at, b"date: %s\r\n" % formatdate(at, usegmt=True).encode())
    return STATUS_LINE[status] + _last[1]


@cache
def _counted(route: str, status: int) -> Counter:
    return metrics.REQUESTS.labels(route, str(status))
