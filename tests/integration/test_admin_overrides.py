"""What admins put over rules and sensors over HTTP, on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from api import admin_schemas as shapes
from store import audit, overrides
from tests.support.admins import Admin, admin_of_one_area
from tests.support.two_areas import MINE, OTHER, TwoAreas, two_areas

OVERRIDES = "/v1/admin/overrides"


@pytest.fixture
def world(database_url: str) -> Iterator[TwoAreas]:
    with two_areas(database_url) as world:
        yield world


@pytest.fixture
def admin(world: TwoAreas) -> Iterator[Admin]:
    with admin_of_one_area(world) as admin:
        yield admin


def override(**more: Any) -> dict[str, Any]:
    return {
        "id": "ttro-7",
        "area_id": MINE,
        "kind": "suspension",
        "reason": "water main",
        "starts_at": "2036-07-01T08:00:00Z",
        "bay_ids": [f"{MINE}-pay"],
        **more,
    }


def test_an_override_is_set_once_listed_replaced_and_withdrawn(admin: Admin, world: TwoAreas) -> None:
    first = admin.ask("POST", OVERRIDES, json=override())
    shapes.OverrideSet.model_validate_json(first.content)
    assert (first.status_code, first.json()["changed"]) == (200, True)
    assert admin.ask("POST", OVERRIDES, json=override()).json()["changed"] is False
    assert admin.ask("POST", OVERRIDES, json=override(reason="gas main")).json()["changed"] is True
    listed = admin.get(OVERRIDES, shapes.OverridePage)["overrides"]
    assert [(one["id"], one["reason"], one["entered_by"]) for one in listed] == [
        (f"{MINE}-works", f"{MINE} flood", "test"),
        ("ttro-7", "gas main", "key 1 (cardiff test)"),
    ]
    page = admin.get(f"{OVERRIDES}?limit=1", shapes.OverridePage)
    assert page["next"] == f"{MINE}-works"
    assert admin.get(f"{OVERRIDES}?after={MINE}-works", shapes.OverridePage)["overrides"][0]["id"] == "ttro-7"
    gone = admin.ask("DELETE", f"{OVERRIDES}/ttro-7")
    assert (gone.status_code, gone.json()) == (200, {"override": None})
    assert admin.ask("DELETE", f"{OVERRIDES}/ttro-7").status_code == 404
    entries = [e for e in audit.page(world.conn, limit=10) if e.subject == "ttro-7"]
    assert [(e.action, e.who, e.areas) for e in entries] == [
        ("override.withdraw", "key 1 (cardiff test)", [MINE]),
        ("override.set", "key 1 (cardiff test)", [MINE]),
        ("override.set", "key 1 (cardiff test)", [MINE]),
    ]
    assert [e.doc["before"] and e.doc["before"]["reason"] for e in entries] == [  # type: ignore[index]
        "gas main",
        "water main",
        None,
    ]


def test_one_that_has_begun_ends_now_and_only_once(admin: Admin) -> None:
    began = override(starts_at="2026-11-18T08:00:00Z")
    assert admin.ask("POST", OVERRIDES, json=began).status_code == 200
    left = admin.ask("DELETE", f"{OVERRIDES}/ttro-7").json()["override"]
    assert left["ends_at"] == "2026-11-18T12:00:00Z"
    again = admin.ask("DELETE", f"{OVERRIDES}/ttro-7")
    assert (again.status_code, again.json()["type"]) == (409, "urn:baycast:problem:ended")
    assert "void=true" in again.json()["detail"]
    assert admin.ask("DELETE", f"{OVERRIDES}/ttro-7?void=true").json() == {"override": None}


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


def test_a_change_that_cannot_be_audited_is_not_made(admin: Admin, world: TwoAreas) -> None:
    world.conn.execute(
        "ALTER TABLE audit_entry ADD CONSTRAINT nothing CHECK (action <> 'override.set') NOT VALID"
    )
    assert admin.ask("POST", OVERRIDES, json=override()).status_code == 503
    assert len(overrides.load(world.conn)) == 2
