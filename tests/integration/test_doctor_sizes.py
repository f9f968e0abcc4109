"""`baycast doctor --sizes`: the same question on PostgreSQL with and without TimescaleDB."""

from __future__ import annotations

import json
from typing import Any

import pytest

from baycast.cli import main
from store.postgres import connect
from tests.support.timescale import compress_all, has_timescale


def sizes(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    assert main(["doctor", "--sizes", "--json"]) == 0
    return {table["table"]: table for table in json.loads(capsys.readouterr().out)["tables"]}


def test_tables_are_told_with_what_compression_made_of_them(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BAYCAST_DATABASE_URL", database_url)
    with connect(database_url) as conn:
        empty = sizes(capsys)
        conn.execute(
            "INSERT INTO history_final_slots SELECT 1, 1, t, a, a, a, a, b, b FROM generate_series(timestamptz "
            "'2026-01-01Z', '2026-03-31 23:00Z', interval '1 hour') AS t, LATERAL (SELECT array_fill(1::bigint, "
            "ARRAY[12]) AS a, array_fill(1, ARRAY[12]) AS b) AS filled"
        )
        conn.commit()
        full = sizes(capsys)["history_final_slots"]
        assert full["bytes"] > empty["history_final_slots"]["bytes"] + 2160 * 500
        assert full["compressed_chunks"] == full["bytes_after"] == 0
        assert {"stay", "bay_interval", "reading", "history_final"} <= set(empty)
        if has_timescale(conn):
            assert full["chunks"] >= 4
            chunks = compress_all(conn, "history_final_slots")
            packed = sizes(capsys)["history_final_slots"]
            assert packed["compressed_chunks"] == chunks == full["chunks"]
            assert packed["bytes_after"] < packed["bytes_before"] <= full["bytes"]
            assert packed["bytes"] < full["bytes"]
    assert main(["doctor", "--sizes"]) == 0
    assert "history_final_slots " in capsys.readouterr().out
