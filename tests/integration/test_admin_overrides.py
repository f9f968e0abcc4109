"""What admins put over rules and sensors over HTTP, on a real database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from api import admin_schemas as shapes
from store import audit, overrides
from tests.support.admins import OVERRIDES, Admin, admin_of_one_area, override
from tests.support.two_areas import MINE, TwoAreas, two_areas


@pytest.fixture
def world(database_url: str) -> Iterator[TwoAreas]:
    with two_areas(database_url) as world:
        yield world


@pytest.fixture
def admin(world: TwoAreas) -> Iterator[Admin]:
    with admin_of_one_area(world) as admin:
        yield admin


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


def test_a_change_that_cannot_be_audited_is_not_made(admin: Admin, world: TwoAreas) -> None:
    world.conn.execute(
        "ALTER TABLE audit_entry ADD CONSTRAINT nothing CHECK (action <> 'override.set') NOT VALID"
    )
    assert admin.ask("POST", OVERRIDES, json=override()).status_code == 503
    assert len(overrides.load(world.conn)) == 2
