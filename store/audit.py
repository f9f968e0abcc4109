"""The audit log: who did what, and who asked for personal data. Append-only, each entry chained to the one before."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from occupancy.answers import instant
from occupancy.model import EPOCH
from store.postgres import Connection
from store.queries import sql

Cursor = psycopg.Cursor[tuple[Any, ...]]

_PAGE = 10_000
"""Entries read at once by `verify`."""
_BREAKS_MAX = 100
"""Breaks told at most: where everything is broken, more of them say no more."""
_START = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What is to be recorded. `areas`: those it concerns, None: none in particular, or all of them."""

    who: str
    action: str
    areas: Collection[str] | None = None
    subject: str | None = None
    doc: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """A deed with its place and time."""

    seq: int
    at: datetime
    who: str
    action: str
    areas: Sequence[str] | None
    subject: str | None
    doc: Mapping[str, object]

    def document(self) -> dict[str, object]:
        areas = None if self.areas is None else list(self.areas)
        told = {"areas": areas, "subject": self.subject, "details": dict(self.doc)}
        return {"seq": self.seq, "at": instant(self.at), "who": self.who, "action": self.action, **told}


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry: noted elsewhere, it also shows a chain that was made anew from end to end."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Verified:
    """`breaks`: what does not hold, in words; none: nothing was edited or taken out."""

    entries: int
    head: Head
    breaks: Sequence[str]


def append(cur: Cursor, deed: Deed) -> None:
    """Record a deed in the transaction of what it tells of, before any head of an area's log is taken.

    Whoever appends waits for whoever appended and has not committed yet. Raises `psycopg.Error`.
    """
    areas = None if deed.areas is None else sorted(deed.areas)
    cur.execute(sql("audit.append"), (deed.who, deed.action, areas, deed.subject, Jsonb(dict(deed.doc))))


def page(
    conn: Connection,
    *,
    within: Collection[str] | None = None,
    before: int | None = None,
    action: str | None = None,
    limit: int,
) -> list[Entry]:
    """The newest entries, of those before `before`; `within`: that concern no area but these."""
    areas = None if within is None else sorted(within)
    return [Entry(*row) for row in conn.execute(sql("audit.page"), (areas, before, action, limit)).fetchall()]


def verify(conn: Connection, noted: Head | None = None) -> Verified:
    """Work out the whole chain again, and hold it against its head, and against one that was noted earlier."""
    with conn.transaction():
        # One snapshot: an entry that is appended meanwhile would stand beyond the head.
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return _verified(conn, noted)


def _verified(conn: Connection, noted: Head | None) -> Verified:
    breaks: list[str] = []
    expected, last, entries, noted_found = _START, 0, 0, noted is None or noted.seq == 0
    strays = _one(conn, "audit.beyond")[0]
    if strays:
        breaks.append(f"{strays} entries stand before the first")
    while rows := conn.execute(sql("audit.chain"), (last, _PAGE)).fetchall():
        for seq, at, who, action, areas, subject, doc, found in rows:
            if seq != last + 1:
                breaks.append(f"entries {last + 1} to {seq - 1} are missing")
            elif found != _hash(expected, seq, at, who, action, areas, subject, doc):
                breaks.append(f"entry {seq} is not what was written, or stands after another than then")
            if noted is not None and seq == noted.seq:
                noted_found = found == noted.hash
            # What was written goes on from the hash that stands there: one edit is one break.
            expected, last, entries = found, seq, entries + 1
        if len(breaks) > _BREAKS_MAX:
            break
    seq, hash = _one(conn, "audit.head")
    if len(breaks) <= _BREAKS_MAX and (seq, hash) != (last, expected):
        breaks.append(f"the last entry is {last}, and should be {seq} as it was written")
    if not noted_found and noted is not None:
        breaks.append(f"entry {noted.seq} is not the one that was noted")
    return Verified(entries, Head(seq, hash), breaks[:_BREAKS_MAX])


def _hash(before: bytes, seq: int, at: datetime, *texts: str | None) -> bytes:
    """As trigger `audit_chain` has it."""
    made = hashlib.sha256(before)
    for text in (str(seq), str((at - EPOCH) // timedelta(microseconds=1)), *texts):
        content = None if text is None else text.encode()
        made.update(b"\xff\xff\xff\xff" if content is None else len(content).to_bytes(4, "big") + content)
    return made.digest()


def _one(conn: Connection, name: str) -> tuple[Any, ...]:
    row = conn.execute(sql(name)).fetchone()
    return (0, b"") if row is None else row
