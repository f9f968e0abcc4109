"""JSON Schema (2020-12) of every message, generated from `messages.py`: one source.

The committed files under `schema/v1/` are this output; a test compares them. A schema cannot say everything:
that a number written 1.0 is no integer, that a moment exists, and that no plate hides in a text is judged by
`decode` only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from firmware_contract.batch import MAX_ITEMS
from firmware_contract.messages import TYPES, Timed
from firmware_contract.topics import DEVICE_KINDS

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_ID_BASE: Final = "urn:baycast:contract:v1:"
_DEVICE_ID_PATTERN: Final = "^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$"


def kinds() -> tuple[str, ...]:
    """All that has a schema: the messages and the gateway's batch."""
    return (*TYPES, "batch")


def schema(kind: str) -> dict[str, Any]:
    """The schema of one kind. KeyError for another word than one of `kinds()`."""
    if kind == "batch":
        return _batch()
    cls = TYPES[kind]
    name = cls.__name__
    generated = msgspec.json.schema(cls)["$defs"][name]
    head = {
        "$schema": DIALECT,
        "$id": f"{_ID_BASE}{kind}",
        "title": name,
        "description": generated["description"],
    }
    body = {**head, **{key: value for key, value in generated.items() if key not in head}}
    if issubclass(cls, Timed):
        body |= {
            "if": {"properties": {"at": {"type": "null"}}},
            "then": {"required": ["age_ms"], "properties": {"age_ms": {"type": "integer"}}},
        }
    return body


def text(kind: str) -> str:
    """The schema as the committed file holds it."""
    return json.dumps(schema(kind), indent=2) + "\n"


def files() -> Iterator[tuple[str, str]]:
    """(file name, content) of all schemas."""
    for kind in kinds():
        yield f"{kind}.json", text(kind)


def _batch() -> dict[str, Any]:
    return {
        "$schema": DIALECT,
        "$id": f"{_ID_BASE}batch",
        "title": "Batch",
        "description": "What a gateway passes on for devices; each item is judged alone.",
        "type": "array",
        "maxItems": MAX_ITEMS,
        "items": {
            "type": "object",
            "properties": {
                "device_id": {"type": "string", "pattern": _DEVICE_ID_PATTERN},
                "kind": {"enum": list(DEVICE_KINDS)},
                "body": {"type": "object"},
            },
            "required": ["device_id", "kind", "body"],
            "allOf": [
                {
                    "if": {"properties": {"kind": {"const": kind}}},
                    "then": {"properties": {"body": {"$ref": f"{_ID_BASE}{kind}"}}},
                }
                for kind in DEVICE_KINDS
            ],
        },
    }
