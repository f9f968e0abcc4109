"""One thread that sees what a hanging thread cannot see of itself.

Time is counted in turns of this thread, not read from a clock: a process that was stopped for an hour (SIGSTOP, a
machine that slept) has not been hanging for an hour.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

log = logging.getLogger(__name__)

TICK_S = 0.25
HANGS_AFTER_S = 60.0
"""Longer than anything that a thread waits for in good order: a resolver, a handshake, a deadline of the database."""
_LAST_WORDS_WITHIN_S = 3


class Guard:
    """What must end, or give a sign of life, within a time; otherwise the watchdog calls `act`, once."""

    def __init__(self, within_s: Callable[[], float], act: Callable[[], None]) -> None:
        self._within_s = within_s
        self._act = act
        self._lock = threading.Lock()
        self._armed = False
        self._turns = 0

    def __enter__(self) -> Self:
        with self._lock:
            self._armed, self._turns = True, 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:  # so that it never acts on what is over
            self._armed = False

    def beat(self) -> None:
        """A sign of life: the time begins anew."""
        self._turns = 0

    def turn(self) -> None:
        """One tick of the watchdog has passed."""
        with self._lock:
            if not self._armed:
                return
            self._turns += 1
            if self._turns * TICK_S > self._within_s():
                self._armed = False
                self._act()


class Watchdog:
    """`start()` before the first guard is entered, `stop()` at the end."""

    def __init__(self) -> None:
        self._guards: list[Guard] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ingest-watchdog", daemon=True)

    def guard(self, within_s: Callable[[], float], act: Callable[[], None]) -> Guard:
        """Something to watch over from now on; `act` must not block or raise."""
        guard = Guard(within_s, act)
        self._guards.append(guard)
        return guard

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(TICK_S):
            for guard in self._guards:
                guard.turn()


def end_process(what: str) -> None:
    """The last resort for a thread that nothing else can end: say which, show where it hangs, and go.

    Nothing is lost by it: what was not acknowledged stays with the broker.
    """
    signal.alarm(_LAST_WORDS_WITHIN_S)  # ends the process, too: what hangs may be whoever reads our log
    log.critical("%s has hung for %.0f s: ending this process", what, HANGS_AFTER_S)
    faulthandler.dump_traceback()
    os._exit(1)
