"""Topics and payloads for the decoder: the golden vectors, damaged, and messages put together from odd parts.

Everything is bytes from the start: what is to be tried is mostly what no JSON writer would write.
"""

from firmware_contract import topics, vectors
from firmware_contract.messages import TYPES
from tests.fuzz.chance import Chance
from tests.fuzz.odd_json import GOOD_VALUES, IDS, LEVELS, NAMES, TOKENS, VALUES

LONG = 2_000
"""Bytes above which a seed is taken seldom: long ones cost a hundred times as much and rarely say more."""
_LONG_SHARE = 0.005
LONGEST = 40_000

_FIELDS = {kind: cls.__struct_fields__ for kind, cls in TYPES.items()}
_KINDS = tuple(_FIELDS)
_TOPIC_OF = {
    **{kind: f"baycast/v1/dev/d-1/{kind}" for kind in topics.DEVICE_KINDS},
    "clock": "baycast/v1/area/cardiff/clock",
    "canary": "baycast/v1/canary/w",
}
BATCH = "baycast/v1/gw/g-1/batch"


class Bodies:
    """An endless, reproducible row of (topic, payload)."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        seeds = [(vector.topic, vector.payload[:LONGEST]) for vector in vectors.load()]
        self._short = [seed for seed in seeds if len(seed[1]) <= LONG]
        self._long = [seed for seed in seeds if len(seed[1]) > LONG]

    def next(self) -> tuple[str, bytes]:
        """One input for `decode`."""
        chance = self._chance
        drawn = chance.random()
        if drawn < 0.55:
            topic, payload = self._seed()
        elif drawn < 0.9:
            kind = chance.one_of(_KINDS)
            topic, payload = _TOPIC_OF[kind], self._message(kind)
        else:
            topic, payload = BATCH, self._batch()
        if drawn < 0.55 or chance.happens(0.3):
            for _ in range(1 + chance.below(4)):
                payload = self._damaged(payload)
        if chance.happens(0.05):
            topic = self._topic(topic)
        return topic, payload[:LONGEST]

    def _seed(self) -> tuple[str, bytes]:
        return self._chance.one_of(self._long if self._chance.happens(_LONG_SHARE) else self._short)

    def _message(self, kind: str) -> bytes:
        """A body with mostly right fields, some left out, repeated, renamed or with another's value."""
        chance = self._chance
        members = []
        for name in _FIELDS[kind]:
            drawn = chance.random()
            if drawn < 0.1:
                continue
            value = chance.one_of(VALUES if drawn < 0.2 else GOOD_VALUES[name])
            members.append(b'"%b":%b' % (name.encode(), value))
        while chance.happens(0.2):
            members.insert(
                chance.below(len(members) + 1), chance.one_of(NAMES) + b":" + chance.one_of(VALUES)
            )
        return b"{" + b",".join(members) + b"}"

    def _batch(self) -> bytes:
        chance = self._chance
        items = []
        for _ in range(chance.below(6) if chance.happens(0.99) else 250 + chance.below(10)):
            kind = chance.one_of(topics.DEVICE_KINDS)
            body = self._message(kind) if chance.happens(0.9) else chance.one_of(VALUES)
            said = b'"%b"' % kind.encode() if chance.happens(0.95) else chance.one_of(VALUES)
            who = IDS[0] if chance.happens(0.8) else chance.one_of(IDS)
            item = b'{"device_id":%b,"kind":%b,"body":%b}' % (who, said, body)
            items.append(item if chance.happens(0.9) else self._damaged(item))
        return b"[" + b",".join(items) + b"]"

    def _damaged(self, payload: bytes) -> bytes:
        chance = self._chance
        at = chance.below(len(payload) + 1)
        end = at + chance.below(12)
        match chance.below(10):
            case 0:  # one byte is another
                return payload[:at] + bytes((chance.below(256),)) + payload[at + 1 :]
            case 1:  # one bit is another
                byte = payload[at : at + 1]
                return (
                    payload[:at] + bytes(value ^ 1 << chance.below(8) for value in byte) + payload[at + 1 :]
                )
            case 2:
                return payload[:at] + payload[end:]
            case 3:
                return payload[:at] + chance.one_of(TOKENS) + payload[at:]
            case 4:
                return payload[:at] + chance.one_of(TOKENS) + payload[end:]
            case 5:  # the rest is another message's
                other = self._seed()[1]
                return payload[:at] + other[chance.below(len(other) + 1) :]
            case 6:
                return payload[:at] + payload[at:end] * (2 + chance.below(30)) + payload[end:]
            case 7:
                return self._with_another_value(payload)
            case 8:
                return payload[:at] if chance.happens(0.5) else payload[at:]
            case _:
                return self._wrapped(payload)

    def _with_another_value(self, payload: bytes) -> bytes:
        """What stands between a colon and the next comma is an odd value."""
        colons = payload.count(b":")
        at = -1
        for _ in range(1 + self._chance.below(colons) if colons else 0):
            at = payload.find(b":", at + 1)
        end = payload.find(b",", at + 1)
        return payload[: at + 1] + self._chance.one_of(VALUES) + (payload[end:] if end >= 0 else b"}")

    def _wrapped(self, payload: bytes) -> bytes:
        chance = self._chance
        deep = chance.one_of((1, 2, 14, 15, 16, 17, 100))
        match chance.below(5):
            case 0:
                return b"[" * deep + payload + b"]" * deep
            case 1:
                return b'{"x":' * deep + payload + b"}" * deep
            case 2:
                return b"\xef\xbb\xbf" + payload
            case 3:
                return b" \t\r\n" * deep + payload
            case _:
                return payload + b"\x00" * deep

    def _topic(self, topic: str) -> str:
        chance = self._chance
        levels = topic.split("/")
        at = chance.below(len(levels) + 1)
        match chance.below(5):
            case 0:
                levels[at : at + 1] = [chance.one_of(LEVELS)]
            case 1:
                levels.insert(at, chance.one_of(LEVELS))
            case 2:
                del levels[at : at + 1]
            case 3:
                levels += levels * chance.below(60)
            case _:
                levels = [chance.one_of(LEVELS) for _ in range(chance.below(8))]
        return "/".join(levels)
