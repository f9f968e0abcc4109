"""Thousands of WebSockets read in one process by `epoll`: they come, listen, stop reading, and come back."""

from __future__ import annotations

import json
import select
import socket
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from baycast.bench.fan_out.frames import PING, PONG_FRAME, frames_of, request_of

HOST = "127.0.0.1"
PATH = "/v1/live"
PER_ADDRESS = 20
"""Clients that share a source address: ports never run out, and nobody's limit per address is met."""
AGAIN_S = 0.1
"""After a refusal."""
_BUFFER = 256 * 1024
_CONNECTING_MOST = 1000
"""Connections in the making: as many as a server's queue of them is sure to hold."""


@dataclass(eq=False, slots=True)
class Client:
    """One listener."""

    number: int
    socket: socket.socket
    rest: bytes = b""
    open: bool = False
    """The server has accepted it."""
    told: bytes | None = None
    """Its first message."""
    stalled: bool = False


@dataclass(slots=True)
class Gathered:
    """How all came. `statuses` are of what was no WebSocket; `firsts` are the distinct first messages, how often each
    came, and what they answered (`since`)."""

    there: int = 0
    first_s: float | None = None
    """When the first was."""
    took_s: float = 0.0
    busy_s: float = 0.0
    refused: int = 0
    lost: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    firsts: Counter[tuple[str | None, bytes]] = field(default_factory=Counter)


class Crowd:
    """All clients of one server. `told` hears of each message that tells of a change."""

    def __init__(self, port: int, told: Callable[[Client], None]) -> None:
        self._port = port
        self.on_told = told
        self.epoll = select.epoll()
        self.clients: dict[int, Client] = {}
        """By file descriptor."""
        self.versions: dict[int, str] = {}
        """By number, what each was told at first: it resumes from there."""
        self.gone: dict[int, tuple[float, int | None]] = {}
        """By number, when it was ended (monotonic seconds), and by which close code."""
        self.size = 0
        """Of the newest message."""
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)

    # --- coming -------------------------------------------------------------------------------------------------

    def gather(self, count: int, within_s: float, *, resume: bool, firsts: bool) -> Gathered:
        """Let those come who are not there, until all `count` are or time is over.

        With `firsts` a client is there when it has its first message, else when it has been let in.
        """
        done = Gathered()
        there = {one.number for one in self.clients.values()}
        missing = deque(number for number in range(count) if number not in there)
        later: deque[tuple[float, int]] = deque()
        due = len(missing)
        began, busy_s = time.monotonic(), time.process_time()
        coming: dict[int, Client] = {}
        while due and (now := time.monotonic()) - began < within_s:
            while later and later[0][0] <= now:
                missing.append(later.popleft()[1])
            while missing and len(coming) < _CONNECTING_MOST:
                one = self._begin(missing.popleft())
                coming[one.socket.fileno()] = one
            for fileno, what in self.epoll.poll(0.02):
                client = coming.get(fileno)
                if client is None:
                    if (ended := self.event(fileno)) is not None:
                        missing.append(ended.number)
                        due += 1
                elif not self._go_on(client, what, done, resume=resume):
                    del coming[fileno]
                    later.append((time.monotonic() + AGAIN_S, client.number))
                elif client.open and (client.told is not None or not firsts):
                    del coming[fileno]
                    due -= 1
                    if done.first_s is None:
                        done.first_s = time.monotonic() - began
        done.there = count - due
        done.took_s, done.busy_s = time.monotonic() - began, time.process_time() - busy_s
        return done

    def _begin(self, number: int) -> Client:
        one = socket.socket()
        one.setblocking(False)
        block, place = divmod(number // PER_ADDRESS, 250)
        one.bind((f"127.0.{block + 1}.{place + 1}", 0))
        one.connect_ex((HOST, self._port))
        client = Client(number, one)
        self.clients[one.fileno()] = client
        self.epoll.register(one.fileno(), select.EPOLLOUT)
        return client

    def _go_on(self, client: Client, what: int, done: Gathered, *, resume: bool) -> bool:
        """A step of one that comes; False when it has to begin anew."""
        since = self.versions.get(client.number) if resume else None
        try:
            if what & select.EPOLLOUT and not what & (select.EPOLLERR | select.EPOLLHUP):
                target = PATH if since is None else f"{PATH}?since={since}"
                client.socket.send(request_of(HOST, self._port, target))
                self.epoll.modify(client.socket.fileno(), select.EPOLLIN)
                return True
            data = client.socket.recv(_BUFFER)
        except BlockingIOError:
            return True
        except ConnectionRefusedError:
            done.refused += 1
            self._drop(client)
            return False
        except OSError:
            data = b""
        if not data:
            done.lost += 1
            self._drop(client)
            return False
        client.rest += data
        if not client.open:
            head, end, rest = client.rest.partition(b"\r\n\r\n")
            if not end:
                return True
            status = int(head.split(b" ", 2)[1])
            if status != 101:
                done.statuses[status] += 1
                self._drop(client)
                return False
            client.open, client.rest = True, rest
        self._welcome(client, since, done)
        return True

    def _welcome(self, client: Client, since: str | None, done: Gathered) -> None:
        frames, client.rest = frames_of(client.rest)
        for frame in frames:
            if frame.news and client.told is None:
                client.told = frame.payload
                done.firsts[since, frame.payload] += 1
                self.versions[client.number] = version_of(frame.payload)

    # --- being there --------------------------------------------------------------------------------------------

    def event(self, fileno: int) -> Client | None:
        """Something came for one that is there; return who has been ended by it. Other descriptors are not ours."""
        client = self.clients.get(fileno)
        if client is None:
            return None
        if client.stalled:
            self._ended(client)
            return client
        try:
            got = client.socket.recv_into(self._buffer)
        except BlockingIOError:
            return None
        except OSError:
            got = 0
        if got == 0:
            self.gone[client.number] = time.monotonic(), None
            self._drop(client)
            return client
        data = bytes(self._view[:got])
        frames, client.rest = frames_of(client.rest + data if client.rest else data)
        for frame in frames:
            if frame.news:
                self.size = len(frame.payload)
                self.on_told(client)
            elif frame.opcode == PING:
                client.socket.send(PONG_FRAME)
        return None

    def stall(self, count: int) -> list[int]:
        """Let the first so many stop reading; return their numbers."""
        chosen = sorted(self.clients.values(), key=lambda one: one.number)[:count]
        for one in chosen:
            one.stalled = True
            self.epoll.modify(one.socket.fileno(), select.EPOLLRDHUP)
        return [one.number for one in chosen]

    def leave(self) -> None:
        """All go without a word."""
        for one in list(self.clients.values()):
            self._drop(one)

    def _ended(self, client: Client) -> None:
        """The server has let go of one that did not read: now it may, and finds out why."""
        at, code = time.monotonic(), None
        data = b""
        try:
            while piece := client.socket.recv(_BUFFER):
                data += piece
        except OSError:
            pass  # what came before the reset is what there is
        for frame in frames_of(client.rest + data)[0]:
            code = frame.code or code
        self.gone[client.number] = at, code
        self._drop(client)

    def _drop(self, client: Client) -> None:
        self.epoll.unregister(client.socket.fileno())
        del self.clients[client.socket.fileno()]
        client.socket.close()


@cache
def version_of(message: bytes) -> str:
    """What a message says that its listener knows then; what is no message of ours has none."""
    return str(json.loads(message)["version"]) if message.startswith(b"{") else ""
