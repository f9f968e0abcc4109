"""One MQTT 3.1.1 connection, packet by packet and without threads: what a device, honest or not, can send."""

import socket
import ssl
import struct
from typing import Self

from tests.support.mqtt_packets import packet, publish, text

_TIMEOUT_S = 10.0


class RefusedConnection(Exception):
    """The broker did not let us in."""


class Peer:
    """Connected when made; `close()` is the end without a word, so that the broker sends the will."""

    def __init__(
        self,
        port: int,
        account: tuple[str, str] | None,
        *,
        tls: ssl.SSLContext | None = None,
        will: tuple[str, bytes] | None = None,
        retain_will: bool = False,
        eager: bytes = b"",
        session: str = "",
        filters: tuple[str, ...] = (),
    ) -> None:
        """`eager` is sent right behind CONNECT, before any answer. Raises `RefusedConnection`.

        With a `session` the broker keeps our place under this name, and `filters` are asked for at QoS 1.
        """
        self._held = b""
        self._mid = 0
        self._delivered: list[tuple[str, bytes]] = []
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S)
        try:
            if tls is not None:
                self._socket = tls.wrap_socket(self._socket, server_hostname="127.0.0.1")
            self._socket.sendall(_connect(account, will, retain_will, session) + eager)
            first, body = self._packet()
        except (OSError, EOFError) as error:
            self._socket.close()
            raise RefusedConnection(str(error)) from None
        if (first, body[1]) != (0x20, 0):
            self.close()
            raise RefusedConnection(f"CONNACK {body[1]}")

        if filters:
            self.subscribe(*filters, qos=1)

    def subscribe(self, *topics: str, qos: int = 0) -> None:
        """What the broker answers to each is not looked at: only delivery counts."""
        asked = b"".join(text(topic.encode()) + bytes((qos,)) for topic in topics)
        self._socket.sendall(packet(0x82, b"\x00\x01" + asked))
        self._until(0x90)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """At QoS 1, and wait for the answer."""
        self._mid += 1
        self._socket.sendall(publish(topic.encode(), payload, mid=self._mid, flags=3 if retain else 2))
        self._until(0x40)

    def wait_for(self, payload: bytes) -> None:
        """Until something with this payload has been delivered."""
        while payload not in {delivered for _, delivered in self._delivered}:
            self._take(*self._packet())

    def received(self) -> list[tuple[str, bytes]]:
        """(topic, payload) of all that the broker had for us when it answers a ping."""
        self._socket.sendall(b"\xc0\x00")
        self._until(0xD0)
        return self._delivered

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _until(self, wanted: int) -> None:
        """Read up to the answer; what is delivered meanwhile is kept."""
        while True:
            first, body = self._packet()
            if first == wanted:
                return
            self._take(first, body)

    def _take(self, first: int, body: bytes) -> None:
        if first & 0xF0 == 0x30:
            (length,) = struct.unpack_from("!H", body)
            topic, rest = body[2 : 2 + length].decode(), body[2 + length :]
            if first & 0x02:
                self._socket.sendall(b"\x40\x02" + rest[:2])
                rest = rest[2:]
            self._delivered.append((topic, rest))

    def _packet(self) -> tuple[int, bytes]:
        head = self._bytes(2)
        length, shift = head[1] & 0x7F, 7
        while head[-1] & 0x80:
            head += self._bytes(1)
            length |= (head[-1] & 0x7F) << shift
            shift += 7
        return head[0], self._bytes(length)

    def _bytes(self, count: int) -> bytes:
        while len(self._held) < count:
            got = self._socket.recv(65536)
            if not got:
                raise EOFError("the broker closed the connection")
            self._held += got
        taken, self._held = self._held[:count], self._held[count:]
        return taken


def _connect(
    account: tuple[str, str] | None, will: tuple[str, bytes] | None, retain_will: bool, session: str
) -> bytes:
    flags = 0x00 if session else 0x02
    rest = text(session.encode())
    if will is not None:
        flags |= 0x0C | (0x20 if retain_will else 0)  # QoS 1
        rest += text(will[0].encode()) + text(will[1])
    if account is not None:
        flags |= 0xC0
        rest += text(account[0].encode()) + text(account[1].encode())
    return packet(0x10, text(b"MQTT") + b"\x04" + bytes((flags,)) + b"\x00\x00" + rest)
