"""The committed OpenAPI document is the one that is served."""

import json
from pathlib import Path
from typing import Any

import pytest

from api.app import create_app
from api.config import ApiConfig
from api.openapi import openapi
from api.parameters import BY_CHANGE, BY_ROUTE, known_parameters
from api.policy import POLICIES

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"


def served() -> dict[str, Any]:
    return openapi(create_app(ApiConfig(database_url="postgresql://nowhere/none")))


def test_committed_document_is_up_to_date() -> None:
    """Write it again with `python -m tests.unit.test_api_openapi`."""
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == served()


def test_every_reference_resolves() -> None:
    document = served()
    schemas = document["components"]["schemas"]

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            reference = node.get("$ref")
            if reference is not None:
                assert str(reference).removeprefix("#/components/schemas/") in schemas
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    walk(document)


@pytest.mark.parametrize("path", sorted(path for path in BY_ROUTE if path != "/v1/live"))
def test_named_parameters_are_the_declared_ones(path: str) -> None:
    operations = served()["paths"][path]
    declared = operations.get("get", next(iter(operations.values())))["parameters"]

    assert sorted(one["name"] for one in declared if one["in"] == "query") == known_parameters(path)


def test_named_parameters_of_changes_are_the_declared_ones() -> None:
    for method, path in BY_CHANGE:
        declared = served()["paths"][path][method.lower()].get("parameters", [])
        names = sorted(one["name"] for one in declared if one["in"] == "query")
        assert names == known_parameters(path, method)


def test_what_needs_a_key_says_so_and_names_its_scope() -> None:
    document = served()

    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    for (method, path), policy in POLICIES.items():
        operation = document["paths"].get(path, {}).get(method.lower())
        if operation is not None:
            needs = [{}] if policy.scope is None and policy.more is not None else []
            scope = policy.scope or policy.more
            needs += [] if scope is None else [{"key": [scope.value]}]
            assert operation.get("security", []) == needs, (method, path)
            assert ("401" in operation["responses"]) == policy.looks_at_keys, (method, path)


if __name__ == "__main__":
    COMMITTED.write_text(
        json.dumps(served(), ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
