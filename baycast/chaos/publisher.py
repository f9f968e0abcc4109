"""The publisher: a process of its own that sends the stream at QoS 1 and keeps the ledger on disk.

It shares no code with ingest. A message stays in its window until the broker's PUBACK is in the ledger, fsynced;
after a reconnect everything in the window is sent again, and, if wanted, what was acknowledged just before: a broker
acknowledges first and writes its state to disk afterwards.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from baycast.chaos import ledger, mqtt_wire
from baycast.chaos.progress import Progress
from baycast.chaos.stream import Message, StreamPlan, messages

_WINDOW = 400
_KEEPALIVE_S = 30
_ANSWER_WITHIN_S = 10.0
_TURN_S = 0.02
_RETRY_S = 0.1
"""After the broker refused or cut a connection: it may be dead for a while, and does not tell when it is back."""


class Publisher:
    """`run()` returns when the whole stream is acknowledged."""

    def __init__(
        self, host: str, port: int, plan: StreamPlan, *, rate: float, again_s: float, folder: Path
    ) -> None:
        self._where = (host, port)
        self._rate = rate
        self._again_s = again_s
        self._recent: deque[tuple[float, int, Message]] = deque()
        self._again: set[int] = set()
        self._stream: Iterator[Message] = messages(plan)
        self._done = False
        self._sock: socket.socket | None = None
        self._out = bytearray()
        self._in = bytearray()
        self._window: dict[int, tuple[int, Message]] = {}
        self._packet_id = 0
        self._number = 0
        self._readings = 0
        self._heard = 0.0
        self._ledger = os.open(folder / "ledger", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._progress = Progress(folder / "progress")
        self._acked = 0

    def run(self) -> None:
        began = time.monotonic()
        while not self._done or self._window:
            try:
                if self._sock is None:
                    self._connect()
                self._send_new(int((time.monotonic() - began) * self._rate) + 1)
                self._turn()
            except (OSError, mqtt_wire.WireError):
                self._disconnected()
                time.sleep(_RETRY_S)  # the broker is away on purpose: no storm of attempts
        if self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.sendall(mqtt_wire.DISCONNECT)
        os.fsync(self._ledger)

    def _connect(self) -> None:
        sock = socket.create_connection(self._where, timeout=_ANSWER_WITHIN_S)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.sendall(mqtt_wire.connect(f"chaos-publisher-{os.getpid()}", _KEEPALIVE_S))
            answer = sock.recv(4)
        except OSError:
            sock.close()
            raise
        if len(answer) < 4 or answer[0] != mqtt_wire.CONNACK or answer[3] != 0:
            sock.close()
            raise mqtt_wire.WireError(f"not accepted: {answer.hex()}")
        sock.setblocking(False)
        self._sock = sock
        self._heard = time.monotonic()
        self._in.clear()
        self._overlap()
        self._out = bytearray(
            b"".join(
                mqtt_wire.publish(message.topic, message.payload, packet_id, dup=False)
                for packet_id, (_, message) in self._window.items()
            )
        )

    def _overlap(self) -> None:
        """Move what was acknowledged shortly before the connection broke back into the window."""
        while self._recent:
            _, number, message = self._recent.popleft()
            self._window[self._next_packet_id()] = (number, message)
            self._again.add(number)

    def _disconnected(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None
            self._progress.reconnects += 1

    def _send_new(self, due: int) -> None:
        """Move messages from the stream into the window, as many as time, schedule and window allow."""
        allowed = min(due, self._progress.allowed)
        intents: list[str] = []
        packets: list[bytes] = []
        while not self._done and len(self._window) < _WINDOW and self._readings < allowed:
            message = next(self._stream, None)
            if message is None:
                self._done = True
                break
            self._number += 1
            self._readings += len(message.readings)
            for reading in message.readings:
                intents.append(ledger.reading_line(self._number, reading.key, reading.meaning))
            for bad in message.poison:
                intents.append(ledger.poison_line(self._number, bad))
            packet_id = self._next_packet_id()
            self._window[packet_id] = (self._number, message)
            packets.append(mqtt_wire.publish(message.topic, message.payload, packet_id, dup=False))
        if intents:
            os.write(self._ledger, "".join(intents).encode())
        self._out += b"".join(packets)

    def _next_packet_id(self) -> int:
        while True:
            self._packet_id = self._packet_id % 65_535 + 1
            if self._packet_id not in self._window:
                return self._packet_id

    def _turn(self) -> None:
        sock = self._sock
        if sock is None:
            return
        readable, writable, _ = select.select([sock], [sock] if self._out else [], [], _TURN_S)
        if writable:
            with contextlib.suppress(BlockingIOError):
                del self._out[: sock.send(self._out[:262_144])]
        if readable:
            data = sock.recv(262_144)
            if not data:
                raise ConnectionError("closed by the broker")
            self._heard = time.monotonic()
            self._in += data
            self._acknowledged(
                int.from_bytes(body[:2], "big")
                for kind, body in mqtt_wire.packets(self._in)
                if kind == mqtt_wire.PUBACK
            )
        elif not self._window:
            self._heard = self._keep_alive()
        elif time.monotonic() - self._heard > _ANSWER_WITHIN_S:
            raise ConnectionError("no answer")

    def _keep_alive(self) -> float:
        """An idle connection (held back by the schedule) says so before the broker gives it up."""
        if time.monotonic() - self._heard < _KEEPALIVE_S / 3:
            return self._heard
        self._out += mqtt_wire.PINGREQ
        return time.monotonic()

    def _acknowledged(self, packet_ids: Iterator[int]) -> None:
        found = [self._window[packet_id] for packet_id in packet_ids if packet_id in self._window]
        if not found:
            return
        first = [(number, message) for number, message in found if number not in self._again]
        os.write(self._ledger, "".join(ledger.ack_line(number) for number, _ in first).encode())
        os.fdatasync(self._ledger)
        done = {number for number, _ in found}
        self._again -= done
        self._window = {id: held for id, held in self._window.items() if held[0] not in done}
        self._acked += sum(len(message.readings) for _, message in first)
        self._remember(found)

    def _remember(self, found: list[tuple[int, Message]]) -> None:
        now = time.monotonic()
        if self._again_s:
            self._recent.extend((now, number, message) for number, message in found)
        while self._recent and self._recent[0][0] < now - self._again_s:
            self._recent.popleft()
        self._progress.acked = self._acked
        self._progress.last_ack_ns = time.time_ns()


def main() -> int:
    """`python -m baycast.chaos.publisher JSON` with host, port, rate, again_s, folder and the plan's fields."""
    given: dict[str, Any] = json.loads(sys.argv[1])
    plan = StreamPlan(**given["plan"])
    Publisher(
        given["host"],
        given["port"],
        plan,
        rate=given["rate"],
        again_s=given["again_s"],
        folder=Path(given["folder"]),
    ).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
