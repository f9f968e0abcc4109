"""Records of history in TimescaleDB's columnstore are revised there as they are in rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from occupancy import engine
from occupancy.engine import EngineConfig
from store.postgres import Connection, connect
from tests.integration.test_engine_rows import TOWN, log, register, serve
from tests.support.databases import TestDatabases
from tests.support.small_town import count, health, state
from tests.support.timescale import compress_all, require_timescale

RECORDS = ("history_final", "history_final_slots")
_ALL = (
    "SELECT scope, scope_id, dim, value, to_jsonb(t) - 'series_id' FROM {} AS t JOIN history_series USING (series_id)"
    " ORDER BY 1, 2, 3, 4, hour_at"
)
_REVISIONS = (
    "SELECT scope, scope_id, dim, value, hour_at, revision, cause, was - 'series_id' FROM history_revision"
    " JOIN history_series USING (series_id) ORDER BY 1, 2, 3, 4, 5, 6"
)


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as connection:
        require_timescale(connection)
        register(connection)
        yield connection


def records(conn: Connection) -> list[list[tuple[Any, ...]]]:
    found = [conn.execute(_ALL.format(table)).fetchall() for table in RECORDS]  # type: ignore[arg-type]
    found.append(conn.execute(_REVISIONS).fetchall())
    conn.commit()
    return found


def revised(conn: Connection, archive: Callable[[], object]) -> list[list[tuple[Any, ...]]]:
    """Hours become records; `archive`; then words come late, more hours are final, and a rebuild knows better."""
    log(conn, [state("s0", 1, 0, False), count("g-count", 1, 0, 2)], 60)
    log(conn, [state("s0", 3, 4000, True), count("g-count", 3, 3900, 3)], 4010)
    log(conn, [health("s0", 100 + n, 4010 + 1000 * n) for n in range(20)], 30_000)
    serve(conn)
    log(conn, [], 60 * 3600)
    serve(conn)
    archive()
    log(conn, [state("s0", 2, 1800, True), count("g-count", 2, 1900, 5)], 62 * 3600)
    serve(conn)
    log(conn, [], 80 * 3600)
    serve(conn)
    archive()
    for table in RECORDS:  # as if an older engine had counted otherwise, and made a series that was none
        conn.execute(f"UPDATE {table} SET generation = 1")  # type: ignore[arg-type]
    conn.execute("UPDATE history_final SET free_us = 0 WHERE free_us > 0")
    conn.execute(
        "INSERT INTO history_series (area, scope, scope_id, dim, value) VALUES ('town', 'zone', 'high-st', 'use', 'x')"
    )
    conn.execute(
        "INSERT INTO history_final SELECT (r).* FROM (SELECT jsonb_populate_record(f, jsonb_build_object('series_id', "
        "(SELECT series_id FROM history_series WHERE value = 'x'))) AS r FROM history_final f JOIN history_series s "
        "USING (series_id) WHERE s.scope_id = 'high-st' AND s.dim = 'all') AS copied"
    )
    conn.commit()
    archive()
    engine.rebuild(conn, TOWN, EngineConfig(database_url=""))
    serve(conn)
    assert engine.recount(conn, TOWN, EngineConfig(database_url="")).differing == 0
    return records(conn)


def test_records_are_revised_in_the_columnstore_as_they_are_in_rows(
    conn: Connection, databases: TestDatabases
) -> None:
    with databases.fresh() as url, connect(url) as other:
        register(other)
        expected = revised(other, lambda: None)
    assert [cause for *_, cause, _ in expected[2]].count("rebuilt") > 40
    assert {cause for *_, cause, _ in expected[2]} == {"rebuilt", "late knowledge"}

    def archive() -> None:
        assert compress_all(conn, *RECORDS) >= 2

    assert revised(conn, archive) == expected
