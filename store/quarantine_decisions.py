"""What admins decide about refused messages: to try them again, which ingest does, or to discard them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import psycopg

from store import audit
from store.audit import Deed
from store.postgres import Connection
from store.queries import sql

AT_ONCE = 1_000
"""Rows of one decision (L8)."""
_NAMED_MAX = 100


class Decision(StrEnum):
    REPLAY = "replay"
    DISCARD = "discard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which rows: those of `ids`, or the oldest open ones for a `reason`, those last that were tried already or cannot
    be; of devices in `within`, None: of any."""

    ids: Sequence[int] = ()
    reason: str | None = None
    within: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """`left`: the rows for which nothing is done, with why."""

    ids: list[int]
    left: dict[int, str]


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    area: str | None
    of_device: bool
    """Of one, and no passage, of which nothing is kept (L10)."""
    whole: bool
    replayed: bool
    discarded: bool

    def obstacle(self, decision: Decision) -> str | None:
        """Why nothing can be done; None: it can."""
        if self.discarded:
            return "it was discarded"
        if self.replayed:
            return "it was replayed, and became what it could"
        if decision is Decision.DISCARD:
            return None
        if not self.of_device:
            return "it is of no device, or a passage"
        return None if self.whole else "its payload was not kept, or not all of it"


def decide(
    conn: Connection,
    decision: Decision,
    choice: Choice,
    *,
    why: str,
    who: str,
    at: datetime,
) -> Decided:
    """At most `AT_ONCE` rows, audited. What is asked to be replayed is decoded and appended by ingest, once for ever.

    Raises `psycopg.Error`.
    """
    within = None if choice.within is None else sorted(choice.within)
    with conn.transaction(), conn.cursor() as cur:
        asked = (within, list(choice.ids), choice.reason, AT_ONCE, decision is Decision.REPLAY)
        cur.execute(sql("quarantine.choose"), asked)
        rows = [_Row(*row) for row in cur.fetchall()]
        left = dict.fromkeys(choice.ids, "there is no such row") | {
            row.id: obstacle for row in rows if (obstacle := row.obstacle(decision)) is not None
        }
        chosen = [row for row in rows if row.obstacle(decision) is None]
        ids = [row.id for row in chosen]
        for id in ids:
            left.pop(id, None)
        if ids:
            _write(cur, decision, ids, why, at)
            areas = {row.area for row in chosen if row.area is not None}
            known = all(row.area is not None for row in chosen)
            doc = {"rows": len(ids), "ids": ids[:_NAMED_MAX], "of_reason": choice.reason, "why": why}
            audit.append(
                cur,
                Deed(who=who, action=f"quarantine.{decision}", areas=areas if known else None, doc=doc),
            )
    return Decided(ids, left)


def _write(
    cur: psycopg.Cursor[tuple[object, ...]], decision: Decision, ids: list[int], why: str, at: datetime
) -> None:
    match decision:
        case Decision.REPLAY:
            cur.execute(sql("quarantine.ask_replay"), (ids, at))
        case Decision.DISCARD:
            cur.execute(sql("quarantine.discard"), (ids, at, why))
