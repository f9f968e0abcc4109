"""MQTT streams for the packet parser: right packets, damaged ones and noise, cut at any places."""

from dataclasses import dataclass
from itertools import pairwise

from tests.fuzz.chance import Chance
from tests.support.mqtt_packets import PINGRESP, number, packet, publish, text

LARGEST = 300
"""Bytes of a packet that the parser is told to take at most: near what the streams hold, so that both sides occur."""

_TOPICS = [
    b"t",
    b"baycast/v1/dev/ir-0142/state",
    "bae/caerdydd/ŵ".encode(),
    b"",
    b"\xff",
    b"a\x00b",
    b"\xed\xa0\x80",
    b"t" * 290,
    b"+/#",
    b"$SYS/x",
    "\ufeff".encode(),
    "\U0001f17f".encode(),
]
_PAYLOADS = [
    b"",
    b"{}",
    b'{"boot":1,"seq":2,"at":null,"age_ms":0,"occupied":true,"cause":"change"}',
    b"x" * 126,
    b"x" * 127,
    b"x" * 128,
    b"x" * 293,
    b"x" * 294,
    b"x" * 400,
    b"\x30\x00" * 20,
    b"\x32\x03\x00\x01t" * 5,
]
_PROPERTIES = [
    b"\x02\x00\x00\x00\x3c",
    b"\x01\x00",
    b"\x01\x01",
    b"\x01\x02",
    b"\x03" + text(b"application/json"),
    b"\x03" + text(b"\x00"),
    b"\x08" + text(b"answer/here"),
    b"\x08" + text(b"+"),
    b"\x09" + text(b"\x00\xff"),
    b"\x0b\x01",
    b"\x0b\x00",
    b"\x0b\xff\xff\xff\x7f",
    b"\x0b\x80\x80\x80\x80\x01",
    b"\x26" + text(b"k") + text(b"v"),
    b"\x26" + text("ŵ".encode()) + text(b""),
    b"\x26" + text(b"\xff") + text(b""),
    b"\x11\x00\x00\x00\x01",
    b"\x7f",
    b"\x00",
    b"\x02\x00",
    b"\x26" + text(b"k"),
    b"\x26\x00\x05k",
]
_OTHERS = [
    PINGRESP,
    packet(0x40, b"\x00\x01"),
    packet(0x62, b"\x00\x02"),
    packet(0x90, b"\x00\x01\x01"),
    packet(0x50, b"\x00\x01"),
    packet(0x34, b"\x00\x01t\x00\x01\x00"),
    packet(0x36, b"\x00\x01t\x00\x01\x00"),
    packet(0x38, b"\x00\x01t\x00"),
    packet(0x30, b""),
    packet(0x30, b"\x00"),
    packet(0x30, b"\x00\x00"),
    packet(0x32, b"\x00\x01t"),
    packet(0x32, b"\x00\x01t\x01"),
    packet(0x30, b"\xff\xff"),
    b"\x30\x85\x00\x00\x01t12",
    b"\x30\x80\x80\x80\x80\x01",
    b"\x30\xff\xff\xff\xff",
    b"\x30\xff\xff\xff\x7f",
    b"\x00",
    b"\xf0\x00",
]


@dataclass(frozen=True, slots=True)
class Stream:
    """Bytes as they came, in pieces; empty pieces never come."""

    version5: bool
    pieces: tuple[bytes, ...]

    @property
    def whole(self) -> bytes:
        return b"".join(self.pieces)


class Streams:
    """An endless, reproducible row of streams."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance

    def next(self) -> Stream:
        chance = self._chance
        version5 = chance.happens(0.6)
        parts = [
            chance.one_of(_OTHERS) if chance.happens(0.06) else self._publish(version5)
            for _ in range(1 + chance.below(5))
        ]
        data = b"".join(parts)
        while chance.happens(0.25):
            data = self._damaged(data)
        return Stream(version5, self._cut(data))

    def _publish(self, version5: bool) -> bytes:
        chance = self._chance
        ordinary = chance.happens(0.85)
        properties = None
        if version5:
            properties = b""
            while chance.happens(0.3):
                properties += chance.one_of(_PROPERTIES[:1] if ordinary and not properties else _PROPERTIES)
        return publish(
            chance.one_of(_TOPICS[:3] if ordinary else _TOPICS),
            chance.one_of(_PAYLOADS[:4] if ordinary else _PAYLOADS),
            mid=chance.below(65536),
            flags=chance.one_of((2, 2, 2, 3, 0, 1, 10, 11)) if ordinary else chance.below(16),
            properties=properties,
        )

    def _damaged(self, data: bytes) -> bytes:
        chance = self._chance
        at = chance.below(len(data) + 1)
        end = at + chance.below(6)
        match chance.below(6):
            case 0:
                return data[:at]
            case 1:
                return data[:at] + data[end:]
            case 2:
                return data[:at] + bytes((chance.below(256),)) + data[at + 1 :]
            case 3:
                return (
                    data[:at]
                    + number(chance.one_of((0, 1, 127, 128, 16_383, 16_384, 2_097_152, 2**28 - 1)))
                    + data[end:]
                )
            case 4:
                return data[:at] + bytes(chance.below(256) for _ in range(end - at)) + data[at:]
            case _:
                return data[at:] + data[:at]

    def _cut(self, data: bytes) -> tuple[bytes, ...]:
        chance = self._chance
        if chance.happens(0.03):
            return tuple(data[at : at + 1] for at in range(len(data)))
        cuts = sorted({chance.below(len(data) + 1) for _ in range(chance.below(5))} | {0, len(data)})
        return tuple(data[start:end] for start, end in pairwise(cuts))
