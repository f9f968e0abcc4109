"""What `bench ingest` measures on: a broker, a database and one ingest in a folder that is removed afterwards."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, cast

import psutil

from baycast.bench.ingest_load import Load
from baycast.embedded.mosquitto import EmbeddedMosquitto
from baycast.embedded.outside_postgres import OutsideDatabase
from baycast.embedded.postgres import EmbeddedPostgres
from baycast.processes import start_child, stop_child
from baycast.reachability import free_port
from baycast.settings import Settings, UsageError, child_environment, variable

Started = subprocess.Popen[bytes]

READY_WITHIN_S = 30.0
_STOP_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class IngestSystem:
    """Where to publish and to look, and whose CPU to count."""

    port: int
    database_url: str
    metrics_url: str
    broker_log: Path
    processes: Mapping[str, psutil.Process]

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds used so far by process, and of ingest by part (`ingest.decode`)."""
        used = {name: sum(map(_cpu_s, _family(process))) for name, process in self.processes.items()}
        prefix = 'baycast_ingest_cpu_seconds_total{part="'
        for line in _lines(self.metrics_url):
            if line.startswith(prefix):
                part, _, value = line.removeprefix(prefix).partition('"} ')
                used[f"ingest.{part}"] = float(value)
        return used


@contextmanager
def ingest_system(settings: Settings, server: str | None = None) -> Iterator[IngestSystem]:
    """Start them on free ports, ingest not connected to anything else. Raises `UsageError`.

    `server` is the URL of a database server that is there already: its CPU is then not counted.
    """
    from store.migrate import migrate

    folder = Path(tempfile.mkdtemp(prefix="baycast-bench-"))
    folder.chmod(0o755)  # the servers may run as an account of their own
    packages = settings.data_dir.resolve() / "packages"
    # Who has subscribed is read from the broker's log: mosquitto_sub does not say it.
    broker = EmbeddedMosquitto(folder / "mosquitto", free_port(), packages, ("log_type subscribe",))
    postgres = EmbeddedPostgres(folder / "postgres") if server is None else OutsideDatabase(server)
    metrics_port = free_port()
    ingest: Started | None = None
    try:
        with (folder / "broker.log").open("wb") as log:
            broker.start(log)
        postgres.start()
        postgres.create_database()
        migrate(postgres.url())
        overrides = {
            variable("database_url"): postgres.url(),
            variable("mqtt_url"): broker.url,
            variable("ingest_metrics_port"): str(metrics_port),
        }
        ingest_log = folder / "ingest.log"
        with ingest_log.open("wb") as log:
            command = [sys.executable, "-m", "baycast", "ingest"]
            ingest = start_child(command, output=log, env=child_environment(overrides))
        processes = {"ingest": ingest, "mosquitto": broker.process, "postgres": postgres.process}
        system = IngestSystem(
            broker.port,
            postgres.url(),
            f"http://127.0.0.1:{metrics_port}/metrics",
            folder / "broker.log",
            {name: psutil.Process(one.pid) for name, one in processes.items() if one is not None},
        )
        _wait_connected(system, ingest, ingest_log)
        yield system
    finally:
        if ingest is not None:
            stop_child(ingest, signal.SIGTERM, _STOP_WITHIN_S)
        broker.stop()
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def publisher(load: Load) -> Iterator[subprocess.Popen[str]]:
    """A publisher with everything encoded, connected and waiting for `go`."""
    with talking("baycast.bench.ingest_load", asdict(load)) as process:
        yield process


def go(process: subprocess.Popen[str]) -> None:
    """Let a publisher begin."""
    stdin = cast(IO[str], process.stdin)
    stdin.write("go\n")
    stdin.flush()


def result(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a publisher did; waits for its end."""
    return dict(json.loads(said(process)))


@contextmanager
def talking(module: str, job: Mapping[str, object]) -> Iterator[subprocess.Popen[str]]:
    """A Python process of ours that has said that it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, json.dumps(job)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=child_environment({}),
    )
    try:
        said(process)
        yield process
    finally:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[str]) -> str:
    """The next line of a process of ours. Raises `UsageError` when it has ended."""
    line = cast(IO[str], process.stdout).readline()
    if not line:
        raise UsageError(f"bench ingest: {process.args!r} ended with status {process.wait()}")
    return line.strip()


def _wait_connected(system: IngestSystem, ingest: Started, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while "baycast_ingest_connected 1.0" not in _lines(system.metrics_url):
        if ingest.poll() is not None or time.monotonic() > deadline:
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise UsageError(f"bench ingest: ingest did not become ready: {' '.join(last)}")
        time.sleep(0.05)  # a metric is asked for: nobody tells


def _lines(url: str) -> list[str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - our own metrics on loopback
            return list(response.read().decode().splitlines())
    except OSError:
        return []


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
