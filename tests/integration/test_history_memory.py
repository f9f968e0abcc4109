"""A year of five minutes as a file never sits in memory, whatever it is written as: here, a third of one."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from api.history_files import csv_file, parquet_file
from api.history_rows import Rows
from occupancy.history.definitions import Report
from occupancy.history.periods import Grain, Question, Scope
from occupancy.model import AreaId
from store.history import HistoryReader, Period
from store.postgres import Connection, connect

AREA = AreaId("town")
HOURS = 120 * 24
START, END = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 9, 29, tzinfo=UTC)
Write = Callable[[Rows, AsyncIterator[Period]], AsyncGenerator[bytes]]


def months(conn: Connection) -> None:
    """Of one street, all of it final."""
    conn.execute(
        "INSERT INTO history_series (area, scope, scope_id, dim, value) VALUES ($1, 'zone', 'high-st', 'all', '')",
        (AREA,),
    )
    conn.execute(
        "INSERT INTO history_final SELECT series_id, 1, at, 36e9, 18e9, 18e9, 0, 36e8, 36e8, 0, 6, 6, 0, 0, 0, 0, 1,"
        " '13', 1, 15e8, ARRAY[30, 60], ARRAY[4, 2], 14400"
        " FROM history_series, generate_series($1::timestamptz, $2::timestamptz - interval '1 hour', '1 hour') AS at",
        (START, END),
    )
    conn.execute(
        "INSERT INTO history_final_slots SELECT series_id, 1, hour_at, us, us, us, array_fill(0::bigint, '{12}'), n, n"
        " FROM history_final, (SELECT array_fill(15e8::bigint, '{12}') AS us, array_fill(1, '{12}') AS n) AS filled"
    )
    conn.commit()


@pytest.mark.parametrize(("write", "bound_mib"), [(csv_file, 5), (parquet_file, 5)])
def test_five_minutes_are_written_while_it_is_read(database_url: str, write: Write, bound_mib: int) -> None:
    """Held, the rows counted take 18 MiB; packed for Parquet they are not Python's."""
    if write is parquet_file:
        pytest.importorskip("pyarrow", reason="pyarrow is an extra")
    with connect(database_url) as conn:
        months(conn)
    asked = Question(
        area=AREA, time_zone="UTC", start=START, end=END, grain=Grain.FIVE_MINUTES, scope=Scope.ZONE
    )
    rows = Rows(
        asked, Report.OCCUPANCY, least_coverage=0.5, personal=False, names={}, agreements={}, final_to=END
    )
    counted = 0

    async def every(reader: HistoryReader) -> AsyncGenerator[Period]:
        nonlocal counted
        async for period in reader.periods(asked):
            counted += 1
            if (
                counted == 12_000
            ):  # what is imported for the first rows (pandas by pyarrow, say) is not counted
                tracemalloc.start()
            yield period

    async def taken() -> int:
        reader = HistoryReader(database_url)
        size = 0
        try:
            async with aclosing(write(rows, every(reader))) as pieces:
                async for piece in pieces:
                    size += len(piece)
        finally:
            await reader.close()
        return size

    try:
        assert asyncio.run(taken()) > 100_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert counted == 12 * HOURS
    assert peak < bound_mib * 2**20
