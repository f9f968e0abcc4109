"""What admins get and do over HTTP, on a real database."""

from __future__ import annotations

from collections.abc import Iterator

import asyncpg
import psycopg
import pytest

from api import admin_schemas as shapes
from store.keys import Scope
from tests.support.admins import Admin, admin_of_all_areas, admin_of_one_area
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
