"""What the contract test lets by is no more than what OpenAPI has no words for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.openapi_excuses import EXCUSES, Excuse, is_excused

ROOT = Path(__file__).parents[2]
OPERATIONS: dict[str, dict[str, Any]] = {
    f"{method.upper()} {path}": operation
    for path, operations in json.loads((ROOT / "docs/openapi.json").read_text("utf-8"))["paths"].items()
    for method, operation in operations.items()
}
REPORT = "GET /v1/history/occupancy"


def refused(code: str, **more: object) -> dict[str, Any]:
    return {"type": f"urn:baycast:problem:{code}", "detail": "", **more}


def no_day(day: str) -> dict[str, Any]:
    told = f"from: {day!r} is no date or time; write 2026-10, 2026-10-01 or 2026-10-01T08:00:00Z"
    return refused("invalid-parameter", parameter="from", detail=told)


@pytest.mark.parametrize(
    ("day", "excused"),
    [
        ("2026-02-31", True),
        ("2026-11-31T08:00:00Z", True),
        ("0000-01", True),
        ("2026-10-01T08:00:00z", False),
        ("2026-10", False),
    ],
)
def test_a_day_is_excused_only_where_the_calendar_has_none(day: str, excused: bool) -> None:
    assert is_excused(REPORT, no_day(day)) == excused


def test_an_excuse_is_for_its_operations_alone() -> None:
    assert is_excused("GET /v1/history/stays", no_day("2026-02-31"))
    assert not is_excused("GET /v1/history/definitions", no_day("2026-02-31"))
    assert not is_excused("POST /v1/history/stays", no_day("2026-02-31"))


@pytest.mark.parametrize(
    "excuse", [one for one in EXCUSES if one.of is None and not one.because], ids=lambda excuse: excuse.code
)
def test_a_refusal_by_the_registry_is_excused_where_it_is_listed_and_says_what_is_wrong(
    excuse: Excuse,
) -> None:
    (own,) = [name for name in OPERATIONS if re.fullmatch(excuse.operations, name)]
    said = refused(excuse.code, problems=[{"where": "zone/a", "field": "kind", "problem": "p", "fix": "f"}])
    assert [name for name in OPERATIONS if is_excused(name, said)] == [own]
    assert not is_excused(own, refused(excuse.code, problems=[]))
    assert not is_excused(own, refused(excuse.code))
    assert not is_excused(own, {**said, "type": "urn:baycast:problem:invalid-thing"})
    assert not is_excused(own, {**said, "type": "urn:baycast:problem:invalid-body"})


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (
            "DELETE /v1/admin/registry/{kind}/{document_id}",
            refused("ended", detail="It has ended; void=true"),
        ),
        ("DELETE /v1/admin/overrides/{override_id}", refused("ended", detail="It is not yours.")),
        # A parameter's reason as a field's, another parameter's, or under another code.
        (REPORT, refused("invalid-body", field="use", detail="use: goes without by=bay_type")),
        (REPORT, refused("invalid-parameter", parameter="area", detail="area: goes without by=bay_type")),
        (REPORT, refused("invalid-question", parameter="use", detail="use: goes without by=bay_type")),
        (REPORT, refused("invalid-parameter", parameter="use", detail="use: is not known")),
        ("POST /v1/admin/overrides", refused("invalid-body", field="reason", detail="reason: is too long")),
        ("POST /v1/admin/quarantine", refused("invalid-body", field="reason", detail="reason: holds U+0007")),
    ],
)
def test_what_is_not_listed_is_a_fault(operation: str, said: dict[str, Any]) -> None:
    assert not is_excused(operation, said)


@pytest.mark.parametrize("excuse", EXCUSES, ids=lambda excuse: f"{excuse.operations}-{excuse.of}")
def test_an_excuse_names_operations_that_there_are_and_what_they_take(excuse: Excuse) -> None:
    named = [name for name in OPERATIONS if re.fullmatch(excuse.operations, name)]
    assert named
    if excuse.code == "invalid-parameter":
        for name in named:
            assert excuse.of in {one["name"] for one in OPERATIONS[name].get("parameters", ())}, name
    elif excuse.code == "invalid-body":
        assert all("requestBody" in OPERATIONS[name] for name in named)
