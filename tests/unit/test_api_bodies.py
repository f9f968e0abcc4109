"""What OpenAPI says of a body and what reads it judge alike, also where one member depends on another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ValidationError

from api.admin_schemas import QuarantineDecision
from api.mode_schemas import NewMode, NewPreview
from api.survey_schemas import NewSurvey
from signs.readback import ReadbackError, parse

SCHEMAS = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text("utf-8"))["components"]
LATER = "2026-11-22T10:30:00Z"


def documented(name: str, body: object) -> bool:
    """Whether the OpenAPI document allows it."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": SCHEMAS}
    return Draft202012Validator(schema).is_valid(body)


def read(model: type[BaseModel], body: object) -> bool:
    try:
        model.model_validate(body)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("body", "right"),
    [
        ({"state": "FULL", "sequence": 7}, True),
        ({"state": "UNKNOWN", "sequence": 0, "dark": False, "pages": [], "faults": None, "at": None}, True),
        (
            {
                "state": "FULL",
                "sequence": 7,
                "pages": [{"language": "cy", "lines": ["LLAWN"], "x": 1}],
                "y": 2,
            },
            True,
        ),
        ({"dark": True}, True),
        ({"dark": True, "sequence": 7, "pages": [], "at": LATER, "faults": ["led_12"]}, True),
        ({"dark": True, "sequence": None, "pages": None}, True),
        ({}, False),
        ({"dark": False}, False),
        ({"sequence": 7}, False),
        ({"state": "FULL"}, False),
        ({"state": "FULL", "sequence": None}, False),
        ({"state": "FULL", "sequence": -1}, False),
        ({"state": "FULL", "sequence": "7"}, False),
        ({"state": "FULL", "sequence": 7, "dark": True}, False),
        ({"state": None, "dark": True}, False),
        ({"state": "EMPTY", "sequence": 7}, False),
        ({"dark": True, "pages": [{"language": "cy", "lines": ["LLAWN"]}]}, False),
        ({"state": "FULL", "sequence": 7, "pages": [{"language": "cy", "lines": []}]}, False),
        ({"dark": True, "faults": ["A lamp"]}, False),
        ({"dark": True, "faults": ["led"] * 17}, False),
        ({"dark": 1}, False),
    ],
)
def test_what_a_sign_shows(body: dict[str, Any], right: bool) -> None:
    try:
        parse(json.dumps(body).encode())
        taken = True
    except ReadbackError:
        taken = False

    assert (documented("Shown", body), taken) == (right, right)


@pytest.mark.parametrize(
    ("more", "right"),
    [
        ({"ids": [1, 2]}, True),
        ({"reason": "unknown_device"}, True),
        ({"reason": "unknown_device", "ids": []}, True),
        ({"ids": [1], "reason": None}, True),
        ({"do": "discard", "ids": [1], "why": "a test rig"}, True),
        ({}, False),
        ({"ids": []}, False),
        ({"ids": [1], "reason": "unknown_device"}, False),
        ({"ids": ["1"]}, False),
        ({"ids": [True]}, False),
        ({"ids": [2**53]}, False),
        ({"do": "discard", "ids": [1]}, False),
        ({"do": "discard", "ids": [1], "why": " "}, False),
    ],
)
def test_what_shall_become_of_refused_messages(more: dict[str, Any], right: bool) -> None:
    body = {"do": "replay", **more}

    assert (documented("QuarantineDecision", body), read(QuarantineDecision, body)) == (right, right)


@pytest.mark.parametrize(
    ("more", "right"),
    [
        ({"mode": "auto"}, True),
        ({"mode": "full", "expires_at": LATER}, True),
        (
            {
                "mode": "legend",
                "legend": "match-day",
                "expires_at": LATER,
            },
            True,
        ),
        ({"mode": "auto", "expires_at": LATER}, False),
        ({"mode": "full"}, False),
        ({"mode": "full", "expires_at": LATER, "legend": "match-day"}, False),
        ({"mode": "legend", "expires_at": LATER}, False),
        ({"mode": "full", "expires_at": 1795343400}, False),
    ],
)
def test_what_goes_together_in_a_mode_is_documented(more: dict[str, Any], right: bool) -> None:
    """Where it does not, `signs.modes` says what is wrong (tests/integration/test_sign_modes.py)."""
    assert documented("NewMode", {"reason": "a defect", **more}) == right


@pytest.mark.parametrize(
    "said",
    [
        1795343400,
        1795343400.0,
        "1795343400",
        "1795343400.0",
        "+1795343400",
        "-5",
        True,
        "2026-11-22T10:30:00",
    ],
)
def test_an_end_is_no_number_of_seconds_and_has_an_offset(said: object) -> None:
    assert not read(NewMode, {"mode": "full", "reason": "a defect", "expires_at": said})
    assert read(NewMode, {"mode": "full", "reason": "a defect", "expires_at": LATER})


def test_the_id_of_a_sign_that_is_previewed_may_be_wrong() -> None:
    """A preview says so, as of everything else that cannot be registered."""
    body = {"id": "North Road", "document": {}}

    assert (documented("NewPreview", body), read(NewPreview, body)) == (True, True)


@pytest.mark.parametrize("said", [True, False, None, 0, 1, "taken", "1"])
def test_what_a_surveyor_may_write(said: object) -> None:
    body = {"looks": [{"bay_id": "b", "seen_at": LATER, "occupied": said}]}

    assert (documented("NewSurvey", body), read(NewSurvey, body)) == (True, True)


@pytest.mark.parametrize("said", [2, -1, 0.5, [], {}])
def test_what_no_surveyor_writes(said: object) -> None:
    body = {"looks": [{"bay_id": "b", "seen_at": LATER, "occupied": said}]}

    assert (documented("NewSurvey", body), read(NewSurvey, body)) == (False, False)
