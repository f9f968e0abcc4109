"""Files on their way to who asked for them: few at once, and no waiting for a reader who takes nothing (L8).

Each holds a connection to the database for as long as it is taken, because its rows are read while it is written.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator, Mapping

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api import metrics
from api.edge import ABORT
from api.errors import Problem

FILES_MAX = 2
"""Of the connections of `store.history`; the others are for answers that are given at once."""
FILE_MAX_S = 1800.0
"""A file that its reader has not taken by then is cut off, however steadily it is taken."""
_RETRY_AFTER_S = 15
_PIECE_BYTES = 64 * 1024
"""What is sent, and must be taken, at once: groups of rows in Parquet are a hundred times as large."""


class Files:
    """Counts the files that are being taken."""

    def __init__(self) -> None:
        self._taken = 0

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place for one file. Raises `Problem` at once when there is none."""
        if self._taken >= FILES_MAX:
            raise Problem(
                503,
                "busy",
                f"{FILES_MAX} files are being taken already; ask again, or ask for JSON.",
                headers={"Retry-After": str(_RETRY_AFTER_S)},
            )
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1


class NotTakenError(RuntimeError):
    """A reader does not read."""


class FileResponse(StreamingResponse):
    """Sends a file piece by piece, and drops the connection of a reader who does not take one within `stall_s` seconds.

    `held` is what the file needs while it is sent; it is let go afterwards, however that ends.
    """

    def __init__(
        self,
        pieces: AsyncGenerator[bytes],
        held: contextlib.AsyncExitStack,
        *,
        stall_s: float,
        headers: Mapping[str, str],
        media_type: str,
    ) -> None:
        super().__init__(pieces, headers=headers, media_type=media_type)
        self._pieces, self._held, self._stall_s = pieces, held, stall_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._held, contextlib.aclosing(self._pieces):
            self._abort = scope.get(ABORT)
            await super().__call__(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        """Raises `NotTakenError` where the server does not let us drop the connection: it closes it then."""
        try:
            await self._send_all(send)
        except NotTakenError:
            metrics.FILES_CUT.inc()
            if self._abort is None:
                raise
            self._abort()

    async def _send_all(self, send: Send) -> None:
        now = asyncio.get_running_loop().time
        until = now() + FILE_MAX_S
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for written in self._pieces:
            for begin in range(0, len(written), _PIECE_BYTES):
                piece = written[begin : begin + _PIECE_BYTES]
                try:
                    async with asyncio.timeout_at(min(now() + self._stall_s, until)):
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
                except TimeoutError:
                    raise NotTakenError("a file was not taken in time") from None
        await send({"type": "http.response.body", "body": b"", "more_body": False})
