"""The servers that are compared: each tells all its listeners of as many changes as a line on stdin says.

`python -m baycast.bench.fan_out.servers KIND PORT BYTES`; KIND is one of `KINDS`. BYTES is how long a message is, where
it is not baycast's own. It prints `ready`, and for every line the nanoseconds (monotonic) at which it began.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

import uvicorn
import websockets.asyncio.server
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from api.board import Board
from api.config import ApiConfig
from api.fan_out import FanOut
from api.hub import Hub, Listener
from api.live import TICK_S
from api.live_socket import LiveSocket
from api.seats import Seats
from api.selection import Selection
from api.snapshot import Limits
from baycast.bench.fan_out.city import FedByHand

HOST = "127.0.0.1"
Told = Callable[[], Awaitable[None]]
"""Tells every listener of one change."""


async def baycast(port: int, _size: int) -> Told:
    """The API's own hub and sockets, on a board that is changed by hand."""
    feed = FedByHand()
    board = Board(Limits())
    board.load(feed, datetime(2026, 1, 1, tzinfo=UTC))
    hub, fan_out = Hub(board, Seats(100_000)), FanOut()

    def opening(asked: LiveSocket, _request: Request) -> Listener:
        return hub.join(Selection(), asked.wake, asked.evict)

    sockets = partial(LiveSocket, {"/v1/live": opening}, fan_out)
    await _serve(FastAPI(), port, sockets)
    evict_after_s = ApiConfig(database_url="").evict_after_s
    _KEPT.append(asyncio.create_task(_evict(hub, fan_out, evict_after_s)))

    async def tell() -> None:
        hub.publish(board.apply(feed.change(), feed, datetime(2026, 1, 1, tzinfo=UTC)), reset=False)

    return tell


async def _evict(hub: Hub, fan_out: FanOut, after_s: float) -> None:
    """As `api.live` does."""
    while True:
        await asyncio.sleep(TICK_S)
        for listener in hub.overdue(time.monotonic(), after_s):
            listener.cut()
        fan_out.look(asyncio.get_running_loop().time(), after_s)


async def floor(port: int, size: int) -> Told:
    """A loop of `socket.send`: what the kernel alone costs."""
    frame = Frame(Opcode.TEXT, b"x" * size).serialize(mask=False)
    opened: list[socket.socket] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = ServerProtocol()
        protocol.receive_data(await reader.readuntil(b"\r\n\r\n"))
        [request] = protocol.events_received()
        assert isinstance(request, Request)  # noqa: S101 - the first event there is
        protocol.send_response(protocol.accept(request))
        writer.writelines(protocol.data_to_send())
        await writer.drain()
        opened.append(writer.get_extra_info("socket")._sock)

    await asyncio.start_server(accept, HOST, port, backlog=2048)

    async def tell() -> None:
        for one in opened:
            one.send(frame)

    return tell


async def websockets_broadcast(port: int, size: int) -> Told:
    """The `websockets` library and its `broadcast()`."""
    opened: set[websockets.asyncio.server.ServerConnection] = set()

    async def handler(connection: websockets.asyncio.server.ServerConnection) -> None:
        opened.add(connection)
        await connection.wait_closed()

    await websockets.asyncio.server.serve(handler, HOST, port, compression=None, ping_interval=None)

    async def tell() -> None:
        websockets.asyncio.server.broadcast(opened, "x" * size)

    return tell


async def starlette(port: int, size: int, sockets: str = "websockets") -> Told:
    """A loop of `await send_text`, as tutorials have it, on one of uvicorn's implementations."""
    opened: list[WebSocket] = []

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        opened.append(websocket)
        try:
            while True:
                await websocket.receive()
        except (WebSocketDisconnect, RuntimeError):
            pass

    await _serve(Starlette(routes=[WebSocketRoute("/v1/live", endpoint)]), port, sockets)

    async def tell() -> None:
        for one in opened:
            await one.send_text("x" * size)

    return tell


KINDS: dict[str, Callable[[int, int], Awaitable[Told]]] = {
    "baycast": baycast,
    "floor": floor,
    "websockets": websockets_broadcast,
    "starlette": starlette,
    "starlette_sansio": partial(starlette, sockets="websockets-sansio"),
}


async def _serve(app: object, port: int, sockets: object) -> None:
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=HOST,
        port=port,
        ws=sockets,  # type: ignore[arg-type]
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        log_config=None,
        access_log=False,
        lifespan="off",
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        if task.done():
            await task
        await asyncio.sleep(0.01)  # uvicorn says it in this flag only
    server.task = task  # type: ignore[attr-defined]
    _KEPT.append(server)


_KEPT: list[object] = []


async def _run(kind: str, port: int, size: int) -> None:
    tell = await KINDS[kind](port, size)
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    _say("ready")
    while line := await lines.readline():
        _say(str(time.monotonic_ns()))
        for _ in range(int(line)):
            await tell()
            # The loop has a turn between two changes, as between two of the store's.
            await asyncio.sleep(0)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    import uvloop

    kind, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    uvloop.run(_run(kind, port, size)) if kind != "floor" else asyncio.run(_run(kind, port, size))


if __name__ == "__main__":
    main()
