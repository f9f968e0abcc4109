"""What is told of single bays and to whom, and that a key is kept nowhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import httpx
import psycopg
import pytest
from websockets.sync.client import connect as open_socket

from api.config import ApiConfig
from store import audit, keys
from store.keys import Scope
from tests.support.api_server import ApiServer, Clock, running_api
from tests.support.derived_rows import NOW
from tests.support.keyed import KEYS, bearer, status_is, when
from tests.support.two_areas import MINE, OTHER, PUBLIC_BAYS, WITHHELD_BAYS, TwoAreas, two_areas

BAYS = f"/v1/zones/{MINE}-st/bays"


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def world(database_url: str) -> Iterator[TwoAreas]:
    with two_areas(database_url) as world:
        yield world


@pytest.fixture
def api(database_url: str, world: TwoAreas, clock: Clock) -> Iterator[ApiServer]:
    with running_api(ApiConfig(database_url=database_url), clock) as running:
        yield running


def test_single_bays_of_people_are_told_to_a_personal_key_alone_and_audited(
    api: ApiServer, world: TwoAreas
) -> None:
    def bays(secret: str | None) -> dict[str, dict[str, object]]:
        answer = api.get(BAYS, headers={} if secret is None else bearer(secret))
        assert answer.status_code == 200, answer.text
        return {bay["id"].removeprefix(f"{MINE}-"): bay for bay in answer.json()["bays"]}

    key_id, personal = world.key(Scope.PERSONAL, areas=[MINE])
    _, foreign = world.key(Scope.PERSONAL, areas=[OTHER])
    _, admin = world.key(Scope.ADMIN, Scope.HISTORY, areas=None)
    when(api, admin, status_is(200))
    for secret in (None, foreign, admin):
        shown = bays(secret)
        assert {name for name, bay in shown.items() if bay["withheld"]} == WITHHELD_BAYS
        for name in WITHHELD_BAYS:
            bay = shown[name]
            assert [bay[field] for field in ("state", "since", "as_of", "confidence")] == [None] * 4
            assert str(bay["reason"]).startswith("withheld: a")
            assert (bay["bay_type"], bay["access"] is None) != (None, True)
        for name in PUBLIC_BAYS:
            assert (shown[name]["state"], shown[name]["withheld"]) == ("occupied", False)
    assert audit.page(world.conn, action="personal.read", limit=10) == []
    shown = bays(personal)
    assert {(bay["state"], bay["withheld"]) for bay in shown.values()} == {("occupied", False)}
    (entry,) = audit.page(world.conn, action="personal.read", limit=10)
    assert (entry.who, entry.areas, entry.subject) == (f"key {key_id} (cardiff test)", [MINE], f"{MINE}-st")
    assert entry.doc == {
        "route": "GET /v1/zones/{zone_id}/bays",
        "parameters": {"limit": 1000, "after": None},
        "rows": len(WITHHELD_BAYS),
    }


def test_what_cannot_be_audited_is_not_told(api: ApiServer, world: TwoAreas) -> None:
    _, secret = world.key(Scope.PERSONAL, areas=[MINE])
    when(api, secret, status_is(403))
    api.access.desk._url = "postgresql://127.0.0.1:1/nothing"
    answer = api.get(BAYS, headers=bearer(secret))
    assert answer.status_code == 503
    assert "occupied" not in answer.text


def test_the_public_gets_no_state_of_a_single_bay_of_people_anywhere(api: ApiServer) -> None:
    """Everything else that is public speaks of zones, in numbers by type: no withheld bay is even named."""
    for path in (
        "/v1/availability",
        "/v1/availability?for=blue_badge&format=geojson",
        "/v1/zones",
        f"/v1/zones/{MINE}-st",
        f"/v1/zones/{MINE}-st/forecast",
        "/v1/signs",
        f"/v1/signs/{MINE}-vms/frame",
    ):
        answer = api.get(path)
        assert answer.status_code == 200
        assert [name for name in WITHHELD_BAYS if f"{MINE}-{name}" in answer.text] == []
    with open_socket(api.ws) as socket:
        snapshot = str(socket.recv(timeout=10))
    assert f'"{MINE}-st"' in snapshot
    assert [name for name in WITHHELD_BAYS | PUBLIC_BAYS if f"{MINE}-{name}" in snapshot] == []


def test_a_key_is_in_no_log_no_metric_and_no_table(
    database_url: str, world: TwoAreas, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    _, right = world.key(Scope.ADMIN, Scope.PERSONAL, areas=[MINE])
    revoked_id, revoked = world.key(Scope.ADMIN, areas=[MINE])
    keys.revoke(world.conn, revoked_id, by="user test", at=NOW)
    broken = right[:-1] + ("a" if right[-1] != "a" else "b")
    with running_api(ApiConfig(database_url=database_url), clock) as api:

        def fault(*_args: object, **_more: object) -> None:
            raise ValueError("a fault of ours")

        texts = []
        for secret in (right, revoked, broken):
            for path in (KEYS, KEYS + "?area=x", BAYS, f"/v1/admin/audit?action={secret}", "/v1/nothing"):
                texts.append(api.get(path, headers=bearer(secret)).text)
            posted = httpx.post(api.url + "/v1/admin/overrides", headers=bearer(secret), content=b"{")
            texts.append(posted.text)
        api.access.desk.ask = fault  # type: ignore[method-assign, assignment]
        assert api.get(KEYS, headers=bearer(right)).status_code == 500
        texts.append(api.get("/metrics").text)
        del api.access.desk.ask  # type: ignore[attr-defined]
    assert any("a fault of ours" in str(record.exc_info) for record in caplog.records)
    ours = [record for record in caplog.records if not record.name.startswith("http")]  # not the client's own
    texts += [record.getMessage() + str(record.args) + str(record.exc_text) for record in ours]
    dumped = _everything_in(database_url)
    for secret in (right, revoked, broken):
        body = secret[8:-6]  # also without its prefix and checksum
        assert [text[:200] for text in texts if body in text] == []
        assert body not in dumped


def _everything_in(database_url: str) -> str:
    """Every row of every table, as text."""
    with psycopg.connect(database_url) as conn:
        tables = conn.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        rows = [conn.execute(f"SELECT t::text FROM {table} t").fetchall() for (table,) in tables]  # type: ignore[arg-type]
    return str(rows)
