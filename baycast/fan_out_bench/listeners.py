"""The load generator: thousands of WebSockets read in one process by `epoll`, and when each got which message.

`python -m baycast.fan_out_bench.listeners PORT CLIENTS`. It prints `open` when all are there, and for every line on
stdin one JSON object about the next message of each: the nanoseconds (monotonic) at which the first, the half, 99 of
100 and the last had it, and its bytes.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import sys
import time

_REQUEST = (
    b"GET /v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_WITHIN_S = 60.0


class Listeners:
    """All the sockets, and what of a frame each has so far."""

    def __init__(self, port: int, clients: int) -> None:
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._rest: dict[int, bytes] = {}
        self.size = 0
        for _ in range(clients):
            one = socket.create_connection(("127.0.0.1", port), timeout=_WITHIN_S)
            one.sendall(_REQUEST)
            head = b""
            while b"\r\n\r\n" not in head:
                head += one.recv(65536)
            if not head.startswith(b"HTTP/1.1 101"):
                raise SystemExit(f"refused: {head[:100]!r}")
            one.setblocking(False)
            self._sockets[one.fileno()] = one
            self._rest[one.fileno()] = head.partition(b"\r\n\r\n")[2]
            self._poll.register(one.fileno(), select.EPOLLIN)

    def settle(self) -> None:
        """Read until nothing comes any more: first messages."""
        while self._poll.poll(0.5):
            for fileno, _ in self._poll.poll(0):
                self._read(fileno)
        self._rest = dict.fromkeys(self._rest, b"")

    def hear(self) -> list[int]:
        """When each had its next message, in order."""
        times: list[int] = []
        deadline = time.monotonic() + _WITHIN_S
        while len(times) < len(self._sockets):
            if time.monotonic() > deadline:
                raise SystemExit(f"only {len(times)} of {len(self._sockets)} heard of it")
            for fileno, _ in self._poll.poll(1.0):
                if self._read(fileno):
                    times.append(time.monotonic_ns())
        return times

    def _read(self, fileno: int) -> bool:
        """Whether a frame is whole now."""
        with contextlib.suppress(BlockingIOError):
            data = self._rest[fileno] + self._sockets[fileno].recv(65536)
            size, at = data[1] & 127 if len(data) > 1 else 0, 2
            if size == 126 and len(data) > 3:
                size, at = int.from_bytes(data[2:4]), 4
            if len(data) >= at + size:
                self._rest[fileno] = data[at + size :]
                self.size = size
                return True
            self._rest[fileno] = data
        return False


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    port, clients = int(sys.argv[1]), int(sys.argv[2])
    listeners = Listeners(port, clients)
    listeners.settle()
    _say("open")
    for _ in sys.stdin:
        _say("listening")
        times = listeners.hear()
        marks = [times[0], times[len(times) // 2], times[len(times) * 99 // 100], times[-1]]
        _say(json.dumps({"marks": marks, "bytes": listeners.size}))


if __name__ == "__main__":
    main()
