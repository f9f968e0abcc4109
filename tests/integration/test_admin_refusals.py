"""What admins are refused over HTTP, on a real database: nothing changes, so that all of it is asked of one server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from store import overrides
from tests.support.admins import OVERRIDES, QUARANTINE, Admin, admin_of_one_area, override
from tests.support.two_areas import MINE, OTHER, TwoAreas, two_areas


@pytest.fixture(scope="module")
def world(module_database_url: str) -> Iterator[TwoAreas]:
    with two_areas(module_database_url) as world:
        yield world


@pytest.fixture(scope="module")
def admin(world: TwoAreas) -> Iterator[Admin]:
    with admin_of_one_area(world) as admin:
        yield admin


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"bay_ids": [f"{MINE}-nothing"]}, "there is no bay 'cardiff-nothing'"),
        ({"bay_ids": [f"{OTHER}-pay"]}, "there is no bay 'newport-pay' in 'cardiff'"),
        ({"starts_at": "2036-07-01T08:00:30Z"}, "whole minute"),
        ({"ends_at": "2036-07-01T07:00:00Z"}, "not after starts_at"),
        ({"bay_ids": []}, "for no bay and no zone"),
        ({"id": "Ttro 7"}, "is not of the form"),
        ({"reason": ""}, "is missing"),
        ({"entered_by": "somebody else"}, "entered_by: Extra inputs are not permitted"),
        ({"kind": "party"}, "kind: Input should be"),
        ({"bay_ids": ["b"] * 1001}, "at most 1000 items"),
        ({"reason": "x" * 201}, "at most 200 characters"),
        (
            {"reason": "a van, CA51 ABC, stands in it"},
            "reason: holds what reads like a number plate",
        ),
        ({"reason": "A123 BCD is in it"}, "reads like a number plate"),
        ({"reason": "water\x00main"}, "reason: holds U+0000"),
        ({"notice": "CA51ABC"}, "notice: holds what reads like a number plate"),
        ({"notice": "TTRO\x1b"}, "notice: holds U+001B"),
        ({"day_type": "ev\x00ent"}, "is not of the form"),
        ({"id": "a\x00b"}, "is not of the form"),
    ],
)
def test_what_cannot_be_entered_is_named(
    more: dict[str, Any], words: str, admin: Admin, world: TwoAreas
) -> None:
    answer = admin.ask("POST", OVERRIDES, json=override(**more))
    assert answer.status_code == 422
    assert words in answer.text
    assert [one.override.override_id for one in overrides.load(world.conn)] == [
        f"{MINE}-works",
        f"{OTHER}-works",
    ]


def test_l8_a_body_is_bounded_and_says_how_long_it_is(admin: Admin) -> None:
    assert admin.ask("POST", OVERRIDES, json=override(reason="x" * 70_000)).status_code == 413
    chunked = admin.ask("POST", OVERRIDES, content=(part for part in (b"{", b"}")))
    assert (chunked.status_code, chunked.json()["type"]) == (411, "urn:baycast:problem:length-required")
    for content in (b"{", b"[" * 60_000, b"\xff", b"[]", b""):
        json_type = {"Content-Type": "application/json"}
        assert admin.ask("POST", OVERRIDES, content=content, headers=json_type).status_code in (400, 422)
    assert admin.ask("POST", OVERRIDES, data={"id": "x"}).status_code == 422


def test_an_id_of_another_area_is_taken_and_nothing_is_told_of_it(admin: Admin, world: TwoAreas) -> None:
    answer = admin.ask("POST", OVERRIDES, json=override(id=f"{OTHER}-works"))
    assert answer.status_code == 422
    assert "is taken" in answer.text
    assert "area 'newport'" not in answer.text
    near = admin.ask("DELETE", f"{OVERRIDES}/{OTHER}-work")
    assert (near.status_code, near.json()["detail"]) == (404, "There is no override 'newport-work'.")
    assert admin.ask("DELETE", f"{OVERRIDES}/{OTHER}-works").status_code == 404
    assert len(overrides.load(world.conn)) == 2


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"do": "replay"}, "give ids or a reason"),
        ({"do": "replay", "ids": [1], "reason": "conflicting"}, "give ids or a reason"),
        ({"do": "discard", "ids": [1]}, "why: say why"),
        ({"do": "forget", "ids": [1]}, "Input should be 'replay' or 'discard'"),
        ({"do": "replay", "ids": [1] * 1001}, "at most 1000 items"),
        ({"do": "replay", "ids": [0]}, "greater than or equal to 1"),
        (
            {"do": "discard", "ids": [1], "why": "CA51 ABC stood there"},
            "why: holds what reads like",
        ),
        ({"do": "discard", "ids": [1], "why": "x" * 201}, "at most 200 characters"),
        ({"do": "discard", "ids": [1], "why": "a\x00b"}, "why: holds U+0000"),
        ({"do": "replay", "reason": "a\x00b"}, "reason: String should match pattern"),
    ],
)
def test_a_decision_says_what_about_which_rows(body: dict[str, Any], told: str, admin: Admin) -> None:
    answer = admin.ask("POST", QUARANTINE, json=body)
    assert (answer.status_code, told in answer.json()["detail"]) == (422, True), answer.text


@pytest.mark.parametrize(
    ("method", "path", "named"),
    [
        ("GET", "/v1/admin/registry/rule/a%00b", "the path"),
        ("DELETE", "/v1/admin/registry/rule/a%00b", "the path"),
        ("GET", "/v1/admin/registry/rule/a%00b/versions", "the path"),
        ("GET", "/v1/admin/registry?after=zone/a%00b", "after"),
        ("GET", "/v1/admin/audit?action=%00", "action"),
        ("GET", "/v1/admin/quarantine?limit=1&reason=a%1Fb", "reason"),
        ("GET", "/v1/admin/audit?%00=1", "the name of a parameter"),
        ("GET", "/v1/zones/a%7Fb", "the path"),
        ("GET", "/v1/zones?after=%C2%85", "after"),
    ],
)
def test_a_control_character_is_refused_and_its_place_named(
    method: str, path: str, named: str, admin: Admin
) -> None:
    answer = admin.ask(method, path)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:baycast:problem:control-character")
    assert answer.json()["parameter"] == named


def test_unknown_parameters_are_refused(admin: Admin) -> None:
    for path in ("keys", "audit", "sensors", "quarantine", "overrides"):
        answer = admin.ask("GET", f"/v1/admin/{path}?zone=x")
        assert (answer.status_code, answer.json()["parameter"]) == (400, "zone")
        assert admin.ask("GET", f"/v1/admin/{path}?limit=100000").status_code == 422
