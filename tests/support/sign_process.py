"""`baycast sign` as a child, read line by line."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

WAIT_S = 20.0


class SignProcess:
    """A line per change of what it shows."""

    def __init__(self, sign_id: str, *arguments: str, **settings: str) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "baycast", "sign", sign_id, *arguments],
            env={**os.environ, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._child.stdout is not None
        with self._child.stdout as lines:
            for line in lines:
                self._lines.put(line.rstrip("\n"))

    def line(self, within_s: float = WAIT_S) -> str:
        """Return the next line. Raises `queue.Empty`."""
        return self._lines.get(timeout=within_s)

    def until(self, line: str) -> None:
        """Read up to this line."""
        while self.line() != line:
            pass

    def stop(self) -> tuple[int, str]:
        """The exit status and what it said about faults."""
        self._child.send_signal(signal.SIGTERM)
        code = self._child.wait(WAIT_S)
        self._reader.join(WAIT_S)
        assert self._child.stderr is not None
        with self._child.stderr as said:
            return code, said.read()


@contextmanager
def sign_process(sign_id: str, *arguments: str, **settings: str) -> Iterator[SignProcess]:
    """Run one for the time of the block; it ends well."""
    process = SignProcess(sign_id, *arguments, **settings)
    try:
        yield process
    finally:
        code, _ = process.stop()
    assert code == 0
