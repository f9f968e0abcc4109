"""Registries as they stand, overrides included, and whether they are still the same."""

from __future__ import annotations

import json

from occupancy.model import AreaId
from occupancy.registry import Registry
from store.copying import Cursor
from store.feed_rows import registry_of
from store.queries import sql


def marks(cur: Cursor) -> dict[AreaId, str]:
    """By area a word that is another one after any change of its registry or its overrides."""
    cur.execute(sql("feed.registry_marks"))
    return {AreaId(area): f"{newest}-{documents}" for area, newest, documents in cur.fetchall()}


def registry_now(cur: Cursor, area: AreaId) -> Registry:
    """An area's registry. A document that does not parse is named in the log and left out (L11)."""
    cur.execute(sql("feed.registry_documents"), (area,))
    rows = cur.fetchall()
    return registry_of({"kind": kind, "id": id, "doc": json.dumps(doc)} for kind, id, doc in rows)
