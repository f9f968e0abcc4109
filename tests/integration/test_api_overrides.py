"""What the HTTP answers say of places that an override closes: the log, the engine and the API together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from api import schemas
from api.config import ApiConfig
from occupancy.overrides import override_of
from store.overrides import put
from store.postgres import Connection, connect
from store.registry import Change, apply, load_registries
from tests.integration.test_engine_rows import log, serve
from tests.support.api_server import ApiServer, running_api
from tests.support.small_town import AREA, START, documents, passage, state

WORKS = {
    "area_id": AREA,
    "kind": "closure",
    "reason": "works",
    "zone_ids": ["high-st", "castle"],
    "starts_at": "2026-11-02T08:30:00Z",
    "ends_at": "2026-11-02T12:00:00Z",
}


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as connection:
        registered = [Change(*document) for document in documents()]
        apply(connection, registered, entered_by="test", entered_at=START)
        log(connection, [state("s0", 1, 3500, True), passage("g-in", 1, 3500, "in")], 3600)
        serve(connection)
        yield connection


@pytest.fixture
def api(database_url: str, conn: Connection) -> Iterator[ApiServer]:
    with running_api(
        ApiConfig(database_url=database_url), lambda: START + timedelta(hours=1, seconds=1)
    ) as running:
        yield running


def said(zone: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(zone[field] for field in ("closed", "source", "confidence", "coverage", "as_of"))


def test_l5_a_closed_zone_says_by_what_it_is_known(api: ApiServer, conn: Connection) -> None:
    put(
        conn,
        override_of("works", WORKS),
        load_registries(conn),
        entered_by="test",
        entered_at=START + timedelta(hours=1),
    )
    conn.commit()
    serve(conn)
    answer = api.until("/v1/availability", lambda found: found.json()["zones"][1]["closed"] == 3)
    schemas.Snapshot.model_validate_json(answer.content, strict=False)
    castle, street = answer.json()["zones"]
    assert said(castle) == (5, "prior", 1.0, 0.0, "2026-11-02T08:30:00Z")
    assert said(street) == (3, "prior", 1.0, 0.0, "2026-11-02T08:30:00Z")
