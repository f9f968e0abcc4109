"""The sensors of `bench ingest`: a publisher that costs next to nothing, in a process of its own.

`python -m baycast.bench.ingest_load LOAD` with a `Load` as JSON encodes every packet beforehand, connects, says
"ready", waits for a line, publishes at QoS 1 and prints what happened as one JSON object.
"""

from __future__ import annotations

import json
import random
import select
import socket
import struct
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from firmware_contract.codec import encode
from firmware_contract.messages import State

_CONNECT, _CONNACK, _PUBLISH_QOS1, _PUBACK_BYTES = 0x10, b"\x20\x02\x00\x00", 0x32, 4
_CHUNK = 50
"""Packets in one send."""
_WINDOW = 1000
"""Messages that wait for the broker's PUBACK at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Messages `first` to `first + count`: message n is from device n modulo `devices`, so numbers never repeat."""

    port: int
    prefix: str
    """What stands before the device in the topic; behind it comes `/state`."""
    first: int
    count: int
    devices: int
    seed: int
    rate: float = 0.0
    """Messages per second; 0: as fast as the broker acknowledges them."""


def device_id(number: int) -> str:
    return f"bench-{number:05}"


def keys(load: Load) -> list[tuple[str, int]]:
    """Device and sequence number of every message; devices take turns in an order that the seed gives."""
    order = random.Random(load.seed).sample(range(load.devices), load.devices)  # noqa: S311 - reproducible
    numbers = range(load.first, load.first + load.count)
    return [(device_id(order[number % load.devices]), number // load.devices) for number in numbers]


def packets(load: Load, at: datetime) -> list[bytes]:
    """Every PUBLISH as it goes over the wire (MQTT 3.1.1)."""
    out = []
    for ordinal, (device, seq) in enumerate(keys(load)):
        body = encode(
            State(
                boot=1,
                seq=seq,
                at=at,
                occupied=seq % 2 == 0,
                cause="change",
                prev_s=60 + ordinal % 7200,
                battery_mv=3600 - ordinal % 500,
                temperature_c=11.5,
                rssi_dbm=-97.0,
            )
        )
        topic = f"{load.prefix}{device}/state".encode()
        packet_id = ordinal % 0xFFFF + 1
        rest = struct.pack("!H", len(topic)) + topic + struct.pack("!H", packet_id) + body
        out.append(bytes([_PUBLISH_QOS1]) + _length(len(rest)) + rest)
    return out


def _length(value: int) -> bytes:
    """MQTT's variable byte integer, below 2,097,152."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def connect(port: int) -> socket.socket:
    """A connection with a clean session. Raises `OSError` when the broker refuses."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    protocol = b"\x00\x04MQTT\x04\x02\x00\x00"  # 3.1.1, clean session, no keepalive
    client = b"bench-load"
    rest = protocol + struct.pack("!H", len(client)) + client
    sock.sendall(bytes([_CONNECT]) + _length(len(rest)) + rest)
    if sock.recv(4, socket.MSG_WAITALL) != _CONNACK:
        raise ConnectionError("the broker refused the publisher")
    return sock


def send_fast(sock: socket.socket, ready: list[bytes]) -> None:
    """All of it, with at most `_WINDOW` messages not acknowledged by the broker."""
    chunks = [b"".join(ready[at : at + _CHUNK]) for at in range(0, len(ready), _CHUNK)]
    sent, acked_bytes, total = 0, 0, len(ready) * _PUBACK_BYTES
    while acked_bytes < total:
        while sent < len(chunks) and sent * _CHUNK - acked_bytes // _PUBACK_BYTES <= _WINDOW - _CHUNK:
            sock.sendall(chunks[sent])
            sent += 1
        acked_bytes += _receive(sock)


def send_paced(sock: socket.socket, ready: list[bytes], rate: float) -> list[float]:
    """At an even rate; when each was handed to the kernel, on the monotonic clock."""
    sent_at = []
    acked_bytes = 0
    began = time.monotonic()
    for ordinal, packet in enumerate(ready):
        due = began + ordinal / rate
        while (left := due - time.monotonic()) > 0:
            if select.select([sock], [], [], left)[0]:
                acked_bytes += _receive(sock)
        sent_at.append(time.monotonic())
        sock.sendall(packet)
    while acked_bytes < len(ready) * _PUBACK_BYTES:
        acked_bytes += _receive(sock)
    return sent_at


def _receive(sock: socket.socket) -> int:
    """How many bytes came. They are PUBACKs: the broker has nothing else to say to us."""
    count = len(sock.recv(65536))
    if not count:
        raise ConnectionError("the broker closed the publisher's connection")
    return count


def main() -> None:
    load = Load(**json.loads(sys.argv[1]))
    ready = packets(load, datetime.fromtimestamp(time.time(), UTC))
    with connect(load.port) as sock:
        print("ready", flush=True)  # noqa: T201 - how we talk with our parent
        if not sys.stdin.readline():
            return  # our parent has gone
        cpu, began = time.process_time(), time.monotonic()
        sent_at: list[float] = []
        if load.rate:
            sent_at = send_paced(sock, ready, load.rate)
        else:
            send_fast(sock, ready)
        cpu_s = time.process_time() - cpu
        result = {"began": began, "ended": time.monotonic(), "cpu_s": cpu_s, "sent_at": sent_at}
        print(json.dumps(result), flush=True)  # noqa: T201
        sock.sendall(b"\xe0\x00")


if __name__ == "__main__":
    main()
