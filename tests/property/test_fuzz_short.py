"""A few thousand inputs of what `make soak` runs by the million, and that the fuzzer would notice."""

import time

import pytest

from firmware_contract.codec import Accepted, Rejected, decode
from ingest.packets import Parsed, parse
from tests.fuzz import decoding, parsing
from tests.fuzz.run import Block, run_block


@pytest.mark.parametrize(("target", "inputs"), [("decode", 8_000), ("parse", 4_000)])
def test_l11_odd_inputs_raise_nothing_and_take_no_time(target: str, inputs: int) -> None:
    outcome = run_block(Block(target, 1, 0, inputs))
    assert outcome.failures == []
    assert outcome.inputs == inputs
    assert all(outcome.figures.values()), "some kind of input or judgement never came"


def test_the_same_seed_makes_the_same_inputs() -> None:
    block = Block("parse", 7, 3, 50)
    first, again = block.opened(), block.opened()
    assert [first.next() for _ in range(50)] == [again.next() for _ in range(50)]
    assert first.next() != Block("parse", 7, 4, 50).opened().next()


def _raises(topic: str, payload: bytes) -> list[Accepted | Rejected]:
    if b"\x00" in payload:
        raise RecursionError("planted")
    return decode(topic, payload)


def _hesitates(topic: str, payload: bytes) -> list[Accepted | Rejected]:
    if b"NaN" in payload:
        until = time.thread_time() + 0.11
        while time.thread_time() < until:
            pass
    return decode(topic, payload)


def _keeps_too_much(topic: str, payload: bytes) -> list[Accepted | Rejected]:
    return [
        answer if isinstance(answer, Accepted) else _with(answer, b"x" * 17_000)
        for answer in decode(topic, payload)
    ]


def _with(answer: Rejected, payload: bytes) -> Rejected:
    return Rejected(answer.topic, answer.reason, answer.detail, answer.device_id, payload, answer.size)


@pytest.mark.parametrize(
    ("planted", "said", "inputs"),
    [
        (_raises, "RecursionError: planted", 400),
        (_hesitates, " ms\n", 120),
        (_keeps_too_much, "AssertionError", 400),
    ],
)
def test_a_planted_fault_of_the_decoder_is_found(
    monkeypatch: pytest.MonkeyPatch, planted: object, said: str, inputs: int
) -> None:
    monkeypatch.setattr(decoding, "decode", planted)
    failures = run_block(Block("decode", 1, 0, inputs)).failures
    assert failures
    assert said in failures[0]
    assert failures[0].splitlines()[1].startswith("judge('")


def _invents(data: bytes, start: int, *, version5: bool, largest: int) -> Parsed:
    parsed = parse(data, start, version5=version5, largest=largest)
    return parsed._replace(end=parsed.end + 1) if len(data) == 7 else parsed


def test_a_planted_fault_of_the_parser_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "parse", _invents)
    failures = run_block(Block("parse", 1, 0, 1_000)).failures
    assert failures
    assert "judge_beside_paho(Stream(version5=" in failures[0]
