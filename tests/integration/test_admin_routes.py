"""What admins get and do over HTTP, on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import psycopg
import pytest
from pydantic import BaseModel

from api import admin_schemas as shapes
from api.config import ApiConfig
from store import audit, overrides, quarantine, quarantine_decisions
from store.keys import Scope
from store.quarantine import Refused
from tests.support.api_server import ApiServer, running_api
from tests.support.derived_rows import NOW
from tests.support.two_areas import MINE, OTHER, TwoAreas, two_areas

OVERRIDES = "/v1/admin/overrides"
QUARANTINE = "/v1/admin/quarantine"


@pytest.fixture
def world(database_url: str) -> Iterator[TwoAreas]:
    with two_areas(database_url) as world:
        yield world


class Admin:
    """Asks with a key for one area."""

    def __init__(self, api: ApiServer, secret: str) -> None:
        self.api = api
        self._client = httpx.Client(
            base_url=api.url, timeout=20, headers={"Authorization": f"Bearer {secret}"}
        )

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._client.request(method, path, **more)

    def get(self, path: str, shape: type[BaseModel]) -> Any:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        shape.model_validate_json(answer.content)
        return answer.json()

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def admin(database_url: str, world: TwoAreas) -> Iterator[Admin]:
    _, secret = world.key(Scope.ADMIN, areas=[MINE])
    with running_api(ApiConfig(database_url=database_url), lambda: NOW) as api:
        admin = Admin(api, secret)
        yield admin
        admin.close()


@pytest.fixture
def root(admin: Admin, world: TwoAreas) -> Iterator[Admin]:
    """A key for all areas."""
    _, secret = world.key(Scope.ADMIN, areas=None)
    root = Admin(admin.api, secret)
    admin.api.until("/healthz", lambda _: root.ask("GET", "/v1/admin/keys").status_code == 200)
    yield root
    root.close()


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


def test_keys_are_listed_page_by_page_without_secrets(admin: Admin, root: Admin, world: TwoAreas) -> None:
    for number in range(4):
        world.key(Scope.LIVE, areas=[MINE], label=f"app {number}")
    world.key(Scope.LIVE, areas=[OTHER])
    world.key(Scope.LIVE, areas=[MINE, OTHER])
    page, found = admin.get("/v1/admin/keys?limit=2", shapes.KeyPage), []
    while True:
        found += page["keys"]
        if page["next"] is None:
            break
        page = admin.get(f"/v1/admin/keys?limit=2&after={page['next']}", shapes.KeyPage)
    assert [key["label"] for key in found] == [f"{MINE} test", *(f"{MINE} app {n}" for n in range(4))]
    assert len(root.get("/v1/admin/keys", shapes.KeyPage)["keys"]) == 8
    assert not any(secret[8:-6] in str(found) for secret in world.made)


def test_the_audit_log_is_paged_and_told_by_area(admin: Admin, root: Admin, world: TwoAreas) -> None:
    everything = root.get("/v1/admin/audit", shapes.AuditPage)["entries"]
    assert [entry["seq"] for entry in everything] == list(range(len(everything), 0, -1))
    mine = admin.get("/v1/admin/audit", shapes.AuditPage)["entries"]
    assert mine == [entry for entry in everything if entry["areas"] == [MINE]]
    assert {entry["action"] for entry in mine} == {"registry.change", "override.set", "key.create"}
    first = admin.get("/v1/admin/audit?limit=2", shapes.AuditPage)
    rest = admin.get(f"/v1/admin/audit?limit=200&before={first['next']}", shapes.AuditPage)
    assert first["entries"] + rest["entries"] == mine
    only = admin.get("/v1/admin/audit?action=registry.change", shapes.AuditPage)["entries"]
    assert [entry["who"] for entry in only] == [f"user of {MINE}"]


def test_sensors_are_listed_by_harm_done_without_what_they_see(
    admin: Admin, root: Admin, world: TwoAreas
) -> None:
    world.conn.execute(
        "INSERT INTO suspicion (area, generation, bay_id, device_id, kind, began_at, reason, evidence) "
        "VALUES ($1, 1, $2, $3, 'implausible', now(), 'taken for 9 days', '{}')",
        (MINE, f"{MINE}-res", f"{MINE}-s-res"),
    )
    told = admin.get("/v1/admin/sensors", shapes.SensorList)
    assert told["of"] == 4
    assert told["sensors"][0]["device_id"] == f"{MINE}-s-res"
    assert told["sensors"][0]["defects"][0].startswith("suspect (implausible)")
    assert all(sensor["area"] == MINE and "state" not in sensor for sensor in told["sensors"])
    assert len(admin.get("/v1/admin/sensors?limit=1", shapes.SensorList)["sensors"]) == 1
    assert root.get("/v1/admin/sensors", shapes.SensorList)["of"] == 8
    assert root.get(f"/v1/admin/sensors?area={OTHER}", shapes.SensorList)["of"] == 4


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


def test_a_value_that_the_database_refuses_is_no_silence_of_the_database(admin: Admin) -> None:
    def worked(error: Exception) -> tuple[int, str]:
        async def ask(_work: object) -> None:
            raise error

        admin.api.access.desk.ask = ask  # type: ignore[method-assign, assignment]
        answer = admin.ask("GET", "/v1/admin/keys")
        del admin.api.access.desk.ask  # type: ignore[attr-defined]
        return answer.status_code, answer.json()["type"].rpartition(":")[2]

    for refused in (psycopg.DataError("NUL"), psycopg.errors.UntranslatableCharacter("NUL")):
        assert worked(refused) == (500, "internal")
    for refused in (asyncpg.DataError("NUL"), asyncpg.exceptions._base.DataError("NUL")):
        assert worked(refused) == (500, "internal")
    for silent in (psycopg.OperationalError(), asyncpg.InterfaceError("closed"), ConnectionRefusedError()):
        assert worked(silent) == (503, "database")


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


def test_unknown_parameters_are_refused(admin: Admin) -> None:
    for path in ("keys", "audit", "sensors", "quarantine", "overrides"):
        answer = admin.ask("GET", f"/v1/admin/{path}?zone=x")
        assert (answer.status_code, answer.json()["parameter"]) == (400, "zone")
        assert admin.ask("GET", f"/v1/admin/{path}?limit=100000").status_code == 422


def test_a_change_that_cannot_be_audited_is_not_made(admin: Admin, world: TwoAreas) -> None:
    world.conn.execute(
        "ALTER TABLE audit_entry ADD CONSTRAINT nothing CHECK (action <> 'override.set') NOT VALID"
    )
    assert admin.ask("POST", OVERRIDES, json=override()).status_code == 503
    assert len(overrides.load(world.conn)) == 2
