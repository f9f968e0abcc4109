"""PUBLISH packets out of a stream of bytes. No I/O: bytes in, tuples out.

Only what it wholly understands is taken: PUBLISH of QoS 0 and 1, MQTT 3.1.1 and 5. At anything else, malformed
packets included, it stops and leaves the bytes to paho's own parser, so that there is one judge of the unusual.
"""

from __future__ import annotations

from typing import Final, NamedTuple

Publish = tuple[int, int, str, bytes, bool]
"""Packet id (0 for QoS 0), QoS, topic, payload, retained."""


class Parsed(NamedTuple):
    publishes: list[Publish]
    end: int
    """Where the first byte that is not taken stands."""
    unusual: bool
    """Whether a packet begins there that is not for us; if not, it is the beginning of one that may be."""


_PUBLISH: Final = frozenset((0x30, 0x31, 0x32, 0x33, 0x3A, 0x3B))
"""First bytes: QoS 0 and 1, retained or not, at QoS 1 repeated or not."""


def parse(data: bytes, start: int, *, version5: bool, largest: int) -> Parsed:
    """Take every whole PUBLISH from `start` on, up to the first packet that is none or exceeds `largest` bytes."""
    publishes: list[Publish] = []
    size = len(data)
    while start < size:
        first = data[start]
        if first not in _PUBLISH:
            return Parsed(publishes, start, True)
        if start + 1 == size:
            break
        at = start + 2
        left = data[start + 1]
        if left > 0x7F:
            left, at = read_number(data, start + 1, size)
            if not at:
                # Five bytes hold a whole number, or a malformed one.
                return Parsed(publishes, start, size - start > 4)
        end = at + left
        if end - start > largest:
            return Parsed(publishes, start, True)
        if end > size:
            break
        body = at + 2
        if left < 3:
            return Parsed(publishes, start, True)
        after = body + (data[at] << 8 | data[at + 1])
        mid = 0
        # What reaches beyond the packet may read a neighbour's bytes here; it is refused below.
        topic = data[body:after]
        if first & 0x02:
            after += 2
            if after > end:
                return Parsed(publishes, start, True)
            mid = data[after - 2] << 8 | data[after - 1]
        if version5:
            if after >= end:
                return Parsed(publishes, start, True)
            if data[after]:
                after = skip_properties(data, after, end)
            else:
                after += 1
        if not body < after <= end or not topic:
            return Parsed(publishes, start, True)
        try:
            publishes.append((mid, first >> 1 & 1, topic.decode(), data[after:end], first & 1 == 1))
        except UnicodeDecodeError:
            return Parsed(publishes, start, True)
        start = end
    return Parsed(publishes, start, False)


def read_number(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A variable byte integer and where it ends; (0, 0) when it does not end before `end` or is over four bytes."""
    value = 0
    for shift in (0, 7, 14, 21):
        if at >= end:
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    return 0, 0


_PAYLOAD_FORMAT: Final = 0x01
_MESSAGE_EXPIRY: Final = 0x02
_CORRELATION: Final = 0x09
_SUBSCRIPTION: Final = 0x0B
_USER: Final = 0x26
_TEXTS: Final = {0x03: 1, 0x08: 1, _USER: 2}
"""Properties that are so many texts: content type, response topic, user property."""


def skip_properties(data: bytes, at: int, end: int) -> int:
    """Where the payload begins, given where the properties' length stands; 0 when they are not plainly right.

    A topic alias is not: we allow the broker none.
    """
    length, at = read_number(data, at, end)
    stop = at + length
    if not at or stop > end:
        return 0
    seen = set()
    while at < stop:
        name = data[at]
        at += 1
        if name in seen:
            return 0
        if name not in (_USER, _SUBSCRIPTION):
            seen.add(name)
        if name == _MESSAGE_EXPIRY:
            at += 4
        elif name in _TEXTS:
            for _ in range(_TEXTS[name]):
                at = _skip_text(data, at, stop)
                if not at:
                    return 0
        elif name == _PAYLOAD_FORMAT and at < stop and data[at] < 2:
            at += 1
        elif name == _CORRELATION and at + 2 <= stop:
            at += 2 + (data[at] << 8 | data[at + 1])
        elif name == _SUBSCRIPTION:
            number, at = read_number(data, at, stop)
            if not number:
                return 0
        else:
            return 0
    return stop if at == stop else 0


def _skip_text(data: bytes, at: int, stop: int) -> int:
    """Where a UTF-8 text ends; 0 when it is cut short or holds what no MQTT text may."""
    if at + 2 > stop:
        return 0
    after = at + 2 + (data[at] << 8 | data[at + 1])
    text = data[at + 2 : after]
    if after > stop or not text.isascii() or 0 in text:
        return 0
    return after
