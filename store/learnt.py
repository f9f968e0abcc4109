"""What is learnt from closed days: where it comes from, and its only way into the log of its area."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import msgspec
import psycopg

from occupancy.due_cells import Piece
from occupancy.learnt import KIND, Learnt, ZoneHistory, holds_from, learnt_doc, learnt_of
from occupancy.model import AreaId
from occupancy.registry import Registry
from store.cells import bay_intervals_in
from store.generation import Generation
from store.log import LogEntry, begin_entries, close_entries
from store.queries import sql

Connection = psycopg.Connection[tuple[Any, ...]]
Cursor = psycopg.Cursor[tuple[Any, ...]]


def known(cur: Cursor, area: AreaId, day: date) -> bool:
    """Whether something was learnt on that day."""
    cur.execute(sql("learnt.known"), (area, day.isoformat()))
    row = cur.fetchone()
    return bool(row and row[0])


def newest(cur: Cursor, area: AreaId, position: int, limit: int) -> list[Learnt]:
    """What was learnt up to a position, in the order of days; at most the newest `limit`."""
    cur.execute(sql("learnt.newest"), (area, position, limit))
    return [learnt_of(row[0]) for row in cur.fetchall()][::-1]


def history(
    cur: Cursor, at: Generation, registry: Registry, span: tuple[datetime, datetime]
) -> Iterator[ZoneHistory]:
    """What held at the bays of a generation in a span, a zone at a time."""
    for zone_id, bays in registry.bays_by_zone.items():
        ids = [bay.bay_id for bay in bays]
        found = bay_intervals_in(cur, at, [(Piece(zone_id, *span), ids)])
        yield zone_id, dict(zip(ids, found, strict=True))


def enter(conn: Connection, area: AreaId, found: Learnt) -> bool:
    """Enter what was learnt, to hold after everything that is in the log. False: another was first.

    The head is locked first: nothing is appended between the look at its watermark and the entry. Raises
    `psycopg.Error`.
    """
    try:
        with conn.transaction(), conn.cursor() as cur:
            cur.execute(sql("log.peek_head"), (area,))
            head = cur.fetchone()
            if head is None or head[0] is None:
                return False
            holds = max(found.holds_from, holds_from(head[0]))
            doc = learnt_doc(msgspec.structs.replace(found, holds_from=holds))
            entry = LogEntry(KIND, found.day.isoformat(), doc, head[0], "engine")
            close_entries(cur, area, begin_entries(cur, area, [entry]), 1)
    except psycopg.errors.UniqueViolation:
        return False
    return True
