"""A question about one month reads the chunks of that month, however many years there are (TimescaleDB)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from store.postgres import Connection, connect
from store.queries import sql
from tests.support.timescale import compress_all, require_timescale

_MONTH = "'2026-06-01Z', '2026-07-01Z', '2026-07-01Z', '2026-07-01Z', 1"
"""From when to when, of which nothing is read from days; the generation."""
_STREETS = "'a', 'zone', 'all', NULL, NULL, false"
_AFTER = "NULL, NULL, NULL"
STATEMENTS = {
    "sums": f"{_STREETS}, {_MONTH}, 'day', 'Europe/London', NULL, NULL, NULL, {_AFTER}",
    "slots": "'a', 'zone', NULL, '2026-06-01Z', '2026-07-01Z', 1, 15, NULL, 'Europe/London', NULL, NULL, NULL, NULL",
    "lengths": f"{_STREETS}, {_MONTH}, 'day', 'Europe/London', NULL, NULL, NULL, {_AFTER}",
}


@pytest.fixture(scope="module")
def conn(databases: Any) -> Iterator[Connection]:
    with databases.fresh() as url, connect(url, autocommit=True) as connection:
        require_timescale(connection)
        fill(connection)
        yield connection


def fill(conn: Connection) -> None:
    """A year of hours of two streets, all of it but the newest in the columnstore."""
    conn.execute(
        "INSERT INTO generation (area, generation, status, engine_version) VALUES ('a', 1, 'live', 'test')"
    )
    conn.execute(
        "INSERT INTO history_series (area, scope, scope_id, dim, value) "
        "SELECT 'a', 'zone', 'z' || n, 'all', '' FROM generate_series(1, 2) AS n"
    )
    year = "generate_series(timestamptz '2026-01-01Z', '2026-12-31 23:00Z', interval '1 hour') AS hour_at"
    conn.execute(
        "INSERT INTO history_final SELECT (jsonb_populate_record(NULL::history_final, jsonb_build_object("
        "'series_id', series_id, 'hour_at', hour_at) || (SELECT jsonb_object_agg(attname, CASE WHEN typcategory = 'A' "
        "THEN '[1]'::jsonb WHEN typcategory = 'B' THEN 'false' ELSE '1' END) "
        "FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE attnum > 0 AND "
        "NOT attisdropped AND attrelid = 'history_final'::regclass AND attname NOT IN ('series_id', 'hour_at')))).* "
        f"FROM history_series, {year}"
    )
    twelve = ", ".join(f"array_fill(1::{kind}, ARRAY[12])" for kind in ["bigint"] * 4 + ["integer"] * 2)
    conn.execute(
        f"INSERT INTO history_final_slots SELECT series_id, 1, hour_at, {twelve} FROM history_series, {year}"
    )  # type: ignore[arg-type]
    compress_all(conn, "history_final", "history_final_slots")
    conn.execute("ANALYZE")


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("name", STATEMENTS)
def test_a_month_reads_the_chunks_of_a_month(conn: Connection, name: str, mode: str) -> None:
    conn.execute(f"SET plan_cache_mode = {mode}")  # type: ignore[arg-type]
    conn.execute(f"PREPARE asked AS {sql(f'history.{name}')}")  # type: ignore[arg-type]
    try:
        explained = conn.execute(
            f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE asked({STATEMENTS[name]})"
        ).fetchall()  # type: ignore[arg-type]
    finally:
        conn.execute("DEALLOCATE asked")
    plan = explained[0][0][0]["Plan"]
    touched = {node["Relation Name"] for node in nodes(plan) if "_hyper_" in node.get("Relation Name", "")}
    tables = 2 if name == "slots" else 1
    chunks = conn.execute("SELECT count(*) FROM show_chunks('history_final')").fetchall()[0][0]
    assert chunks >= 13
    assert 1 <= len([chunk for chunk in touched if "compress" not in chunk]) <= 3 * tables, touched
    assert plan["Actual Rows"] > 0


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)
