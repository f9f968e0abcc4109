"""What a listener has to know of the WebSocket protocol. Pure."""

from __future__ import annotations

from typing import NamedTuple

TEXT, CLOSE, PING = 1, 8, 9
PONG_FRAME = b"\x8a\x80\x00\x00\x00\x00"
"""An empty one, masked with zeros."""
_HEARTBEAT = b'{"type":"heartbeat"'


class Frame(NamedTuple):
    """One that came from a server: whole, and never masked."""

    opcode: int
    payload: bytes

    @property
    def news(self) -> bool:
        """Whether it tells of a change."""
        return self.opcode == TEXT and not self.payload.startswith(_HEARTBEAT)

    @property
    def code(self) -> int | None:
        """Of a close frame."""
        return int.from_bytes(self.payload[:2]) if self.opcode == CLOSE and len(self.payload) > 1 else None


def frames_of(data: bytes) -> tuple[list[Frame], bytes]:
    """Return the frames that are whole in `data`, and what is left of it."""
    found: list[Frame] = []
    begin = 0
    while len(data) - begin >= 2:
        size, at = data[begin + 1] & 127, begin + 2
        if size >= 126:
            wide = 2 if size == 126 else 8
            size, at = int.from_bytes(data[at : at + wide]), at + wide
            if len(data) < at:
                break
        if len(data) < at + size:
            break
        found.append(Frame(data[begin] & 15, data[at : at + size]))
        begin = at + size
    return found, data[begin:]


def request_of(host: str, port: int, target: str) -> bytes:
    """The bytes that ask for a WebSocket."""
    return (
        f"GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()
