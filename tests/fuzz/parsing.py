"""What holds for the packet parser whatever the broker sends (L11), and that paho's own parser sees the same."""

from ingest.packets import Parsed, Publish, parse
from tests.fuzz.chance import Chance
from tests.fuzz.streams import LARGEST, Stream, Streams
from tests.support.mqtt_packets import V3, V5, bulk_bench, plain_bench

BESIDE_PAHO_SHARE = 0.005


class Parsing:
    """The parser's inputs, one after the other."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._streams = Streams(chance)
        self.beside_paho = 0
        self.messages = 0

    def next(self) -> Stream:
        return self._streams.next()

    def run(self, given: Stream) -> object:
        """What is measured: the stream as it comes, in pieces, as `BulkClient` holds them."""
        publishes: list[Publish] = []
        held = b""
        taken = 0
        for piece in given.pieces:
            held += piece
            found, end, unusual = parse(held, 0, version5=given.version5, largest=LARGEST)
            publishes += found
            taken += end
            if unusual:
                return publishes, taken, True
            held = held[end:]
        return publishes, taken, False

    def judge(self, given: Stream, answer: object) -> None:
        data = given.whole
        parsed = parse(data, 0, version5=given.version5, largest=LARGEST)
        assert tuple(parsed) == answer, "in one piece it is read otherwise than in several"
        judge_parsed(data, parsed)
        self.messages += len(parsed.publishes)
        if _without_alias(given) and self._chance.happens(BESIDE_PAHO_SHARE):
            self.beside_paho += 1
            judge_beside_paho(given)

    def figures(self) -> dict[str, int]:
        return {"parse_messages": self.messages, "parse_beside_paho": self.beside_paho}

    @staticmethod
    def reproduction(given: Stream) -> str:
        """The failing input as a unit test's body."""
        return f"judge_beside_paho({given!r})"


def judge_parsed(data: bytes, parsed: Parsed) -> None:
    """Nothing is invented, and nothing is taken beyond the end."""
    assert 0 <= parsed.end <= len(data)
    for mid, qos, topic, payload, _ in parsed.publishes:
        assert qos in (0, 1)
        assert 0 <= mid <= 0xFFFF
        assert mid == 0 or qos == 1
        assert topic
        assert topic.encode() in data
        assert payload in data


def judge_beside_paho(given: Stream) -> None:
    """The same messages, the same verdict and the same answers as paho's own client, piece by piece."""
    protocol = V5 if given.version5 else V3
    ours, plain = bulk_bench(protocol, LARGEST), plain_bench(protocol)
    try:
        for piece in given.pieces:
            got, expected = ours.feed(piece), plain.feed(piece)
            assert ours.messages == plain.messages
            assert got == expected
            assert (ours.client.socket() is None) == (plain.client.socket() is None)
            if expected:
                break
        assert ours.sent() == plain.sent()
    finally:
        ours.close()
        plain.close()


def _without_alias(given: Stream) -> bool:
    """With a topic alias we are stricter than paho: see the unit test."""
    return not given.version5 or b"\x23" not in given.whole
