"""What admins look at, replay and discard in quarantine over HTTP, on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from api import admin_schemas as shapes
from store import audit, quarantine, quarantine_decisions
from store.quarantine import Refused
from tests.support.admins import QUARANTINE, Admin, admin_of_all_areas, admin_of_one_area
from tests.support.derived_rows import NOW
from tests.support.two_areas import MINE, OTHER, TwoAreas, two_areas


@pytest.fixture
def world(database_url: str) -> Iterator[TwoAreas]:
    with two_areas(database_url) as world:
        yield world


@pytest.fixture
def admin(world: TwoAreas) -> Iterator[Admin]:
    with admin_of_one_area(world) as admin:
        yield admin


@pytest.fixture
def root(admin: Admin, world: TwoAreas) -> Iterator[Admin]:
    with admin_of_all_areas(world, admin.api) as root:
        yield root


def test_quarantine_is_paged_by_reason_and_l10_tells_nothing_of_a_passage(
    admin: Admin, root: Admin, world: TwoAreas
) -> None:
    world.conn.execute(
        "UPDATE quarantine SET payload = 'CA51 ABC' WHERE reason = 'plate'"
    )  # as if by mistake
    mine = admin.get("/v1/admin/quarantine", shapes.QuarantinePage)["refused"]
    assert [one["reason"] for one in mine] == ["plate", "conflicting", "invalid_type"]
    assert [one["payload"] is None for one in mine] == [True, False, False]
    assert len(mine[1]["payload"]) == 2048
    assert mine[2]["payload"] == '{"boot":"\\xff"}'
    every = root.get("/v1/admin/quarantine", shapes.QuarantinePage)["refused"]
    assert len(every) == 7
    assert "CA51" not in str(every)
    assert [one["reason"] for one in every if one["area"] is None] == ["unknown_device"]
    first = root.get("/v1/admin/quarantine?limit=1&reason=conflicting", shapes.QuarantinePage)
    rest = root.get(
        f"/v1/admin/quarantine?limit=5&reason=conflicting&before={first['next']}", shapes.QuarantinePage
    )
    assert [one["area"] for one in first["refused"] + rest["refused"]] == [OTHER, MINE]
    assert rest["next"] is None


def refused_of(admin: Admin, reason: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = admin.get(f"{QUARANTINE}?reason={reason}", shapes.QuarantinePage)["refused"]
    return found[0]


def test_one_refused_message_is_looked_at_whole(admin: Admin, root: Admin, world: TwoAreas) -> None:
    mine, plate = refused_of(admin, "conflicting"), refused_of(admin, "plate")
    whole = admin.get(f"{QUARANTINE}/{mine['id']}", shapes.Refused)
    assert len(whole["payload"]) == len('{"boot":2}') + 5000
    world.conn.execute("UPDATE quarantine SET payload = 'CA51 ABC' WHERE reason = 'plate'")
    assert admin.get(f"{QUARANTINE}/{plate['id']}", shapes.Refused)["payload"] is None
    nobodys = refused_of(root, "unknown_device")["id"]
    others = [
        one["id"] for one in root.get(QUARANTINE, shapes.QuarantinePage)["refused"] if one["area"] == OTHER
    ]
    for id in (nobodys, *others, 0, 2**64, 10_000):
        assert admin.ask("GET", f"{QUARANTINE}/{id}").status_code == 404
    assert admin.ask("GET", f"{QUARANTINE}/x").status_code == 422


def test_what_is_asked_to_be_replayed_is_whole_of_a_device_and_of_the_area(
    admin: Admin, root: Admin, world: TwoAreas
) -> None:
    every = root.get(QUARANTINE, shapes.QuarantinePage)["refused"]
    told = admin.ask("POST", QUARANTINE, json={"do": "replay", "ids": [one["id"] for one in every]}).json()
    shapes.QuarantineDecided.model_validate(told)
    mine = {one["reason"]: one["id"] for one in every if one["area"] == MINE}
    assert mine.keys() == {"plate", "conflicting", "invalid_type"}
    assert told["ids"] == []  # the payloads of this world are not as long as is said
    left = {row["id"]: row["why"] for row in told["left"]}
    assert left[mine["plate"]] == "it is of no device, or a passage"
    assert left[mine["conflicting"]] == "its payload was not kept, or not all of it"
    assert {left[one["id"]] for one in every if one["area"] != MINE} == {"there is no such row"}
    world.conn.execute("UPDATE quarantine SET payload_bytes = coalesce(octet_length(payload), 31)")
    told = admin.ask("POST", QUARANTINE, json={"do": "replay", "reason": "conflicting"}).json()
    assert told == {"ids": [mine["conflicting"]], "left": []}
    assert refused_of(admin, "conflicting")["replay_asked_at"] == "2026-11-18T12:00:00Z"
    nobodys = root.ask("POST", QUARANTINE, json={"do": "replay", "reason": "unknown_device"}).json()
    assert [row["why"] for row in nobodys["left"]] == ["it is of no device, or a passage"]
    (entry,) = [e for e in audit.page(world.conn, limit=10) if e.action == "quarantine.replay"]
    assert (entry.areas, entry.doc["ids"]) == ([MINE], [mine["conflicting"]])


def test_what_is_discarded_keeps_its_reason_and_loses_its_payload(admin: Admin, world: TwoAreas) -> None:
    id = refused_of(admin, "invalid_type")["id"]
    told = admin.ask(
        "POST", QUARANTINE, json={"do": "discard", "ids": [id, id], "why": "a test device"}
    ).json()
    assert told == {"ids": [id], "left": []}
    assert "invalid_type" not in admin.ask("GET", QUARANTINE).text
    listed = admin.get(f"{QUARANTINE}?discarded=true&reason=invalid_type", shapes.QuarantinePage)["refused"]
    assert [(one["payload"], one["discard_reason"]) for one in listed] == [(None, "a test device")]
    again = admin.ask("POST", QUARANTINE, json={"do": "replay", "ids": [id]}).json()
    assert again == {"ids": [], "left": [{"id": id, "why": "it was discarded"}]}
    (entry,) = [e for e in audit.page(world.conn, limit=10) if e.action == "quarantine.discard"]
    assert (entry.doc["why"], entry.doc["rows"]) == ("a test device", 1)


def test_every_open_row_of_a_reason_has_its_turn(
    admin: Admin, world: TwoAreas, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two at a time: what was tried already, or can not be, stands in nobody's way."""
    monkeypatch.setattr(quarantine_decisions, "AT_ONCE", 2)
    with world.conn.transaction(), world.conn.cursor() as cur:
        for number in range(5):
            device = f"{MINE}-s-pay"
            payload = b'{"boot":%d}' % number
            kept = None if number == 0 else payload
            one = Refused(
                topic=f"baycast/v1/dev/{device}/state",
                reason="bad_range",
                detail="d",
                device_id=device,
                payload=kept,
                size=len(payload) + (kept is None),
                received_at=NOW,
            )
            quarantine.record(cur, [one])
    found = admin.get(f"{QUARANTINE}?reason=bad_range", shapes.QuarantinePage)["refused"]
    kept_not, *rows = sorted(one["id"] for one in found)

    def replay() -> dict[str, Any]:
        answer: dict[str, Any] = admin.ask(
            "POST", QUARANTINE, json={"do": "replay", "reason": "bad_range"}
        ).json()
        return answer

    assert replay()["ids"] == rows[:2]
    world.conn.execute(
        "UPDATE quarantine SET replay_asked_at = NULL, replay_refused_at = $1 WHERE id = ANY($2)",
        (NOW, rows[:2]),
    )  # as ingest does where nothing comes of them
    assert replay()["ids"] == rows[2:]
    assert replay()["ids"] == rows[2:]  # which wait for ingest
    world.conn.execute(
        "UPDATE quarantine SET replay_asked_at = NULL, replay_refused_at = $1 WHERE id = ANY($2)",
        (NOW + timedelta(minutes=1), rows[2:]),
    )
    assert replay()["ids"] == rows[:2]  # the longest ago come first
    world.conn.execute("UPDATE quarantine SET replayed_at = $1 WHERE id = ANY($2)", (NOW, rows))
    assert replay() == {
        "ids": [],
        "left": [{"id": kept_not, "why": "its payload was not kept, or not all of it"}],
    }
    discard = {"do": "discard", "reason": "bad_range", "why": "nothing comes of it"}
    assert admin.ask("POST", QUARANTINE, json=discard).json()["ids"] == [kept_not]
