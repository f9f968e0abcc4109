"""The writer's one connection to the database: opened, locked to the worker id, reopened after an outage."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg

from ingest import metrics
from ingest.failures import IngestError, Stopped, WorkerIdTaken
from store.devices import lock_worker, prepare_session
from store.faults import Fault, classify
from store.postgres import Connection, connect

log = logging.getLogger(__name__)

T = TypeVar("T")

_BACKOFF_S = (0.1, 5.0)


class DatabaseSession:
    """Runs units of work, each again and again through outages. Not for use by two threads at once.

    The advisory lock on the worker id is held by the very session that writes: who cannot take it never
    writes and never connects to the broker, so two processes with one client id cannot throw each other out
    for ever.
    """

    def __init__(
        self, url: str, worker_id: str, stop: threading.Event, *, start_within_s: float, lock_within_s: float
    ) -> None:
        self._url = url
        self._worker_id = worker_id
        self._stop = stop
        self._lock_within_s = lock_within_s
        self._start_by: float | None = time.monotonic() + start_within_s
        self._lock_by: float | None = None
        self._conn: Connection | None = None
        self._hinted = False

    def run(self, work: Callable[[Connection], T]) -> T:
        """The result of `work`, which must be idempotent, tried until the database is there.

        Raises what `work` raises where waiting cannot heal it (`classify`), `WorkerIdTaken`, `IngestError`
        when the database is not there at the start, and `Stopped` when asked to stop while it is away.
        """
        delay = _BACKOFF_S[0]
        while True:
            try:
                if self._conn is None:
                    self._conn = self._open()
                return work(self._conn)
            except psycopg.Error as error:
                fault = classify(error)
                if isinstance(error, psycopg.errors.UndefinedTable):
                    raise IngestError("the database lacks baycast's tables: run `baycast migrate`") from error
                if fault not in (Fault.OUTAGE, Fault.BUSY):
                    raise
                if fault is Fault.OUTAGE:
                    self.close()
                reason = str(error).strip().replace("\n", " ") or type(error).__name__
                if self._start_by is not None and time.monotonic() > self._start_by:
                    raise IngestError(f"cannot use the database: {reason}") from None
            except WorkerIdTaken as taken:
                # A session of ours that died moments ago may hold the lock until the server notices.
                self.close()
                now = time.monotonic()
                self._lock_by = now + self._lock_within_s if self._lock_by is None else self._lock_by
                if now > self._lock_by:
                    raise
                reason = str(taken)
            metrics.DATABASE_RETRIES.inc()
            log.warning("database: %s; trying again", reason)
            if self._stop.wait(delay * random.uniform(0.5, 1.0)):  # noqa: S311 - spreads retries, no secret
                raise Stopped
            delay = min(delay * 2, _BACKOFF_S[1])

    def registry_hinted(self) -> bool:
        """Whether a registry change was announced since the last call; a lost hint only costs time."""
        hinted, self._hinted = self._hinted, False
        return hinted

    def close(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def _open(self) -> Connection:
        try:
            conn = connect(self._url, autocommit=True, role=f"baycast ingest {self._worker_id}")
        except psycopg.ProgrammingError:  # its text may quote the URL, and with it the password
            raise IngestError("database URL: cannot be read; use postgresql://user@host/database") from None
        try:
            conn.add_notify_handler(self._on_notify)
            with conn.cursor() as cur:
                if not lock_worker(cur, self._worker_id):
                    raise WorkerIdTaken(
                        f"another ingest process runs as {self._worker_id!r}; "
                        "stop it, or give this one its own worker id"
                    )
                durable = prepare_session(cur)
        except BaseException:
            conn.close()
            raise
        if not durable:
            log.warning(
                "the database runs without fsync or full_page_writes: a power cut can lose acknowledged data"
            )
        self._start_by = self._lock_by = None
        return conn

    def _on_notify(self, _notify: psycopg.Notify) -> None:
        self._hinted = True
