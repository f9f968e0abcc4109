"""Topics and payloads for the decoder: the golden vectors, damaged, and messages put together from odd parts.

Everything is bytes from the start: what is to be tried is mostly what no JSON writer would write.
"""

from firmware_contract import topics, vectors
from firmware_contract.messages import TYPES
from tests.fuzz.chance import Chance

LONG = 2_000
"""Bytes above which a seed is taken seldom: long ones cost a hundred times as much and rarely say more."""
_LONG_SHARE = 0.005
LONGEST = 40_000

NUMBERS = (
    b"0 -0 1 -1 0.5 1.0 1e0 1E+2 -1e-2 1e400 -1e400 1e308 1e-400 255 256 65535 65536 100000 100001 1000000 1000001"
    b" 2147483647 2147483648 4294967295 4294967296 9223372036854775807 9223372036854775808 -9223372036854775808"
    b" -9223372036854775809 18446744073709551615 18446744073709551616 1180591620717411303424 00 01 +1 .5 1. 1e 1e+ 0x1"
    b" NaN -NaN Infinity -Infinity 315619200000 315619200001 -100 -100.1 200 200.1 -250 50 50.1 0.1e1 1_0"
).split() + [b"9" * 19, b"9" * 20, b"9" * 5_000, b"0." + b"1" * 400, b"1e" + b"9" * 30]
TIMES = [
    b'"2026-03-01T09:30:00Z"', b'"2026-03-01T09:30:00.123456789Z"', b'"2026-03-01T09:30:00+00:00"',
    b'"2026-03-01T09:30:00+01:00"', b'"2026-03-01T09:30:00-00:00"', b'"2026-03-01t09:30:00z"', b'"2026-02-29T00:00:00Z"',
    b'"2028-02-29T00:00:00Z"', b'"2026-06-30T23:59:60Z"', b'"1969-12-31T23:59:59Z"', b'"1970-01-01T00:00:00Z"',
    b'"2106-12-31T23:59:59.999999999Z"', b'"2107-01-01T00:00:00Z"', b'"0000-00-00T00:00:00Z"', b'"9999-12-31T23:59:59Z"',
    b'"2026-03-01"', b'"2026-03-01 09:30:00Z"', b'"2026-03-01T24:00:00Z"', b'"2026-03-01T09:30Z"', b'""', b'"now"',
    b'"20\\u00326-03-01T09:30:00Z"', '"２０２６-03-01T09:30:00Z"'.encode(),
]  # fmt: skip
TEXTS = [
    b'""', b'"a"', b'"change"', b'"heartbeat"', b'"boot"', b'"requery"', b'"in"', b'"out"', b'"CHANGE"', b'"1"', b'"true"',
    b'"\\u0000"', b'"\x00"', b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\ud83d\\ude00"', b'"\xed\xa0\x80"', b'"\xff"', b'"\xc0\x80"',
    b'"\xf4\x90\x80\x80"', b'"\xef\xbb\xbf"', '"\u202e"'.encode(), '"\u200b"'.encode(), '"\u2028"'.encode(), '"\x85"'.encode(),
    b'"\\n"', b'"\n"', b'"\\x"', b'"\\u12"', b'"\\"', b'"\\\\"', b'"', b"'a'", b'"' + b"a" * 64 + b'"', b'"' + b"a" * 65 + b'"',
    b'"' + b"\\u0061" * 64 + b'"', b'"AB12 CDE"', b'"ab12cde"', '"ＡＢ12ＣＤＥ"'.encode(), b'"A\\u004212CDE"', b'"M-X 1234"',
    b'"' + b"0123456789abcdef" * 2 + b'"', b'"' + b"a1" * 64 + b'"', b'"' + b"a1" * 64 + b'b"', b'"AB12CDE' + b"0" * 30 + b'"',
]  # fmt: skip
WORDS = [b"true", b"false", b"null", b"True", b"nul", b"tru", b"undefined", b""]
NESTS = [
    b"[]", b"{}", b"[[]]", b'{"a":{}}', b"[" * 15 + b"]" * 15, b"[" * 16 + b"]" * 16, b"[" * 40 + b"]" * 40, b"[" * 2_000,
    b"[" * 1_000 + b"]" * 1_000, b'{"a":' * 300 + b"1" + b"}" * 300, b"[{]}", b"[1,]", b'{"a":1,}', b'{"a"}', b'{"a":}', b"{1:1}",
    b'["fault","fault"]', b'["' + b'","'.join([b"f"] * 16) + b'"]', b'["' + b'","'.join([b"f"] * 17) + b'"]',
    b'{"plate":"AB12CDE"}', b'{"boot":1,"boot":2}',
]  # fmt: skip
VALUES = [*NUMBERS, *TIMES, *TEXTS, *WORDS, *NESTS]
GOOD_VALUES = {
    "boot": [b"1", b"4294967295"], "seq": [b"0", b"7", b"4294967295"], "at": [*TIMES[:3], b"null"], "age_ms": [b"0", b"1500"],
    "occupied": [b"true", b"false", b"null", b"12"], "cause": [b'"change"', b'"heartbeat"'], "prev_s": [b"60"],
    "confidence": [b"0.5", b"1", b"0"], "battery_mv": [b"3600"], "temperature_c": [b"-3.5", b"11"], "rssi_dbm": [b"-97"],
    "faults": [b"[]", b'["tilt"]'], "direction": [b'"in"', b'"out"'], "vehicle_token": [TEXTS[-4], b"null"], "capacity": [b"40"],
    "firmware": [b'"1.2.3"'], "reset_cause": [b'"watchdog"'], "online": [b"true", b"false"], "worker": [b'"w"'],
}  # fmt: skip
NAMES = [
    b'"x"', b'""', b'"\\u0000"', b'"\\ud800"', b'"plate"', b'"number_plate"', b'"VRM"', b'"\\u0070late"', '"kennze\u0131chen"'.encode(),
    b'"BOOT"', b'"boot "', b'"device_id"', b'"kind"', b'"body"', b"boot", b'"' + b"n" * 3_000 + b'"', '"\u200b"'.encode(),
]  # fmt: skip
TOKENS = [
    b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\x00", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"\xc3", b"/*", b"//", b" ",
    b"\n", b"\t", b"\x7f", b"-", b"e", b".", b"\\u", b"\\ud83d", b'\\"', b"null", b"NaN", b'"at":null,', b'"boot":',
]  # fmt: skip
_FIELDS = {kind: cls.__struct_fields__ for kind, cls in TYPES.items()}
_KINDS = tuple(_FIELDS)
_TOPIC_OF = {
    **{kind: f"baycast/v1/dev/d-1/{kind}" for kind in topics.DEVICE_KINDS},
    "clock": "baycast/v1/area/cardiff/clock",
    "canary": "baycast/v1/canary/w",
}
BATCH = "baycast/v1/gw/g-1/batch"
IDS = [
    b'"d-1"',
    b'"ir:0.1_2"',
    b'"' + b"d" * 64 + b'"',
    b'"' + b"d" * 65 + b'"',
    b'"a/b"',
    b'"+"',
    b'"#"',
    b'"\\u0000"',
    b"1",
    b'""',
]
LEVELS = ["", "+", "#", "$SYS", "baycast", "v1", "v2", "dev", "gw", "area", "canary", "live", "sign", "state", "passage", "count", "health",
          "boot", "link", "batch", "clock", "cmd", "d-1", "\x00", "\ud800", "é", "d" * 64, "d" * 65, " ", "\u202e", "l" * 70_000]  # fmt: skip


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
