"""Holds a fast publisher back until ingest has stored what was sent, so that the broker's queue stays short
(L8).

What ingest has committed shows in the area's watermark, which follows the area's own clock messages. An area
whose watermark is already past the replayed time (the same file again) cannot be watched that way: then
nothing is held back.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime

from simulator.replay import Replayed
from store.postgres import Connection
from store.queries import sql

WINDOW_ROWS = 5_000
"""Rows that may be on their way between the publisher and the database."""

_LOOK_EVERY_S = 0.05
_STUCK_AFTER_S = 30.0


class IngestBrake:
    """Call it after each clock message of a replay. `say` is told when ingest seems not to run."""

    def __init__(
        self, conn: Connection, area_id: str, stop: threading.Event, say: Callable[[str], None]
    ) -> None:
        self._conn = conn
        self._area_id = area_id
        self._stop = stop
        self._say = say
        self._sent: deque[tuple[int, datetime]] = deque()
        self._checked_rows = 0

    def __call__(self, done: Replayed) -> None:
        """Return when at most `WINDOW_ROWS` rows are on their way, or when stopped."""
        if done.clock_at is None:
            return
        self._sent.append((done.rows, done.clock_at))
        if done.rows - self._checked_rows < WINDOW_ROWS // 4:
            return
        self._checked_rows = done.rows
        due: datetime | None = None
        while self._sent and self._sent[0][0] <= done.rows - WINDOW_ROWS:
            due = self._sent.popleft()[1]
        if due is not None:
            self._wait(due, give_up=False)

    def wait_stored(self, done: Replayed) -> bool:
        """Wait until all that was sent is stored. False: stopped, or ingest has made no progress for 30 s."""
        return done.clock_at is None or self._wait(done.clock_at, give_up=True)

    def _wait(self, due: datetime, *, give_up: bool) -> bool:
        seen: datetime | None = None
        since = time.monotonic()
        told = False
        while not self._stop.is_set():
            watermark = self._watermark()
            if watermark is not None and watermark >= due:
                return True
            if watermark != seen:
                seen, since = watermark, time.monotonic()
            elif time.monotonic() - since > _STUCK_AFTER_S:
                if not told:
                    self._say("ingest has stored nothing for 30 s: does it run, on this broker and database?")
                    told = True
                if give_up:
                    return False
            self._stop.wait(_LOOK_EVERY_S)
        return False

    def _watermark(self) -> datetime | None:
        with self._conn.transaction(), self._conn.cursor() as cur:
            cur.execute(sql("log.heads"))
            found: dict[str, datetime | None] = {row[0]: row[2] for row in cur.fetchall()}
        return found.get(self._area_id)
