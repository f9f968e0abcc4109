"""Ingest workers as the store knows them: what the broker may hold for each, and what it dropped (psycopg)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from store.queries import sql

Cursor = psycopg.Cursor[tuple[Any, ...]]

HEARD_WITHIN_S = 30.0
"""A worker that committed nothing for longer counts as away."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker id whose session the broker may hold. `silent_s` is the age of its last committed canary, if any."""

    worker_id: str
    silent_s: float | None
    stopped: bool
    filters: tuple[str, ...]

    @property
    def away(self) -> bool:
        return self.stopped or self.silent_s is None or self.silent_s > HEARD_WITHIN_S

    @property
    def group(self) -> str | None:
        """The shared subscription that it takes part in; None: it has the whole feed."""
        return next((text.split("/")[1] for text in self.filters if text.startswith("$share/")), None)


@dataclass(frozen=True, slots=True)
class Begun:
    """`known`: it was here before, so the broker should hold its session; `stale`: filters that this may have still."""

    known: bool
    stale: tuple[str, ...]


def begin_worker(cur: Cursor, worker_id: str, filters: Iterable[str]) -> Begun:
    """Note before it connects which filters a worker's session will have, beside those that it has."""
    wanted = set(filters)
    known = bool(cur.execute(sql("ingest.worker_known"), (worker_id,)).fetchall()[0][0])
    row = cur.execute(sql("ingest.worker_filters"), (worker_id,)).fetchone()
    had = set() if row is None else set(row[0])
    cur.execute(sql("ingest.begin_worker"), (worker_id, sorted(had | wanted)))
    return Begun(known, tuple(sorted(had - wanted)))


def settle_worker(cur: Cursor, worker_id: str, filters: Iterable[str]) -> None:
    """Its session has these filters and no others."""
    cur.execute(sql("ingest.begin_worker"), (worker_id, sorted(set(filters))))


def forget_worker(cur: Cursor, worker_id: str) -> None:
    """The broker holds nothing for this worker id any more."""
    cur.execute(sql("ingest.forget_worker"), (worker_id,))


def last_canary(cur: Cursor, worker_id: str) -> datetime | None:
    """The newest canary of this worker that was committed."""
    row = cur.execute(sql("ingest.worker_canary"), (worker_id,)).fetchone()
    return None if row is None else row[0]


def list_workers(cur: Cursor) -> list[Worker]:
    rows = cur.execute(sql("ingest.workers")).fetchall()
    return [Worker(worker, silent, stopped, tuple(filters)) for worker, silent, stopped, filters in rows]


def end_predecessor(cur: Cursor, pid: int, role: str) -> None:
    """End the server's side of a connection that we gave up, where the server has not noticed yet."""
    cur.execute(sql("ingest.end_predecessor"), (pid, role))


def note_drops(cur: Cursor, broker: str, counter: int) -> int:
    """Note the broker's count of dropped messages; how many it dropped since the last look of any worker."""
    return int(cur.execute(sql("ingest.broker_drops"), (broker, counter)).fetchall()[0][0])
