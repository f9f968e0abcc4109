"""The committed OpenAPI document is the one that is served."""

import json
from pathlib import Path
from typing import Any

import pytest

from api.app import create_app, openapi
from api.config import ApiConfig
from api.params import BY_ROUTE, known_parameters

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
    declared = served()["paths"][path]["get"]["parameters"]

    assert sorted(one["name"] for one in declared if one["in"] == "query") == known_parameters(path)


if __name__ == "__main__":
    COMMITTED.write_text(
        json.dumps(served(), ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
