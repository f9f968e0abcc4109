"""Documents of the registry as they stand, one by one, and as they were entered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from occupancy.model import AreaId
from store.postgres import Connection
from store.queries import sql

Document = dict[str, object]


@dataclass(frozen=True, slots=True)
class Standing:
    """One document as it is now; `version` changes with it."""

    kind: str
    id: str
    area: AreaId
    version: int
    doc: Document


@dataclass(frozen=True, slots=True)
class Entered:
    """One document as it was entered into an area's log; `doc` None: it was removed."""

    area: AreaId
    position: int
    at: datetime
    by: str
    doc: Document | None


def page(
    conn: Connection,
    *,
    within: Collection[str] | None = None,
    kind: str | None = None,
    after: tuple[str, str] = ("", ""),
    limit: int,
) -> list[Standing]:
    """Documents of these areas (None: of all), by kind and id, of those after `after`."""
    asked = (None if within is None else sorted(within), kind, *after, limit)
    return [Standing(*row) for row in conn.execute(sql("registry.page"), asked).fetchall()]


def find(conn: Connection, kind: str, id: str, *, within: Collection[str] | None = None) -> Standing | None:
    """One document, `within` as in `page`."""
    areas = None if within is None else sorted(within)
    row = conn.execute(sql("registry.document"), (kind, id, areas)).fetchone()
    return None if row is None else Standing(*row)


def list_entered(conn: Connection, kind: str, id: str, limit: int) -> list[Entered]:
    """At most `limit` of the entries that the log has of one document, the newest first."""
    rows = conn.execute(sql("registry.entered"), (f"{kind}/{id}", limit)).fetchall()
    return [Entered(*row) for row in rows]
