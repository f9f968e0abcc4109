"""A real `baycast api` process for a benchmark, on a port of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from baycast.processes import start_child, stop_child
from baycast.settings import UsageError, child_environment, variable

HOST = "127.0.0.1"
_READY_WITHIN_S = 60.0
_STOP_WITHIN_S = 10.0


class ApiProcess:
    """`baycast api`; to be started, killed and started again."""

    def __init__(self, database_url: str, port: int, folder: Path, more: Mapping[str, str]) -> None:
        """`more` are further settings by name; the log goes into `folder`."""
        self.port = port
        self._folder = folder
        settings = {
            "database_url": database_url,
            "http_host": HOST,
            "http_port": str(port),
            "data_dir": str(folder),
            **more,
        }
        self._environment = child_environment({variable(name): value for name, value in settings.items()})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None, "start() first"  # noqa: S101 - a slip of the caller
        return self._process.pid

    def start(self) -> None:
        """Start it without waiting."""
        with (self._folder / "api.log").open("ab") as output:
            command = [sys.executable, "-m", "baycast", "api"]
            self._process = start_child(command, output=output, env=self._environment)

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Ask it to end."""
        if self._process is not None:
            stop_child(self._process, signal.SIGTERM, _STOP_WITHIN_S)

    def wait_ready(self) -> None:
        """Raises `UsageError` when it does not become ready."""
        deadline = time.monotonic() + _READY_WITHIN_S
        while True:
            try:
                with urlopen(f"http://{HOST}:{self.port}/readyz", timeout=2):
                    return
            except (URLError, OSError):
                pass
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                last = (self._folder / "api.log").read_text(errors="replace").strip().splitlines()[-1:]
                raise UsageError(f"the measured API did not become ready: {' '.join(last)}")
            time.sleep(0.05)  # readiness is asked for over HTTP: nobody tells
