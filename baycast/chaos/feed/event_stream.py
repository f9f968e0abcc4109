"""A listener over server-sent events, in a few lines of its own: what it is told is judged, not its client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from feed_client import BackOff

_SILENCE_S = 14.0
_BROKEN = (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError)


class Event(NamedTuple):
    id: str
    message: dict[str, Any]


async def follow(port: int, path: str) -> AsyncIterator[Event | None]:
    """Yield every event, and None for each connection that ended; for ever, resuming by `Last-Event-ID`."""
    last: str | None = None
    back_off = BackOff(0.05, 0.5)
    while True:
        try:
            async for event in _connection(port, path, last):
                last = event.id
                back_off.reset()
                yield event
        except _BROKEN:
            pass  # the kills are why we are here: that it ended is told below
        yield None
        await asyncio.sleep(back_off.pause_s())


async def _connection(port: int, path: str, last: str | None) -> AsyncIterator[Event]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    try:
        resume = "" if last is None else f"Last-Event-ID: {last}\r\n"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{resume}\r\n".encode())
        head = await _within(reader.readuntil(b"\r\n\r\n"))
        if not head.startswith(b"HTTP/1.1 200 "):
            return
        text = b""
        while size := int(await _within(reader.readline()), 16):
            text += (await _within(reader.readexactly(size + 2)))[:-2]
            *whole, text = text.split(b"\n\n")
            for one in whole:
                fields = dict(line.split(": ", 1) for line in one.decode().splitlines())
                yield Event(fields["id"], json.loads(fields["data"]))
    finally:
        writer.close()


async def _within(reading: Any) -> bytes:
    async with asyncio.timeout(_SILENCE_S):
        found: bytes = await reading
    return found
