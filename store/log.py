"""Appending to the log: once per reading, one position per batch, the head taken last (docs/architecture.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import psycopg
from msgspec.structs import astuple
from psycopg.types.json import Jsonb

from store.claims import claim, conflicts
from store.queries import sql

Cursor = psycopg.Cursor[tuple[Any, ...]]

PIPELINE_DOWN_AFTER = timedelta(seconds=30)
"""A live area's watermark that jumps by more than this leaves an outage entry (from, to) in the log."""

_READING_TYPES = (
    "int8 int4 text text int4 int8 int8 text timestamptz int8 timestamptz bool text int8 float4 text text int4 int4"
    " int4 float4 float4 text[] int8 bytea"
).split()


class ReadingRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One reading as the log keeps it: the columns of table `reading` after (batch_id, ordinal), in their order.

    A msgspec Struct, because one is made for every message: a frozen dataclass costs several times as much.
    """

    area: str
    device_id: str
    incarnation: int
    boot: int
    seq: int
    kind: str
    at: datetime | None
    age_ms: int | None
    received_at: datetime
    occupied: bool | None = None
    cause: str | None = None
    prev_s: int | None = None
    confidence: float | None = None
    direction: str | None = None
    vehicle_token: str | None = None
    count: int | None = None
    capacity: int | None = None
    battery_mv: int | None = None
    temperature_c: float | None = None
    rssi_dbm: float | None = None
    faults: list[str] | None = None
    meaning: int
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A registry change ("kind/id" -> document, None: removed) or an outage."""

    kind: str
    key: str
    doc: Mapping[str, object] | None
    entered_at: datetime
    entered_by: str


class Unfit(NamedTuple):
    """Indexes of rows given that are not stored and no duplicates: the caller quarantines them."""

    conflicts: tuple[int, ...]
    """Their key is taken by another meaning."""
    went_back: tuple[int, ...]
    """Said after a later boot of the same incarnation had been heard: the device counts its boots anew."""


@dataclass(frozen=True, slots=True)
class Appended:
    stored: int
    duplicates: int
    unfit: Unfit
    positions: Mapping[str, int]
    """Area -> the position that its part of the batch got."""


def append(
    cur: Cursor,
    rows: Sequence[ReadingRow],
    watermarks: Mapping[str, datetime],
    *,
    on_unfit: Callable[[Unfit], None] | None = None,
) -> Appended:
    """Append a batch inside the caller's transaction; it counts from the caller's COMMIT on.

    Rows whose (device, incarnation, boot, seq) was ever seen are not stored again. `watermarks` (area -> time)
    move forward only. The heads are locked last and in area order, so the caller must lock nothing afterwards: what is
    to be done about conflicts and devices that went back, `on_unfit` does before.
    Raises `psycopg.Error`; nothing is kept then.
    """
    areas = sorted({row.area for row in rows} | set(watermarks))
    batch_ids = _batch_ids(cur, areas)
    stored, unfit = _store(cur, rows, batch_ids)
    if any(unfit) and on_unfit is not None:
        on_unfit(unfit)
    by_area: dict[str, list[ReadingRow]] = {area: [] for area in areas}
    for row in stored:
        by_area[row.area].append(row)
    positions = {}
    for area in areas:
        position = _close_batch(cur, area, batch_ids[area], by_area[area], watermarks.get(area))
        if position is not None:
            positions[area] = position
    duplicates = len(rows) - len(stored) - sum(map(len, unfit))
    return Appended(len(stored), duplicates, unfit, positions)


def append_entries(
    cur: Cursor, area: str, entries: Sequence[LogEntry], *, clock: str | None = None
) -> tuple[int, int]:
    """Append registry changes as one batch; returns (batch id, position). See also `begin_entries`."""
    batch_id = begin_entries(cur, area, entries, clock=clock)
    return batch_id, close_entries(cur, area, batch_id, len(entries))


