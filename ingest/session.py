"""The writer's one connection to the database: opened, locked to the worker id, reopened after an outage."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import psycopg

from ingest import metrics
from ingest.failures import IngestError, Stopped, WorkerIdTaken
from ingest.watchdog import HANGS_AFTER_S, Guard, Watchdog, end_process
from store.devices import lock_worker, prepare_session
from store.faults import Fault, classify
from store.postgres import Connection, connect
from store.workers import end_predecessor, last_canary

log = logging.getLogger(__name__)

T = TypeVar("T")

_BACKOFF_S = (0.1, 5.0)
UNIT_WITHIN_S = 15.0
"""A unit of work that takes longer is cut off: a server that does not answer at all, or a network that swallows
everything, would otherwise be waited for without end. Statements and waits for locks the server ends before."""
_STOPPING_UNIT_WITHIN_S = 3.0


class _Holder:
    """Who has our lock: the remains of a session that died, or a process at work? Its canaries tell."""

    def __init__(self) -> None:
        self._seen: set[datetime | None] = set()

    def look(self, canary: datetime | None) -> None:
        self._seen.add(canary)

    @property
    def works(self) -> bool:
        """It committed twice while we waited; once might be the last word of a dying one."""
        return len(self._seen) > 2


class DatabaseSession:
    """Runs units of work, each again and again through outages. Not for use by two threads at once.

    The advisory lock on the worker id is held by the very session that writes: who cannot take it never
    writes and never connects to the broker, so two processes with one client id cannot throw each other out
    for ever.
    """

    def __init__(
        self,
        url: str,
        worker_id: str,
        stop: threading.Event,
        watchdog: Watchdog,
        *,
        start_within_s: float,
        lock_within_s: float,
        unit_within_s: float = UNIT_WITHIN_S,
    ) -> None:
        self._url = url
        self._worker_id = worker_id
        self._role = f"baycast ingest {worker_id}"
        self._unit_within_s = unit_within_s
        self._deadline = watchdog.guard(self._unit_limit_s, self._cut)
        self.alive: Guard = watchdog.guard(lambda: HANGS_AFTER_S, lambda: end_process("the writer"))
        """Beaten with every attempt, so that waiting for a database is not taken for hanging."""
        self._stop = stop
        self._lock_within_s = lock_within_s
        self._start_by: float | None = time.monotonic() + start_within_s
        self._lock_by: float | None = None
        self._holder = _Holder()
        self._conn: Connection | None = None
        self._predecessor: int | None = None
        self._hinted = False

    def run(self, work: Callable[[Connection], T]) -> T:
        """The result of `work`, which must be idempotent, tried until the database is there.

        Raises what `work` raises where waiting cannot heal it (`classify`), `WorkerIdTaken`, `IngestError`
        when the database is not there at the start, and `Stopped` when asked to stop while it is away.
        """
        delay = _BACKOFF_S[0]
        while True:
            self.alive.beat()
            try:
                conn = self._open() if self._conn is None else self._conn
                with self._deadline:
                    return work(conn)
            except psycopg.Error as error:
                fault = classify(error)
                if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
                    raise IngestError("the database lacks baycast's tables: run `baycast migrate`") from error
                if isinstance(error, psycopg.errors.InsufficientPrivilege):
                    raise IngestError(f"the database refuses: {error.diag.message_primary}") from error
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
                # Our own predecessor's lock falls with it, however long its server takes to notice.
                if self._holder.works or (now > self._lock_by and self._predecessor is None):
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

    def _unit_limit_s(self) -> float:
        return (
            min(self._unit_within_s, _STOPPING_UNIT_WITHIN_S) if self._stop.is_set() else self._unit_within_s
        )

    def _cut(self) -> None:
        """From the watchdog's thread: end the wait for a server that does not answer; the unit fails as an outage."""
        conn = self._conn
        if conn is None:
            return
        log.error("the database did not answer within %.0f s: cutting the connection", self._unit_limit_s())
        metrics.DATABASE_CUTS.inc()
        # A copy of the descriptor: shutting it down reaches the connection, closing it leaves psycopg's alone.
        with (
            contextlib.suppress(OSError, psycopg.Error),  # it ended by itself meanwhile
            socket.socket(fileno=os.dup(conn.fileno())) as sock,
        ):
            sock.shutdown(socket.SHUT_RDWR)

    def _open(self) -> Connection:
        try:
            conn = connect(self._url, autocommit=True, role=self._role)
        except psycopg.ProgrammingError:  # its text may quote the URL, and with it the password
            raise IngestError("database URL: cannot be read; use postgresql://user@host/database") from None
        self._conn = conn
        try:
            with self._deadline:
                durable = self._claim(conn)
        except BaseException:
            self.close()  # a session without the lock never works
            raise
        if not durable:
            log.warning(
                "the database runs without fsync or full_page_writes: a power cut can lose acknowledged data"
            )
        self._start_by = self._lock_by = None
        self._holder = _Holder()
        return conn

    def _claim(self, conn: Connection) -> bool:
        """Take the worker's lock and prepare the session; whether COMMIT means on disk. Raises `WorkerIdTaken`."""
        conn.add_notify_handler(self._on_notify)
        with conn.cursor() as cur:
            if not lock_worker(cur, self._worker_id):
                if self._predecessor is not None:
                    # Our own session of before: we cut it, or the network did, and its server has not noticed.
                    end_predecessor(cur, self._predecessor, self._role)
                self._holder.look(last_canary(cur, self._worker_id))
                raise WorkerIdTaken(
                    f"another ingest process runs as {self._worker_id!r}; "
                    "stop it, or give this one its own worker id"
                )
            durable = prepare_session(cur)
        self._predecessor = conn.info.backend_pid
        return durable

    def _on_notify(self, _notify: psycopg.Notify) -> None:
        self._hinted = True
