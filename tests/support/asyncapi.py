"""docs/asyncapi.yaml as a judge of messages."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

DOCS = Path(__file__).parents[2] / "docs"
DOCUMENT: dict[str, Any] = yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8"))
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]
_HERE = "https://baycast.invalid/"
_FILES = {
    _HERE + "asyncapi.yaml": DOCUMENT,
    _HERE + "openapi.json": json.loads((DOCS / "openapi.json").read_text(encoding="utf-8")),
}
_REGISTRY: Registry[Any] = Registry().with_resources(
    (address, Resource(file, DRAFT202012)) for address, file in _FILES.items()
)


@cache
def validator(name: str) -> Draft202012Validator:
    """Return the judge of one kind of message."""
    schema = {"$ref": f"{_HERE}asyncapi.yaml#/components/messages/{name}/payload"}
    return Draft202012Validator(
        schema, registry=_REGISTRY, format_checker=Draft202012Validator.FORMAT_CHECKER
    )


def resolved(ref: str) -> Any:
    """Return what a `$ref` of the document leads to. Raises where it leads nowhere."""
    return _REGISTRY.resolver(_HERE + "asyncapi.yaml").lookup(ref).contents


def checked(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message that the document allows. Raises `jsonschema.ValidationError`."""
    assert message["type"] in MESSAGES, f"{message['type']} is not in docs/asyncapi.yaml"
    validator(message["type"]).validate(message)
    return message
