"""Moves the area: appends readings and watermarks to the log as `ingest` does, through the same door of the store."""

from __future__ import annotations

import random
import threading
from itertools import count

from baycast.chaos import city
from baycast.chaos.stack import utc_now
from store.log import ReadingRow, append
from store.postgres import Connection, connect

_EVERY_S = 0.1
_READINGS_MOST = 4


class Hand:
    """A thread. The first of the log are a word of every sensor; then some turn over, ten times a second."""

    def __init__(self, url: str, sensors: int, seed: int) -> None:
        self._url = url
        self._dice = random.Random(seed)  # noqa: S311 - a reproducible choice, not a secret
        self._occupied = dict.fromkeys(range(sensors), False)
        self._seq = count()
        self._quiet = threading.Event()
        self._stop = threading.Event()
        self._fault: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="hand")
        self.readings = 0

    def start(self) -> None:
        self._thread.start()

    def hush(self) -> None:
        """No more readings; the watermark goes on, for an area without one grows old."""
        self._quiet.set()

    def stop(self) -> None:
        """Raises what ended it before its time: an area that stands still shows nothing."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self._fault is not None:
            raise self._fault

    def _run(self) -> None:
        try:
            self._move()
        except Exception as fault:  # noqa: BLE001 - raised where the hand is stopped
            self._fault = fault

    def _move(self) -> None:
        with connect(self._url, role="baycast chaos") as conn:
            self._append(conn, list(self._occupied))
            while not self._stop.wait(_EVERY_S):
                some = 0 if self._quiet.is_set() else self._dice.randint(1, _READINGS_MOST)
                turned = self._dice.sample(sorted(self._occupied), some)
                for number in turned:
                    self._occupied[number] = not self._occupied[number]
                self._append(conn, turned)

    def _append(self, conn: Connection, sensors: list[int]) -> None:
        now = utc_now()
        rows = [
            ReadingRow(
                area=city.AREA,
                device_id=city.sensor_id(number),
                incarnation=0,
                boot=1,
                seq=next(self._seq),
                kind="state",
                at=now,
                age_ms=None,
                received_at=now,
                occupied=self._occupied[number],
                cause="change",
                meaning=1,
                raw=b"{}",
            )
            for number in sensors
        ]
        with conn.transaction(), conn.cursor() as cur:
            append(cur, rows, {city.AREA: now})
        self.readings += len(rows)