def begin_entries(cur: Cursor, area: str, entries: Sequence[LogEntry], *, clock: str | None = None) -> int:
    """Write the entries of a batch that `close_entries` gives its position. `clock` makes the area's head if need be.

    Returns the batch id. Whatever else belongs to the transaction is done before the batch is closed.
    """
    if clock is not None:
        cur.execute(sql("log.ensure_head"), (area, clock))
    batch_id = _batch_ids(cur, [area])[area]
    _insert_entries(cur, area, batch_id, entries)
    return batch_id


def close_entries(cur: Cursor, area: str, batch_id: int, entries: int) -> int:
    """Take the area's head, last before COMMIT, and give the batch its position, which is returned.

    Raises `psycopg.Error`, `LookupError` for an area that has no log and was given no clock to make one.
    """
    return _take_position(cur, area, batch_id, entries=entries)


def _batch_ids(cur: Cursor, areas: Sequence[str]) -> dict[str, int]:
    cur.execute(sql("log.batch_ids"), (len(areas),))
    return {area: int(row[0]) for area, row in zip(areas, cur.fetchall(), strict=True)}


def _store(
    cur: Cursor, rows: Sequence[ReadingRow], batch_ids: Mapping[str, int]
) -> tuple[list[ReadingRow], Unfit]:
    """Claim the keys, then copy what is new. Returns the rows stored, and what cannot be."""
    claimed = claim(cur, rows)
    if claimed.new:
        with cur.copy(sql("log.copy_readings")) as copy:
            copy.set_types(_READING_TYPES)
            for ordinal in claimed.new:
                row = rows[ordinal]
                copy.write_row((batch_ids[row.area], ordinal, *astuple(row)))
    unfit = Unfit(conflicts(cur, rows, claimed.repeated), claimed.went_back)
    return [rows[ordinal] for ordinal in claimed.new], unfit


def _close_batch(
    cur: Cursor, area: str, batch_id: int, stored: Sequence[ReadingRow], watermark: datetime | None
) -> int | None:
    """Give the area's part of the batch its position; None when it holds nothing new."""
    outage: LogEntry | None = None
    if watermark is not None:
        cur.execute(sql("log.peek_head"), (area,))
        head = cur.fetchone()
        if head is None:
            raise LookupError(f"area {area} has no log: import its registry first")
        before, clock = head
        if before is not None and watermark <= before:
            watermark = None
        elif before is not None and clock == "live" and watermark - before > PIPELINE_DOWN_AFTER:
            span = {"from": before.isoformat(), "to": watermark.isoformat()}
            outage = LogEntry("outage", before.isoformat(), span, watermark, "ingest")
    if not stored and watermark is None:
        return None
    entries = [outage] if outage else []
    if entries:
        _insert_entries(cur, area, batch_id, entries)
    return _take_position(cur, area, batch_id, watermark=watermark, entries=len(entries), stored=stored)


def _take_position(
    cur: Cursor,
    area: str,
    batch_id: int,
    *,
    watermark: datetime | None = None,
    entries: int = 0,
    stored: Sequence[ReadingRow] = (),
) -> int:
    received = [row.received_at for row in stored]
    first, last = min(received, default=None), max(received, default=None)
    cur.execute(sql("log.close_batch"), (area, batch_id, watermark, len(stored), entries, first, last))
    row = cur.fetchone()
    if row is None:
        raise LookupError(f"area {area} has no log: import its registry first")
    return int(row[0])


def _insert_entries(cur: Cursor, area: str, batch_id: int, entries: Iterable[LogEntry]) -> None:
    cur.executemany(
        sql("log.insert_entry"),
        [
            (
                batch_id,
                ordinal,
                area,
                entry.kind,
                entry.key,
                None if entry.doc is None else Jsonb(dict(entry.doc)),
                entry.entered_at,
                entry.entered_by,
            )
            for ordinal, entry in enumerate(entries)
        ],
    )
