"""Statements about many keys of readings at once, which are given as columns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import psycopg

from store.queries import sql

Cursor = psycopg.Cursor[tuple[Any, ...]]

Life = tuple[str, int, int]
"""Device, incarnation, boot."""
Key = tuple[str, int, int, int]
"""The same, and the sequence number."""


def about(
    cur: Cursor, name: str, keys: Collection[Life] | Collection[Key], *more: Sequence[object]
) -> list[tuple[Any, ...]]:
    """Run a statement about keys; for none it is not run. Returns its rows."""
    if not keys:
        return []
    devices, *numbers = zip(*keys, strict=True)
    # As text: for lists of thousands psycopg's own arrays cost more than all the rest of the statement.
    columns: list[object] = [
        "\n".join(devices),
        *("{" + ",".join(map(str, column)) + "}" for column in numbers),
    ]
    cur.execute(sql(name), [*columns, *map(list, more)])
    return cur.fetchall() if cur.description else []
