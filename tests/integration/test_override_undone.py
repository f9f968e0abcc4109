"""A closure that was entered for the past by mistake is taken out again by HTTP, and history is as it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.config import ApiConfig
from store.keys import Scope
from store.postgres import Connection, connect
from store.registry import Change, apply
from tests.integration.test_engine_rows import log, serve
from tests.integration.test_history_routes import HOUR, a_day, key
from tests.support.api_server import ApiServer, running_api
from tests.support.keyed import bearer, status_is, when
from tests.support.small_town import AREA, START, documents

DAY = f"/v1/history/coverage?area={AREA}&from=2026-11-02&to=2026-11-03&by=zone&grain=1d"
OVERRIDES = "/v1/admin/overrides"


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as conn:
        changes = [Change(kind, id, doc) for kind, id, doc in documents()]
        apply(conn, changes, entered_by="test", entered_at=START)
        conn.commit()
        a_day(conn)
        log(conn, [], 80 * HOUR)
        serve(conn)
        yield conn


@pytest.fixture
def api(database_url: str, conn: Connection) -> Iterator[ApiServer]:
    with running_api(ApiConfig(database_url=database_url), lambda: START + timedelta(hours=80)) as api:
        api.until("/v1/zones/high-st", lambda answer: answer.status_code == 200)
        yield api


def test_a_closure_of_the_past_that_has_ended_is_undone_by_void(api: ApiServer, conn: Connection) -> None:
    secret = key(conn, Scope.ADMIN, Scope.HISTORY)
    when(api, secret, status_is(200))

    def day() -> dict[str, Any]:
        serve(conn)
        rows = api.get(DAY, headers=bearer(secret)).json()["rows"]
        (row,) = [row for row in rows if row["zone"] == "high-st"]
        return {name: value for name, value in row.items() if name != "revision"}

    before = day()
    assert (before["status"], before["closed_min"]) == ("final", 0)
    closure = {
        **{"id": "works", "area_id": AREA, "kind": "closure", "reason": "the wrong street"},
        **{"zone_ids": ["high-st"], "starts_at": "2026-11-02T08:00:00Z", "ends_at": "2026-11-02T10:00:00Z"},
    }
    entered = httpx.post(f"{api.url}{OVERRIDES}", json=closure, headers=bearer(secret))
    assert entered.status_code == 200, entered.text
    assert day()["closed_min"] > 0
    refused = httpx.delete(f"{api.url}{OVERRIDES}/works", headers=bearer(secret))
    assert (refused.status_code, "void=true" in refused.json()["detail"]) == (409, True)
    undone = httpx.delete(f"{api.url}{OVERRIDES}/works?void=true", headers=bearer(secret))
    assert undone.json() == {"override": None}
    assert day() == before
