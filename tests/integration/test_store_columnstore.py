"""Readings in TimescaleDB's columnstore: stored once, found by device; late ones come in beside them (L2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from occupancy.model import AreaId, DeviceId, ReadingKey
from store import tail
from store.log import LogEntry, ReadingRow, append, append_entries
from store.postgres import Connection, connect
from tests.support.timescale import require_timescale

LONG_AGO = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as connection:
        require_timescale(connection)
        yield connection


def row(seq: int, *, meaning: int = 1) -> ReadingRow:
    at = LONG_AGO + timedelta(seconds=seq)
    return ReadingRow(
        area="a",
        device_id="d",
        incarnation=0,
        boot=1,
        seq=seq,
        kind="state",
        at=at,
        age_ms=None,
        received_at=at,
        occupied=seq % 2 == 0,
        cause="change",
        meaning=meaning,
    )


def test_l2_old_readings_are_compressed_and_still_decide_what_is_new(conn: Connection) -> None:
    with conn.transaction(), conn.cursor() as cur:
        append_entries(cur, "a", [LogEntry("registry", "area/a", {}, LONG_AGO, "test")], clock="live")
        append(cur, [row(seq) for seq in range(100) if seq != 50], {})
    (job,) = conn.execute(
        "SELECT job_id FROM timescaledb_information.jobs WHERE hypertable_name = 'reading'"
    ).fetchall()
    conn.commit()
    with connect(conn.info.dsn, autocommit=True) as own:
        own.execute(f"CALL run_job({job[0]})")
        compressed = own.execute(
            "SELECT count(*) FROM timescaledb_information.chunks WHERE hypertable_name = 'reading' AND is_compressed"
        ).fetchone()
    assert compressed == (1,)

    with conn.transaction(), conn.cursor() as cur:
        done = append(cur, [row(7), row(8, meaning=2), row(50)], {})
        assert (done.stored, done.duplicates, done.unfit.conflicts) == (1, 1, (1,))
        found = tail.readings_of_device(
            cur, AreaId("a"), DeviceId("d"), ReadingKey(0, 1, 47), ReadingKey(0, 1, 98), 3
        )
    assert [reading.key.seq for reading in found] == list(range(48, 99))
