"""The golden vectors: what a correct implementation accepts, what it rejects, and the verdict of this one.

One JSON file per case under `vectors/v1/`; the README tells their form. They are for makers as well: nothing
in them is particular to Python.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from firmware_contract.codec import Accepted, Rejected, decode, encode

GROUPS: Final = ("accept", "reject")


@dataclass(frozen=True, slots=True)
class Vector:
    """One case. `expect` is one answer, or for a batch a list of them; see the README for its form."""

    id: str
    group: str
    statement: str
    topic: str
    payload: bytes
    expect: Any


def load() -> Iterator[Vector]:
    """All vectors by group and file name. ValueError for a file that is none."""
    root = resources.files("firmware_contract") / "vectors" / "v1"
    for group in GROUPS:
        for entry in sorted((root / group).iterdir(), key=lambda item: item.name):
            if entry.name.endswith(".json"):
                yield _vector(group, entry.name, json.loads(entry.read_text("utf-8")))


def check(vector: Vector) -> str | None:
    """None when `decode` answers what the vector expects, else what differs in words."""
    answers = [_answer(item) for item in decode(vector.topic, vector.payload)]
    expected = vector.expect if isinstance(vector.expect, list) else [vector.expect]
    if answers == expected:
        return None
    return f"expected {json.dumps(expected)[:500]}, decoded {json.dumps(answers)[:500]}"


def _answer(item: Accepted | Rejected) -> dict[str, Any]:
    if isinstance(item, Rejected):
        return {"reason": item.reason.value}
    return {"device_id": item.device_id, "kind": item.kind, "body": json.loads(encode(item.message))}


def _vector(group: str, name: str, doc: dict[str, Any]) -> Vector:
    if doc["id"] != name.removesuffix(".json"):
        raise ValueError(f"vector {group}/{name}: its id is {doc['id']!r}; name it like its file")
    return Vector(
        id=doc["id"],
        group=group,
        statement=doc["statement"],
        topic=_bytes(doc["topic"]).decode(),
        payload=_bytes(doc["payload"]),
        expect=doc["expect"],
    )


def _bytes(form: str | dict[str, Any]) -> bytes:
    """Text as it is, `{"hex": digits}`, or `{"repeat": [[text, times], ...]}`."""
    if isinstance(form, str):
        return form.encode()
    if "hex" in form:
        return bytes.fromhex(form["hex"])
    return b"".join(text.encode() * times for text, times in form["repeat"])
