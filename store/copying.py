"""Rows in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

from store.queries import sql

Cursor = psycopg.Cursor[tuple[Any, ...]]


def copy_rows(cur: Cursor, name: str, types: Sequence[str], rows: Iterable[tuple[object, ...]]) -> None:
    """COPY the rows; nothing is sent for none."""
    rows = list(rows)
    if not rows:
        return
    with cur.copy(sql(name)) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)
