"""What could not become a reading: kept with its bytes and the reason, bounded, replayed where it helps."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from store.postgres import Connection
from store.queries import sql

Cursor = psycopg.Cursor[tuple[Any, ...]]

PAYLOAD_KEPT = 16 * 1024
"""Bytes of a payload that are kept; `payload_bytes` tells its whole length."""
PAYLOAD_TOLD = 2048
"""Bytes of it that a list tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A message, or one item of a gateway's batch, that did not become a reading.

    `payload` is None where nothing of it may be kept (a passage, L10); `size` is its length all the same.
    """

    topic: str
    reason: str
    detail: str
    device_id: str | None
    payload: bytes | None
    size: int
    received_at: datetime

    @property
    def digest(self) -> bytes:
        """Names the message: topic, reason and payload, or the length where the payload is not kept.

        A digest of bytes that may hold a plate would be as good as the plate itself: there are few plates.
        """
        content = self.payload if self.payload is not None else b"length %d" % self.size
        hashed = hashlib.blake2b(digest_size=16)
        for part in (self.topic.encode("utf-8", "surrogatepass"), self.reason.encode(), content):
            hashed.update(len(part).to_bytes(4, "big"))
            hashed.update(part)
        return hashed.digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Overflowed:
    """A refused message beyond the hourly cap of its source: counted, and kept only where it is the first."""

    source: str
    hour: datetime
    reason: str
    sample: bytes | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A quarantined message of a device that was not registered then, or one that an admin asked for: by `asked`, its
    digest."""

    id: int
    topic: str
    payload: bytes
    first_seen: datetime
    asked: bytes | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A message in the quarantine. `area` None: of no registered device; `payload`: its beginning, None: not kept."""

    id: int
    area: str | None
    topic: str
    reason: str
    detail: str
    device_id: str | None
    payload: bytes | None
    payload_bytes: int
    first_seen: datetime
    last_seen: datetime
    count: int
    replayed_at: datetime | None
    replay_asked_at: datetime | None
    replay_refused_at: datetime | None
    discarded_at: datetime | None
    discard_reason: str | None


def storable(text: str) -> str:
    """The text as PostgreSQL can hold it: NUL and lone surrogates become visible escapes."""
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")


def record(cur: Cursor, refused: Iterable[Refused]) -> None:
    """Upsert by digest, in digest order so that two workers never wait for each other in a ring."""
    groups: dict[bytes, list[Refused]] = {}
    for one in refused:
        groups.setdefault(one.digest, []).append(one)
    if groups:
        cur.executemany(sql("quarantine.record"), [_row(digest, groups[digest]) for digest in sorted(groups)])


def _row(digest: bytes, same: Sequence[Refused]) -> tuple[object, ...]:
    first = same[0]
    return (
        digest,
        storable(first.topic),
        first.reason,
        storable(first.detail),
        None if first.device_id is None else storable(first.device_id),
        None if first.payload is None else first.payload[:PAYLOAD_KEPT],
        first.size,
        min(one.received_at for one in same),
        max(one.received_at for one in same),
        len(same),
    )


def record_overflow(cur: Cursor, overflowed: Iterable[Overflowed]) -> None:
    """Raise the counts of sources beyond their cap."""
    groups: dict[tuple[str, datetime, str], list[Overflowed]] = {}
    for one in overflowed:
        groups.setdefault((one.source, one.hour, one.reason), []).append(one)
    rows = []
    for (source, hour, reason), same in sorted(groups.items()):
        sample = next((one.sample for one in same if one.sample is not None), None)
        rows.append((storable(source), hour, reason, len(same), sample))
    if rows:
        cur.executemany(sql("quarantine.overflow"), rows)


def page(
    conn: Connection,
    *,
    within: Collection[str] | None = None,
    reason: str | None = None,
    before: int | None = None,
    discarded: bool = False,
    limit: int,
) -> list[Kept]:
    """The newest, of those before `before`; `within`: of devices that are registered in these areas."""
    areas = None if within is None else sorted(within)
    asked = (areas, reason, before, limit, PAYLOAD_TOLD, None, discarded)
    return [Kept(*row) for row in conn.execute(sql("quarantine.page"), asked).fetchall()]


def find(conn: Connection, id: int, *, within: Collection[str] | None = None) -> Kept | None:
    """One row, with all that is kept of its payload; `within` as in `page`."""
    areas = None if within is None else sorted(within)
    row = conn.execute(sql("quarantine.page"), (areas, None, None, 1, PAYLOAD_KEPT, id, True)).fetchone()
    return None if row is None else Kept(*row)


def unknown_devices(cur: Cursor) -> set[str]:
    """Ids of devices whose messages wait for a registration."""
    return {str(row[0]) for row in cur.execute(sql("quarantine.unknown_devices")).fetchall()}


def waiting(cur: Cursor, device_ids: Sequence[str], limit: int) -> list[Waiting]:
    """Lock and return the oldest waiting messages of these devices."""
    rows = cur.execute(sql("quarantine.waiting"), (list(device_ids), limit)).fetchall()
    return [Waiting(int(row[0]), str(row[1]), bytes(row[2]), *row[3:]) for row in rows]


def any_asked(cur: Cursor) -> bool:
    """Whether an admin asked for something to be tried again."""
    return cur.execute(sql("quarantine.any_asked")).fetchone() == (True,)


def mark_replayed(cur: Cursor, ids: Sequence[int], now: datetime) -> None:
    cur.execute(sql("quarantine.mark_replayed"), (list(ids), now))


def mark_refused_again(cur: Cursor, digests: Collection[bytes], now: datetime) -> None:
    cur.execute(sql("quarantine.mark_refused_again"), (list(digests), now))
