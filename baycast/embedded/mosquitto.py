"""The embedded MQTT broker: mosquitto as a child process, configured by the file in `deploy/`.

`mosquitto_install` says where the program comes from.
"""

import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from baycast.embedded.mosquitto_install import find_or_install
from baycast.embedded.service_account import account_for, hand_over, owned_folder
from baycast.processes import start_child, stop_child
from baycast.settings import UsageError

SHARED_CONFIG = Path(__file__).resolve().parents[2] / "deploy" / "mosquitto" / "mosquitto.conf"
START_TIMEOUT_S = 10.0
_POLL_S = 0.01
"""Mosquitto does not tell when it listens."""


@dataclass(slots=True)
class EmbeddedMosquitto:
    """A broker on 127.0.0.1:`port` that keeps its sessions in `folder`; open to all on this machine."""

    folder: Path
    port: int
    packages: Path  # where a mosquitto without root is unpacked to; may be shared by several brokers
    extra_config: tuple[str, ...] = ()
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The broker, None when it was never started or was stopped."""
        return self._process

    def start(self, output: IO[bytes] | int = subprocess.DEVNULL) -> None:
        """Start, wait until it takes connections; its log goes to `output`. UsageError if it cannot run."""
        program = find_or_install(self.packages)
        self.folder = self.folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        account = account_for(self.folder)
        owned_folder(self.folder, account)
        config = self.folder / "mosquitto.conf"
        config.write_text(self._config(), encoding="utf-8")
        hand_over(config, account)
        self._process = start_child(
            [*program.command, "-c", config],
            account=account,
            death_signal=signal.SIGTERM,
            output=output,
            cwd=Path("/"),
            env=program.env,
        )
        self._wait_ready(self._process)

    def stop(self, grace_s: float = 4.0) -> None:
        """Clean shutdown: sessions and queues are saved."""
        if self._process is not None:
            stop_child(self._process, signal.SIGTERM, grace_s)
            self._process = None

    def kill(self) -> None:
        """As a crash would end it: nothing is saved any more."""
        if self._process is not None:
            stop_child(self._process, signal.SIGKILL, 4.0)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _config(self) -> str:
        if not SHARED_CONFIG.exists():
            raise UsageError(
                f"{SHARED_CONFIG} is missing; run baycast from its source tree or set BAYCAST_MQTT_URL"
            )
        added = [
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous true",
            f"persistence_location {self.folder}/",
            *self.extra_config,
        ]
        return SHARED_CONFIG.read_text(encoding="utf-8") + "\n" + "\n".join(added) + "\n"

    def _wait_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if process.poll() is not None:
                self._process = None
                raise UsageError(
                    f"the embedded mosquitto ended with status {process.returncode}"
                    f" (is port {self.port} taken?): see its log"
                )
            with socket.socket() as probe:
                probe.settimeout(1.0)
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(_POLL_S)
        self.stop()
        raise UsageError(
            f"the embedded mosquitto did not listen on port {self.port} within {START_TIMEOUT_S:.0f} s"
        )
