"""The API processes: they share a port, and each can be killed, or asked to end, and is started again at once."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

from baycast.chaos.stack import Child, eventually, last_line
from baycast.processes import kill_child, start_child, stop_child
from baycast.reachability import free_port
from baycast.settings import child_environment, variable

_STOP_WITHIN_S = 12.0
_ORDERLY = (0, -signal.SIGTERM)
"""uvicorn, once it is done, dies of the signal that asked it to end."""


class Servers:
    """Call it from the main thread only: the kernel ends the children when the thread that started them ends."""

    def __init__(self, database_url: str, logs: Path, number: int) -> None:
        self.port = free_port()
        self._database_url = database_url
        self._logs = logs
        self._running: list[Child | None] = [None] * number
        self.exits = 0
        """Times that one ended by itself, or an orderly end was none."""

    def start(self) -> None:
        for which in range(len(self._running)):
            self._start(which)

    def kill(self, which: int) -> None:
        """kill -9, and start it again."""
        process = self._running[which]
        if process is not None:
            self._count_exit(process)
            kill_child(process)
        self._start(which)

    def restart(self, which: int) -> None:
        """SIGTERM, wait for its end, and start it again."""
        process = self._running[which]
        if process is not None:
            self._count_exit(process)
            self.exits += stop_child(process, signal.SIGTERM, _STOP_WITHIN_S) not in _ORDERLY
        self._start(which)

    def all_serve(self, within_s: float, meanwhile: Callable[[], None]) -> bool:
        """Wait until every process accepts connections; False when one does not in time."""
        return eventually(self._serving, within_s, meanwhile)

    def reason(self) -> str:
        """The last words of the first process: all are started alike."""
        return last_line(self._logs / "api-0.log")

    def close(self) -> None:
        for process in self._running:
            if process is not None:
                kill_child(process)

    def _start(self, which: int) -> None:
        changes = {
            variable("database_url"): self._database_url,
            variable("http_host"): "127.0.0.1",
            variable("http_port"): str(self.port),
            variable("api_metrics_port"): "0",
        }
        with (self._logs / f"api-{which}.log").open("ab") as log:
            self._running[which] = start_child(
                [sys.executable, "-m", "baycast", "api", "--workers", "1", "--shared-port"],
                output=log,
                death_signal=signal.SIGKILL,
                env=child_environment(changes),
            )

    def _count_exit(self, process: Child) -> None:
        self.exits += process.poll() is not None

    def _serving(self) -> bool:
        for which, process in enumerate(self._running):
            if process is None or process.poll() is not None:
                self.exits += 1
                self._start(which)
                return False
        return all(process is not None and self._listens(process.pid) for process in self._running)

    def _listens(self, pid: int) -> bool:
        with contextlib.suppress(psutil.Error):
            opened = psutil.Process(pid).net_connections("tcp")
            return any(one.status == "LISTEN" and one.laddr.port == self.port for one in opened)
        return False
