"""A listener's socket, over a real pair of sockets and without a server."""

import asyncio
import json
import socket
from datetime import datetime
from itertools import pairwise
from typing import Any, Self

from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode
from websockets.http11 import Request

from api.board import Board
from api.fan_out import FanOut
from api.hub import Hub, Listener
from api.live_socket import MESSAGES_MAX, PINGS_MAX, TOO_MUCH, LiveSocket
from api.seats import Seats
from api.selection import Selection
from api.snapshot import Limits
from baycast.bench.fan_out.city import NOON, FedByHand
from baycast.bench.fan_out.frames import PONG_FRAME, frames_of, request_of

WITHIN_S = 20


class Scene:
    """A hub on a board that is changed by hand, and the far end of a listener's connection."""

    def __init__(self) -> None:
        self.feed = FedByHand()
        self.board = Board(Limits())
        self.board.load(self.feed, NOON)
        self.hub, self.fan_out = Hub(self.board, Seats(10)), FanOut()
        self.near, self.far = socket.socketpair()
        self.far.setblocking(False)
        self.rest = b""

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        live = LiveSocket({"/v1/live": self._joins}, self.fan_out, server_state=ServerState())
        self.transport, _ = await loop.connect_accepted_socket(lambda: live, self.near)
        await self.send(request_of("127.0.0.1", 80, "/v1/live"))
        while b"\r\n\r\n" not in self.rest:
            self.rest += await loop.sock_recv(self.far, 65536)
        self.rest = self.rest.partition(b"\r\n\r\n")[2]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.far.close()
        self.transport.abort()
        await asyncio.sleep(0)  # the loop tells the socket that it is gone
        assert not self.hub.listeners

    async def send(self, data: bytes) -> None:
        """What is sent next does not come in one piece with it."""
        await asyncio.get_running_loop().sock_sendall(self.far, data)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def frames(self) -> list[Any]:
        """At least one."""
        while True:
            found, self.rest = frames_of(self.rest)
            if found:
                return found
            self.rest += await asyncio.wait_for(
                asyncio.get_running_loop().sock_recv(self.far, 65536), WITHIN_S
            )

    def change(self) -> None:
        self.hub.publish(
            self.board.apply(self.feed.change(), self.feed, datetime.now(NOON.tzinfo)), reset=False
        )

    def _joins(self, live: LiveSocket, _request: Request) -> Listener:
        return self.hub.join(Selection(), live.wake, live.evict)


def test_l8_what_a_slow_listener_reads_at_last_is_whole_and_chained() -> None:
    async def run() -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = []
        async with Scene() as scene:
            while scene.hub.overdue(float("inf"), 0.0) == []:  # until nothing more fits on the way
                scene.change()
                await asyncio.sleep(0)
            scene.change()
            while not told or told[-1]["version"] != scene.board.token():
                told += [json.loads(frame.payload) for frame in await scene.frames()]
        return told

    told = asyncio.run(run())

    assert len(told) > 50
    assert told[0]["type"] == "snapshot"
    assert all(after["prev"] == before["version"] for before, after in pairwise(told))


def test_l8_who_talks_is_heard_between_pongs_whole_and_torn() -> None:
    word = Frame(Opcode.TEXT, b"hello").serialize(mask=True)

    async def run() -> int:
        async with Scene() as scene:
            for piece in (PONG_FRAME, PONG_FRAME[:2], PONG_FRAME[2:], PONG_FRAME):
                await scene.send(piece)
            for _ in range(MESSAGES_MAX + 1):
                await scene.send(word)
            while True:
                codes = [frame.code for frame in await scene.frames() if frame.code is not None]
                if codes:
                    return codes[0]

    assert asyncio.run(run()) == TOO_MUCH


def test_l8_who_pings_without_end_is_let_go_of() -> None:
    ping = Frame(Opcode.PING, b"x" * 100).serialize(mask=True)

    async def run() -> int:
        async with Scene() as scene:
            for _ in range(PINGS_MAX // 100):
                await scene.send(ping * 100)
                assert [frame for frame in await scene.frames() if frame.code is not None] == []
            await scene.send(ping)
            while True:
                codes = [frame.code for frame in await scene.frames() if frame.code is not None]
                if codes:
                    return codes[0]

    assert asyncio.run(run()) == TOO_MUCH


class Silent:
    """What the fan-out sees of a socket, and what it did to it."""

    due = False

    def __init__(self, heard_at: float) -> None:
        self.heard_at = heard_at
        self.pinged_at: float | None = None
        self.evicted = False

    def flush(self) -> bool:
        return False

    def ping(self, now_s: float) -> None:
        self.pinged_at = now_s

    def evict(self) -> None:
        self.evicted = True


def test_l8_silence_is_asked_about_after_half_the_limit_and_ends_a_limit_later() -> None:
    fan_out, silent, heard = FanOut(), Silent(100.0), Silent(100.0)
    fan_out.sockets |= {silent, heard}

    fan_out.look(102.5, 5.0)
    assert silent.pinged_at is None
    fan_out.look(102.6, 5.0)
    assert silent.pinged_at == heard.pinged_at == 102.6
    heard.heard_at, heard.pinged_at = 103.0, None
    fan_out.look(107.6, 5.0)
    assert not silent.evicted
    fan_out.look(107.7, 5.0)
    assert silent.evicted
    assert not heard.evicted
