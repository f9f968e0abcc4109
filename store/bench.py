"""What a benchmark of history asks the database: counts, sizes, and what a log lacks."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from store.postgres import Connection
from store.queries import sql

Cursor = psycopg.Cursor[tuple[Any, ...]]

GROWING = (
    "reading log_batch device_seen device_checkpoint count_checkpoint bay_interval stay count_interval zone_cell"
    " overstay history_day history_hour history_slots history_final history_final_slots history_revision"
).split()
"""Tables that grow with the years."""


class Lost(NamedTuple):
    """A word of a sensor that is missing between one and the next."""

    device_id: str
    boot: int
    seq: int
    at: datetime
    next_at: datetime
    occupied: bool
    next_occupied: bool
    next_cause: str


def words_lost(cur: Cursor, area: str, start: datetime, end: datetime, received_to: datetime) -> list[Lost]:
    """Single words that are missing of what sensors said from start to end."""
    cur.execute(sql("bench.words_lost"), (area, start, end, received_to))
    return [Lost(*row) for row in cur.fetchall()]


def counts(cur: Cursor, area: str, generation: int) -> tuple[int, int, int]:
    """Readings of the log, stays that ended, hours of all series."""
    cur.execute(sql("bench.counts"), (area, generation))
    readings, stays, hours = cur.fetchall()[0]
    return int(readings), int(stays), int(hours)


def revisions(cur: Cursor, area: str) -> dict[str, int]:
    """How many records were revised, by cause."""
    cur.execute(sql("bench.revisions"), (area,))
    return {str(cause): int(count) for cause, count in cur.fetchall()}


def zones(cur: Cursor, area: str) -> list[str]:
    """Zones that have a history."""
    cur.execute(sql("bench.zones"), (area,))
    return [str(row[0]) for row in cur.fetchall()]


def sizes(cur: Cursor) -> dict[str, int]:
    """Bytes by table, of those that grow: with indexes, and with what a hypertable has in chunks and has compressed."""
    cur.execute(sql("bench.sizes"), (GROWING,))
    return {str(name): int(size) for name, size in cur.fetchall()}


def analyze(conn: Connection) -> None:
    """Let the planner know what was written in bulk, as a database that runs for a year does by itself."""
    with conn.transaction():
        conn.execute(sql("bench.analyze"))
