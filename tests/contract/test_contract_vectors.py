"""The golden vectors, the numbered statements and the schemas say the same as the code."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from firmware_contract import schema, topics, vectors
from firmware_contract.codec import Accepted, _judged, decode
from firmware_contract.errors import Reason
from firmware_contract.messages import TYPES

ROOM = Path(schema.__file__).parent
VECTORS = list(vectors.load())
STATEMENTS = re.findall(
    r"^\*\*(FC-\d{3})\*\* (.+?)(?=\n\n|\Z)", (ROOM / "README.md").read_text(), re.M | re.S
)
REGISTRY: Registry[Any] = Registry().with_resources(
    [(body["$id"], Resource.from_contents(body)) for body in map(schema.schema, schema.kinds())]
)

# Reasons that a schema can see as well, for payloads that are JSON.
SEEN_BY_SCHEMA = {Reason.BAD_TYPE, Reason.OUT_OF_RANGE, Reason.MISSING_FIELD, Reason.BAD_TIME}
# What no schema can say: see the docstring of firmware_contract/schema.py.
BEYOND_SCHEMA = {
    "type-seq-1.0",
    "type-seq-1e2",
    "number-minus-1e400",
    "number-1e400-in-unknown-field",
    "number-2-to-64-in-unknown-field",
    "number-of-5000-digits",
    "number-of-5000-digits-in-unknown-field",
    "at-leap-second",
    "at-1969",
    "at-2107",
    "at-rounded-into-2107",
    "at-30-february",
    "at-hour-24",
    "at-month-13",
    "at-year-0",
    "at-newline",  # Python's $ matches before a final newline, ECMAScript's does not
}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.id)
def test_vector(vector: vectors.Vector) -> None:
    assert vectors.check(vector) is None


def test_the_first_look_and_the_close_one_agree() -> None:
    """Good messages are mostly taken at first sight; whoever judges them closely finds the same."""
    looked_at = 0
    for vector in VECTORS:
        address = topics.parse(vector.topic)
        for found in decode(vector.topic, vector.payload):
            if isinstance(found, Accepted) and isinstance(address, topics.Address) and address.kind in TYPES:
                assert _judged(found.kind, vector.payload) == found.message, vector.id
                looked_at += 1
    assert looked_at > 50


def test_vectors_are_what_their_folder_says() -> None:
    assert len(VECTORS) >= 40
    for vector in VECTORS:
        expected = vector.expect if isinstance(vector.expect, list) else [vector.expect]
        if vector.group == "accept":
            assert all("body" in item for item in expected), vector.id
        else:
            assert any("reason" in item for item in expected), vector.id


def test_ids_are_unique() -> None:
    assert not [name for name, times in Counter(vector.id for vector in VECTORS).items() if times > 1]


def test_every_statement_that_can_be_tested_has_a_vector() -> None:
    numbers = {number for number, _ in STATEMENTS}
    testable = {number for number, text in STATEMENTS if "(not in vectors)" not in text}
    covered = {vector.statement for vector in VECTORS}
    assert len(numbers) == len(STATEMENTS), "a number is used twice"
    assert covered <= numbers, "a vector names a statement that does not exist"
    assert testable - covered == set()


def test_every_reason_has_a_vector_and_a_line_in_the_readme() -> None:
    seen = set()
    for vector in VECTORS:
        for item in vector.expect if isinstance(vector.expect, list) else [vector.expect]:
            seen.add(item.get("reason"))
    assert {reason.value for reason in Reason} <= seen
    text = (ROOM / "README.md").read_text()
    assert all(f"| `{reason.value}` |" in text for reason in Reason)


def test_every_required_field_missing_is_said_so() -> None:
    bodies = {
        vector.expect["kind"]: vector.expect["body"]
        for vector in VECTORS
        if vector.group == "accept" and isinstance(vector.expect, dict)
    }
    topic = {
        vector.expect["kind"]: vector.topic
        for vector in VECTORS
        if vector.group == "accept" and isinstance(vector.expect, dict)
    }
    assert set(bodies) == set(TYPES)
    for kind, body in bodies.items():
        for field in schema.schema(kind)["required"]:
            short = {name: value for name, value in body.items() if name != field}
            (answer,) = decode(topic[kind], json.dumps(short).encode())
            assert not isinstance(answer, Accepted)
            assert answer.reason is Reason.MISSING_FIELD
            assert answer.detail.startswith(f"{field}: missing; send ")


def test_committed_schemas_are_the_generated_ones() -> None:
    committed = {path.name: path.read_text() for path in (ROOM / "schema" / "v1").iterdir()}
    assert committed == dict(schema.files())


@pytest.mark.parametrize("kind", schema.kinds())
def test_schema_is_a_schema(kind: str) -> None:
    Draft202012Validator.check_schema(schema.schema(kind))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.id)
def test_schema_and_decode_agree(vector: vectors.Vector) -> None:
    kind = vector.topic.rpartition("/")[2]
    if vector.topic.startswith("baycast/v1/canary/"):
        kind = "canary"
    if vector.id in BEYOND_SCHEMA or kind not in schema.kinds():
        return
    expected = vector.expect if isinstance(vector.expect, list) else [vector.expect]
    reasons = {item.get("reason") for item in expected}
    if not (vector.group == "accept" or reasons & SEEN_BY_SCHEMA) or "bad_topic" in reasons:
        return
    try:
        document = json.loads(vector.payload)
    except ValueError:
        assert vector.group == "reject"
        return
    validator = Draft202012Validator(schema.schema(kind), registry=REGISTRY)
    assert validator.is_valid(document) == (vector.group == "accept")
