"""Work that has its time beside serving: in a thread, with a connection of its own, area by area."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType

from prometheus_client import Counter

from occupancy.model import AreaId
from store import generation
from store.postgres import Connection, connect

Work = Callable[[Connection, AreaId], object]

_log = logging.getLogger("baycast.engine")


class Beside:
    """A thread for as long as the `with` lasts, which asks for every area, each `every_s`, whether there is work.

    What goes wrong in it is logged and counted, and tried again after `again_s`: serving goes on.
    """

    def __init__(
        self, name: str, url: str, work: Work, *, every_s: float, again_s: float, failures: Counter
    ) -> None:
        self._name, self._url, self._work = name, url, work
        self._every_s, self._again_s, self._failures = every_s, again_s, failures
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Beside:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()

    def _run(self) -> None:
        wait_s = self._every_s
        while not self._stop.wait(wait_s):
            try:
                self._look()
            except Exception:  # noqa: BLE001 - whatever it was, serving must not end by it
                self._failures.inc()
                wait_s = self._again_s
                _log.exception("%s failed", self._name, extra={"again_in_s": wait_s})

    def _look(self) -> None:
        with connect(self._url, role=f"baycast engine {self._name}") as conn:
            while True:
                with conn.transaction(), conn.cursor() as cur:
                    areas = list(generation.heads(cur))
                for area in areas:
                    self._work(conn, area)
                if self._stop.wait(self._every_s):
                    return
