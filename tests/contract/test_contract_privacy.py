"""L10 at the wire: what is kept of a passage, accepted or rejected."""

import json

import pytest

from firmware_contract import vectors
from firmware_contract.codec import Accepted, Rejected, decode
from firmware_contract.errors import Reason
from firmware_contract.plates import holds_british_plate, holds_plate_word

PLATE = "KV19 XWZ"
TOPIC = "baycast/v1/dev/gate-1/passage"
GATEWAY = "baycast/v1/gw/gw-1/batch"
BODY = {"boot": 1, "seq": 2, "at": "2026-03-01T09:30:00Z", "direction": "in"}


def leaks(answer: Accepted | Rejected) -> bool:
    return any(part in repr(answer).upper() for part in ("KV19", "XWZ"))


@pytest.mark.parametrize(
    "payload",
    [
        json.dumps({**BODY, "plate": PLATE}).encode(),
        json.dumps({**BODY, "direction": PLATE}).encode(),
        json.dumps({**BODY, "vehicle_token": PLATE.replace(" ", "").ljust(40, "0")}).encode(),
        json.dumps({**BODY, PLATE: 1}).encode(),
        json.dumps({**BODY, "boot": PLATE}).encode(),
        json.dumps({**BODY, "at": PLATE}).encode(),
        json.dumps({**BODY, "at": None, "x": PLATE}).encode()[:-1],
        PLATE.encode(),
        json.dumps(PLATE).encode(),
        json.dumps([PLATE]).encode(),
        json.dumps({**BODY, "x": PLATE}).encode().ljust(20_000),
        b"\xff" + PLATE.encode(),
        b"",
        b'{"boot":"1"}',
    ],
)
def test_l10_nothing_of_a_rejected_passage_is_kept(payload: bytes) -> None:
    (answer,) = decode(TOPIC, payload)
    assert isinstance(answer, Rejected)
    assert answer.payload is None
    assert answer.size == len(payload)
    assert not leaks(answer)


def test_l10_plate_shaped_field_is_rejected() -> None:
    (answer,) = decode(TOPIC, json.dumps({**BODY, "Number-Plate": "?"}).encode())
    assert isinstance(answer, Rejected)
    assert answer.reason is Reason.PLATE


def test_l10_unknown_fields_of_a_passage_are_not_kept() -> None:
    (answer,) = decode(TOPIC, json.dumps({**BODY, "driver": "Megan", "lane": 2}).encode())
    assert isinstance(answer, Accepted)
    assert json.loads(answer.raw) == BODY


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (GATEWAY, [{"device_id": "g", "kind": "passage", "body": {**BODY, "vrm": PLATE}}]),
        (GATEWAY, [{"device_id": "g", "kind": "passage", "body": BODY, "x": {"y": PLATE}}]),
        (GATEWAY, [{"device_id": "g", "kind": "passages", "body": {"x": PLATE}}]),
        (GATEWAY, [{"device_id": "g h", "kind": "passage", "body": {"x": PLATE}}]),
        (GATEWAY, [{"device_id": "g", "kind": "crossing", "body": {"x": PLATE}}]),
        (GATEWAY, {"device_id": "g", "kind": "passage", "body": {**BODY, "x": PLATE}}),
        ("baycast/v1/dev/a b/passage", {**BODY, "x": PLATE}),
        ("baycast/v1/dev/a b/state", {**BODY, "x": PLATE}),
        ("baycast/v1/dev/a/passages", {"x": PLATE}),
        ("baycast/v1/dev/a/state", {**BODY, "x": PLATE}),
    ],
)
def test_l10_a_strayed_plate_is_not_kept(topic: str, payload: object) -> None:
    answers = decode(topic, json.dumps(payload).encode())
    assert all(isinstance(answer, Rejected) and not leaks(answer) for answer in answers)


def test_l10_a_cut_off_batch_with_a_passage_is_not_kept() -> None:
    item = json.dumps({"device_id": "g", "kind": "passage", "body": {"x": PLATE}})
    for payload in (f"[{item}", f"[{item},{item[:-5]}", "[" + item.replace("passage", "pass\\u0061ge")):
        answers = decode(GATEWAY, payload.encode())
        assert not any(leaks(answer) for answer in answers)


def test_l10_what_is_named_like_a_plate_is_not_kept_either() -> None:
    (answer,) = decode(GATEWAY, b'[{"device_id":"g","kind":"crossing","body":{"vrm":"?"}}]')
    assert isinstance(answer, Rejected)
    assert answer.payload is None


def test_l10_a_batch_that_is_too_large_is_not_kept_for_what_it_holds_is_not_seen() -> None:
    (answer,) = decode(GATEWAY, b"[" + b" " * 20_000 + b'{"device_id":"g","kind":"passage"}]')
    assert isinstance(answer, Rejected)
    assert (answer.payload, answer.size) == (None, 20_036)


def test_other_rejected_payloads_are_kept_for_the_operator() -> None:
    topic = "baycast/v1/dev/bay-1/state"
    for payload in (b"", b"{", b'{"boot":"1"}', b'{"faults":["\\u0000"]}', b"\xff"):
        (answer,) = decode(topic, payload)
        assert isinstance(answer, Rejected)
        assert (answer.payload, answer.device_id, answer.topic) == (payload, "bay-1", topic)
    (large,) = decode(topic, b"[" * 100_000)
    assert isinstance(large, Rejected)
    assert (large.payload, large.size) == (b"[" * 16_384, 100_000)


def test_details_never_quote_the_payload() -> None:
    for vector in vectors.load():
        for answer in decode(vector.topic, vector.payload):
            if isinstance(answer, Rejected):
                assert len(answer.detail) < 300
                assert "AB12" not in answer.detail
                assert answer.detail.isascii()


def test_a_plate_is_known_among_the_words_of_people() -> None:
    for text in ("it was KV19 XWZ again", "kv19xwz", "A123 BCD", "by AB-123-CD", "(ABC 123D)"):
        assert holds_plate_word(text)
    for text in ("", "water main", "12 bays of row 7", "works at CF10 3AT"):
        assert not holds_plate_word(text)
    assert holds_british_plate("TTRO KV19-XWZ")
    assert not holds_british_plate("TTRO 26/14")
