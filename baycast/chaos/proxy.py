"""A small TCP proxy that breaks connections on purpose. One thread with an asyncio loop; steered from any thread.

Each direction of each connection passes the pieces it reads through the toxics that are set at that moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

_PIECE = 65_536
_BACKLOG = 64
_CLOSE_S = 2.0


@dataclass(frozen=True, slots=True)
class Toxics:
    """What is done to the bytes. Everything off: they pass."""

    latency_s: float = 0.0
    """Each piece waits this long."""
    slice_bytes: int = 0
    """Pieces are handed on in slices of this size, a moment apart; 0: as they come."""
    blackhole: bool = False
    """Nothing passes and nobody is told."""
    cut_up: int | None = None
    """After so many more bytes from the client all connections are reset."""
    cut_down: int | None = None
    """The same, counted from the server."""


class FaultProxy:
    """Listens on a free port of 127.0.0.1 and connects to `upstream`: a port there, or the path of a Unix socket."""

    def __init__(self, name: str, upstream: int | Path) -> None:
        self.name = name
        self.upstream = upstream
        self.port = 0
        self.cuts = 0
        self._toxics = Toxics()
        self._changed = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._call(self._listen()).result(10)

    def stop(self) -> None:
        if self._thread.is_alive():
            with contextlib.suppress(TimeoutError):
                self._call(self._close()).result(5)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)
        self._loop.close()

    def set(self, toxics: Toxics) -> None:
        """From now on, for present and new connections."""
        self._loop.call_soon_threadsafe(self._set, toxics)

    def reset(self) -> None:
        """RST on every present connection, both sides; new ones are taken."""
        self._loop.call_soon_threadsafe(self._abort)

    @property
    def armed(self) -> bool:
        """Whether a cut still waits for its byte."""
        return self._toxics.cut_up is not None or self._toxics.cut_down is not None

    # --- on the loop ---

    def _call(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _listen(self) -> None:
        server = await asyncio.start_server(self._accepted, "127.0.0.1", 0, backlog=_BACKLOG)
        self._server = server
        self.port = server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        self._set(Toxics())
        self._abort()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        if others:
            # A connection's task that is cancelled while its server ends is an error to asyncio: it ends by itself.
            await asyncio.wait(others, timeout=_CLOSE_S)
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _set(self, toxics: Toxics) -> None:
        self._toxics = toxics
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _abort(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if isinstance(self.upstream, Path):
                up_reader, up_writer = await asyncio.open_unix_connection(str(self.upstream))
            else:
                up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, up_writer}
        up = asyncio.create_task(self._pump(reader, up_writer, upwards=True))
        down = asyncio.create_task(self._pump(up_reader, writer, upwards=False))
        try:
            # Either side's end is the end of both: a killed client must free its server session at once.
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (up, down):
                task.cancel()
            for one in (writer, up_writer):
                self._writers.discard(one)
                one.transport.abort() if one.transport.is_closing() else one.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, upwards: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_PIECE):
                while self._toxics.blackhole:
                    await self._changed.wait()
                toxics = self._toxics
                if toxics.latency_s:
                    await asyncio.sleep(toxics.latency_s)  # the fault itself
                if self._cut(writer, data, upwards=upwards):
                    return
                await self._write(writer, data, toxics.slice_bytes)

    def _cut(self, writer: asyncio.StreamWriter, data: bytes, *, upwards: bool) -> bool:
        """Count the bytes towards an armed cut; True when it came, with everything before the k-th byte written."""
        left = self._toxics.cut_up if upwards else self._toxics.cut_down
        if left is None:
            return False
        if len(data) < left:
            left -= len(data)
            if upwards:
                self._toxics = replace(self._toxics, cut_up=left)
            else:
                self._toxics = replace(self._toxics, cut_down=left)
            return False
        writer.write(data[:left])
        self._set(replace(self._toxics, cut_up=None, cut_down=None))
        self.cuts += 1
        self._loop.call_soon(self._abort)
        return True

    async def _write(self, writer: asyncio.StreamWriter, data: bytes, size: int) -> None:
        if not size:
            writer.write(data)
            await writer.drain()
            return
        for start in range(0, len(data), size):
            writer.write(data[start : start + size])
            await writer.drain()
            await asyncio.sleep(0)  # others have their turn, so that each piece travels on its own
