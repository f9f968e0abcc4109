"""What holds for the decoder whatever it is given (L11); the first breach is raised as AssertionError."""

import json

from firmware_contract.codec import MAX_PAYLOAD, Accepted, Rejected, decode, encode, meaning
from tests.fuzz.bodies import Bodies
from tests.fuzz.chance import Chance

CLOSELY_SHARE = 0.05
"""Of the inputs; the whole judgement costs several times as much as decoding."""
_AS_WRITTEN = frozenset(
    {"boot", "seq", "age_ms", "occupied", "cause", "prev_s", "direction", "capacity", "online"}
)


class Decoding:
    """The decoder's inputs, one after the other."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._bodies = Bodies(chance)
        self.closely = 0
        self.accepted = 0

    def next(self) -> tuple[str, bytes]:
        return self._bodies.next()

    def run(self, given: tuple[str, bytes]) -> object:
        """What is measured: one call of the decoder."""
        return decode(*given)

    def judge(self, given: tuple[str, bytes], answers: object) -> None:
        assert isinstance(answers, list)
        topic, payload = given
        if not topic.endswith("/batch"):
            assert len(answers) == 1
        self.accepted += any(isinstance(answer, Accepted) for answer in answers)
        if self._chance.happens(CLOSELY_SHARE):
            self.closely += 1
            assert decode(topic, payload) == answers
            for answer in answers:
                judge_answer(topic, answer)

    def figures(self) -> dict[str, int]:
        return {"decode_accepted": self.accepted, "decode_judged_closely": self.closely}

    @staticmethod
    def reproduction(given: tuple[str, bytes]) -> str:
        """The failing input as a unit test's body."""
        return f"judge({given[0]!a}, {given[1]!r})"


def judge(topic: str, payload: bytes) -> None:
    """Everything that holds for any input at all."""
    answers = decode(topic, payload)
    assert decode(topic, payload) == answers
    assert topic.endswith("/batch") or len(answers) == 1
    for answer in answers:
        judge_answer(topic, answer)


def judge_answer(topic: str, answer: Accepted | Rejected) -> None:
    """`topic` is the one that the message came on."""
    if isinstance(answer, Rejected):
        assert answer.detail
        assert answer.detail.isascii()
        assert answer.topic.isprintable()
        assert answer.payload is None or not _is_for_passages(topic)
        assert len(answer.payload or b"") <= MAX_PAYLOAD
        return
    assert len(answer.raw) <= MAX_PAYLOAD
    assert decode(answer.topic, answer.raw) == [answer]
    (again,) = decode(answer.topic, encode(answer.message))
    assert isinstance(again, Accepted)
    assert again.message == answer.message
    assert -(2**63) <= meaning(answer.message) < 2**63
    # Python's own reader, which knows nothing of the contract, sees the same values.
    members = json.loads(answer.raw)
    for name in _AS_WRITTEN.intersection(answer.message.__struct_fields__):
        value = getattr(answer.message, name)
        assert members.get(name) == value
        assert type(members.get(name)) is type(value)


def _is_for_passages(topic: str) -> bool:
    """Also one that only looks like it; not the canary of a worker by that name."""
    return topic.endswith("/passage") and "/canary/" not in topic
