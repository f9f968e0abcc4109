"""Rows of history as files that are written while they are read: CSV, and Parquet where pyarrow is installed."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from api.history_rows import Rows, csv_lines, header
from store.history import Period

CSV = "text/csv; charset=utf-8; header=present"
PARQUET = "application/vnd.apache.parquet"
_LINES = 500
_GROUP = 50_000
"""Rows of a group in Parquet, which are in memory at once: packed, a hundred bytes each."""


def has_parquet() -> bool:
    """Whether pyarrow is installed: `pip install baycast[parquet]`."""
    return find_spec("pyarrow") is not None


async def csv_file(rows: Rows, periods: AsyncIterator[Period]) -> AsyncGenerator[bytes]:
    """The file in pieces. It begins with the mark by which spreadsheets know UTF-8."""
    lines: list[Sequence[Any]] = [header(rows.columns())]
    yield "\ufeff".encode()
    async for period in periods:
        lines.append(rows.flat(period))
        if len(lines) >= _LINES:
            yield csv_lines(lines)
            lines = []
    yield csv_lines(lines)


async def parquet_file(rows: Rows, periods: AsyncIterator[Period]) -> AsyncGenerator[bytes]:
    """The file in pieces, a group of rows each; units stand in the metadata of the columns."""
    pa, parquet = [  # by a thread: it takes seconds when it is the first time
        await asyncio.to_thread(import_module, name) for name in ("pyarrow", "pyarrow.parquet")
    ]
    columns = rows.columns()
    schema = pa.schema(
        [
            pa.field(name, _type(pa, rows, name), metadata={"unit": unit} if unit else None)
            for name, unit in columns
        ]
    )
    sink = io.BytesIO()
    writer = parquet.ParquetWriter(sink, schema)

    def packed(lines: list[list[Any]]) -> Any:
        data = [
            [_typed(name, value) for value in column]
            for (name, _), column in zip(columns, zip(*lines, strict=True), strict=True)
        ]
        arrays = [pa.array(values, field.type) for values, field in zip(data, schema, strict=True)]
        return pa.record_batch(arrays, schema=schema)

    def write(group: list[Any]) -> None:
        writer.write_table(pa.Table.from_batches(group), row_group_size=_GROUP)

    def taken() -> bytes:
        written = sink.getvalue()
        sink.seek(0)
        sink.truncate()
        return written

    lines: list[list[Any]] = []
    group: list[Any] = []
    async for period in periods:
        lines.append(rows.flat(period))
        if len(lines) >= _LINES:
            group.append(await asyncio.to_thread(packed, lines))
            lines = []
            if len(group) * _LINES >= _GROUP:
                await asyncio.to_thread(write, group)
                group = []
                yield taken()
    if lines:
        group.append(await asyncio.to_thread(packed, lines))
    if group:
        await asyncio.to_thread(write, group)
    await asyncio.to_thread(writer.close)
    yield taken()


_COUNTS = {"arrivals", "departures", "stays", "censored_stays", "overstay_candidates", "overstays_confirmed"}


def _type(pa: Any, rows: Rows, name: str) -> Any:
    if name in ("start", "end"):
        return pa.timestamp("us", tz="UTC")
    if name in ("hour_of_week", "revision", "survey_looks") or name in _COUNTS:
        return pa.int64()
    if name in ("coverage", "agreement_percent") or name in {
        definition.name for definition in rows.definitions
    }:
        return pa.float64()
    return pa.string()


def _typed(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if name in ("start", "end") and value is not None else value
