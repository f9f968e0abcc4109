"""What the agent must not forget: passages until the broker has them, in SQLite, synced to disk by every commit.

It holds tokens and never plates (L10), is bounded (L8), and survives kill -9: what was taken is there, once.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path

MOST_WAITING = 100_000
_KEYS_KEPT_S = 2 * 86_400
_SCHEMA = """
CREATE TABLE IF NOT EXISTS life (boot INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS device (device_id TEXT PRIMARY KEY, seq INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS taken (event_key TEXT PRIMARY KEY, taken_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS taken_by_time ON taken (taken_at);
CREATE TABLE IF NOT EXISTS waiting (number INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS inside (token TEXT PRIMARY KEY, day TEXT NOT NULL);
"""


class BufferFullError(RuntimeError):
    """The broker has been away for so long that no more fits: the camera must keep its event."""


class Buffer:
    """Usable from any thread, one at a time. `now_s`: seconds since 1970, to begin a new file's boot count above any
    that a lost file had."""

    def __init__(self, path: Path, now_s: float) -> None:
        path.touch(mode=0o600)
        path.chmod(0o600)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # With the write-ahead log a commit syncs once, not three times: a camera waits for that.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA secure_delete = ON")  # a token that has gone is not left in a free page
        self._db.executescript(_SCHEMA)
        row = self._db.execute("SELECT max(boot) FROM life").fetchone()
        self.boot = int(row[0]) + 1 if row[0] is not None else int(now_s) // 60
        self._db.execute("DELETE FROM life")
        self._db.execute("INSERT INTO life VALUES (?)", (self.boot,))

    def take(
        self,
        event_key: str | None,
        device_id: str,
        now_s: float,
        message: Callable[[int, int], tuple[str, bytes]],
        inside: tuple[str, date | None] | None = None,
    ) -> bool:
        """Keep a message, made from its boot and seq, on disk when this returns. False: this event was taken before.

        `inside`: a token that is inside from now on, or (None) no longer. Raises `BufferFullError`, `sqlite3.Error`.
        """
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                taken = self._take(event_key, device_id, now_s, message, inside)
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            return taken

    def was_taken(self, event_key: str) -> bool:
        with self._lock:
            return self._known(event_key)

    def waiting(self, most: int) -> list[tuple[int, str, bytes]]:
        """The oldest messages that the broker has not acknowledged: (number, topic, body)."""
        with self._lock:
            return self._db.execute(
                "SELECT number, topic, body FROM waiting ORDER BY number LIMIT ?", (most,)
            ).fetchall()

    def delivered(self, up_to: int) -> None:
        """The broker has everything up to this number."""
        with self._lock:
            self._db.execute("DELETE FROM waiting WHERE number <= ?", (up_to,))

    def load_inside(self) -> dict[str, date]:
        """Tokens of vehicles that have not left, oldest first."""
        with self._lock:
            rows = self._db.execute("SELECT token, day FROM inside ORDER BY rowid").fetchall()
        return {token: date.fromisoformat(day) for token, day in rows}

    def forget_before(self, day: date) -> None:
        """Tokens of keys that are destroyed go with them."""
        with self._lock:
            self._db.execute("DELETE FROM inside WHERE day < ?", (day.isoformat(),))
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # nor in the write-ahead log

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _known(self, event_key: str) -> bool:
        return (
            self._db.execute("SELECT 1 FROM taken WHERE event_key = ?", (event_key,)).fetchone() is not None
        )

    def _take(
        self,
        event_key: str | None,
        device_id: str,
        now_s: float,
        message: Callable[[int, int], tuple[str, bytes]],
        inside: tuple[str, date | None] | None,
    ) -> bool:
        db = self._db
        if event_key is not None:
            if self._known(event_key):
                return False
            db.execute("DELETE FROM taken WHERE taken_at < ?", (now_s - _KEYS_KEPT_S,))
            db.execute("INSERT INTO taken VALUES (?, ?)", (event_key, now_s))
        first, last = db.execute("SELECT min(number), max(number) FROM waiting").fetchone()
        if first is not None and last - first + 1 >= MOST_WAITING:
            raise BufferFullError
        row = db.execute(
            "INSERT INTO device VALUES (?, 1) ON CONFLICT (device_id) DO UPDATE SET seq = seq + 1 RETURNING seq",
            (device_id,),
        ).fetchone()
        db.execute("INSERT INTO waiting (topic, body) VALUES (?, ?)", message(self.boot, int(row[0])))
        if inside is not None:
            token, day = inside
            db.execute("DELETE FROM inside WHERE token = ?", (token,))
            if day is not None:
                db.execute("INSERT INTO inside VALUES (?, ?)", (token, day.isoformat()))
        return True
