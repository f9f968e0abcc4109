"""Messages that must not become readings: each with the reasons for which it may be quarantined.

Written by hand from the wire's documentation, not by the code that judges them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Poison(NamedTuple):
    """One bad message, or one bad item of a gateway's batch."""

    name: str
    topic: str
    payload: bytes
    reasons: frozenset[str]
    stored_as: bytes | None
    """The bytes that quarantine must hold; None: nothing of them may be kept (L10)."""
    stored_topic: str


_AT = '"at":"2026-03-01T09:00:00Z"'
_SHAPES: Sequence[tuple[str, str, str, tuple[str, ...]]] = (
    ("cut off", "state", '{"boot":1,"seq":%d,', ("not_json",)),
    ("not json", "state", "hello %d", ("not_json",)),
    (
        "nan",
        "state",
        '{"boot":1,"seq":%d,' + _AT + ',"occupied":true,"cause":"change","confidence":NaN}',
        ("not_json",),
    ),
    ("deep", "health", '{"boot":1,"seq":%d,' + _AT + ',"x":' + "[" * 40 + "]" * 40 + "}", ("not_json",)),
    (
        "seq as text",
        "state",
        '{"boot":1,"seq":"%d",' + _AT + ',"occupied":true,"cause":"change"}',
        ("bad_type",),
    ),
    (
        "occupied as number",
        "state",
        '{"boot":1,"seq":%d,' + _AT + ',"occupied":1,"cause":"change"}',
        ("bad_type",),
    ),
    ("array", "state", "[1,%d]", ("bad_type", "not_json")),
    (
        "confidence 7",
        "state",
        '{"boot":1,"seq":%d,' + _AT + ',"occupied":true,"cause":"change","confidence":7}',
        ("out_of_range",),
    ),
    (
        "no such cause",
        "state",
        '{"boot":1,"seq":%d,' + _AT + ',"occupied":true,"cause":"maybe"}',
        ("out_of_range",),
    ),
    (
        "seq of 70 bits",
        "state",
        '{"boot":1,"seq":1180591620717411303424,' + _AT + ',"occupied":true,"cause":"change","n":%d}',
        ("out_of_range", "bad_type"),
    ),
    ("no boot", "state", '{"seq":%d,' + _AT + ',"occupied":true,"cause":"change"}', ("missing_field",)),
    (
        "nul",
        "state",
        '{"boot":1,"seq":%d,' + _AT + ',"occupied":true,"cause":"change","faults":["a\\u0000b"]}',
        ("bad_text",),
    ),
    (
        "local time",
        "state",
        '{"boot":1,"seq":%d,"at":"2026-03-01T09:00:00+01:00","occupied":true,"cause":"change"}',
        ("bad_time",),
    ),
    (
        "30 February",
        "state",
        '{"boot":1,"seq":%d,"at":"2026-02-30T09:00:00Z","occupied":true,"cause":"change"}',
        ("out_of_range", "bad_time"),
    ),
    (
        "too large",
        "state",
        '{"boot":1,"seq":%d,' + _AT + ',"occupied":true,"cause":"change","pad":"' + "x" * 17_000 + '"}',
        ("too_large",),
    ),
    ("passage of a sensor", "passage", '{"boot":1,"seq":%d,' + _AT + ',"direction":"in"}', ("wrong_kind",)),
)
_KEPT = 16 * 1024
KINDS = len(_SHAPES) + 3


def poison(kind: int, number: int, device: str) -> Poison:
    """The bad message of a kind (0 to `KINDS` - 1), unlike any other by its number. `device` is a registered sensor."""
    own = f"baycast/v1/dev/{device}/state"
    good = f'{{"boot":1,"seq":{number},{_AT},"occupied":true,"cause":"change"}}'
    if kind == len(_SHAPES):
        body = b"\xff\xfe" + str(number).encode()
        return Poison("not utf-8", own, body, frozenset({"not_json"}), body, own)
    if kind == len(_SHAPES) + 1:
        topic = f"baycast/v1/dev/nobody-{number % 50}/state"
        return Poison(
            "unknown device", topic, good.encode(), frozenset({"unknown_device"}), good.encode(), topic
        )
    if kind == len(_SHAPES) + 2:
        topic = "baycast/v1/dev/-dash/state"
        return Poison("bad topic", topic, good.encode(), frozenset({"bad_topic"}), good.encode(), topic)
    name, last, shape, reasons = _SHAPES[kind]
    topic = f"baycast/v1/dev/{device}/{last}"
    body = (shape % number).encode()
    kept = None if last == "passage" else body[:_KEPT]
    return Poison(name, topic, body, frozenset(reasons), kept, topic)


def batch_item(bad: Poison, device: str) -> bytes:
    """A bad body as an item of a gateway's batch; only for bodies that are themselves JSON."""
    return b'{"device_id":"%s","kind":"state","body":%s}' % (device.encode(), bad.payload)
