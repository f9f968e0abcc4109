"""The little of MQTT 3.1.1 that the publisher needs, by hand: it must not share a library with ingest. Pure."""

from __future__ import annotations

CONNACK = 0x20
PUBACK = 0x40
PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"


class WireError(ValueError):
    """The peer sent what a broker may not send here."""


def connect(client_id: str, keepalive_s: int) -> bytes:
    """CONNECT with a clean session."""
    variable = _text("MQTT") + bytes((4, 2)) + keepalive_s.to_bytes(2, "big")
    return _packet(0x10, variable + _text(client_id))


def publish(topic: str, payload: bytes, packet_id: int, *, dup: bool) -> bytes:
    """PUBLISH at QoS 1."""
    return _packet(0x3A if dup else 0x32, _text(topic) + packet_id.to_bytes(2, "big") + payload)


def packets(buffer: bytearray) -> list[tuple[int, bytes]]:
    """Take all whole packets from the front of the buffer: (type, body). Raises `WireError`."""
    found: list[tuple[int, bytes]] = []
    start = 0
    while (head := _length(buffer, start + 1)) is not None:
        length, body = head
        if len(buffer) < body + length:
            break
        found.append((buffer[start] & 0xF0, bytes(buffer[body : body + length])))
        start = body + length
    del buffer[:start]
    return found


def _length(buffer: bytearray, at: int) -> tuple[int, int] | None:
    """The remaining length that begins at `at`, and where the body begins; None: not all there yet."""
    length = 0
    for digit in range(4):
        if at + digit >= len(buffer):
            return None
        byte = buffer[at + digit]
        length |= (byte & 0x7F) << (7 * digit)
        if byte < 0x80:
            return length, at + digit + 1
    raise WireError("a remaining length of more than four bytes")


def _packet(kind: int, body: bytes) -> bytes:
    length = len(body)
    digits = bytearray()
    while True:
        length, digit = divmod(length, 128)
        digits.append(digit | (0x80 if length else 0))
        if not length:
            return bytes((kind,)) + bytes(digits) + body


def _text(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(2, "big") + raw
