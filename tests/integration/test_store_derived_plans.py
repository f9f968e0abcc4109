"""What a page replaces is looked up by key, also in a generation that the statistics do not know (rebuild)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from store.postgres import Connection, connect
from store.queries import sql

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
THINGS, ROWS_EACH = 100, 100
NAMES = [f"x-{number:03}" for number in range(THINGS)]
LAST = [BEGIN + timedelta(minutes=ROWS_EACH - 1)] * THINGS
ZEROS = [0] * THINGS

_FILL = {
    "bay_interval": "x.id, x.at, NULL::timestamptz, 'free', '', x.id",
    "stay": "x.id, x.at, NULL::timestamptz, 'observed', NULL, x.id",
    "count_interval": "x.id, x.at, NULL::timestamptz, 1, false, 0",
    "device_checkpoint": "x.id, 0, 1, x.number, 'free', x.at, x.at, 'free', '', 1",
    "count_checkpoint": "x.id, x.at, '{}'",
    "zone_cell": "x.id, x.at, 0, 0, 0, 0, 0, 0",
}
CUTS: Mapping[str, tuple[str, Sequence[object]]] = {
    "pages.cut_bay_intervals": ("bay_interval", (NAMES, NAMES, LAST)),
    "pages.cut_stays": ("stay", (NAMES, NAMES, LAST)),
    "pages.cut_count_intervals": ("count_interval", (NAMES, LAST)),
    "pages.cut_checkpoints": ("device_checkpoint", (NAMES, ZEROS, [1] * THINGS, [ROWS_EACH - 2] * THINGS)),
    "pages.cut_count_checkpoints": ("count_checkpoint", (NAMES, [at - timedelta(seconds=1) for at in LAST])),
    "cells.cut_cells": ("zone_cell", (NAMES, LAST, [BEGIN + timedelta(days=9)] * THINGS)),
}


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("name", CUTS)
def test_a_page_of_a_new_generation_reads_what_it_replaces_and_no_more(conn: Connection, name: str) -> None:
    table, keys = CUTS[name]
    fill(conn, table, generation=1)
    conn.execute(f"ANALYZE {table}")
    fill(conn, table, generation=2)

    explained = conn.execute(
        f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql(name)}", ("town", 2, *keys)
    ).fetchone()

    assert explained is not None
    assert most_rows(explained[0][0]["Plan"]) <= 2 * THINGS, explained[0]
    left = conn.execute(f"SELECT generation, count(*) FROM {table} GROUP BY 1 ORDER BY 1").fetchall()
    assert left == [(1, THINGS * ROWS_EACH), (2, THINGS * (ROWS_EACH - 1))]


def fill(conn: Connection, table: str, *, generation: int) -> None:
    conn.execute(
        f"INSERT INTO {table} SELECT 'town', $1::integer, {_FILL[table]} FROM ("
        " SELECT name AS id, number, $4::timestamptz + number * interval '1 minute' AS at"
        " FROM unnest($2::text[]) AS name, generate_series(0, $3::integer) AS number) AS x",
        (generation, NAMES, ROWS_EACH - 1, BEGIN),
    )


def most_rows(node: dict[str, Any]) -> int:
    """The most rows that any node of the plan looked at, those that it threw away included."""
    removed = sum(value for key, value in node.items() if key.startswith("Rows Removed by"))
    own = round((node["Actual Rows"] + removed) * node["Actual Loops"])
    return max([own, *map(most_rows, node.get("Plans", ()))])
