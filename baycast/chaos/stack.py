"""Everything under attack, in a folder of its own: servers, proxies and roles as child processes of this one.

Call it from the main thread only: the kernel ends the children when the thread that started them ends.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from urllib.parse import parse_qs, unquote, urlsplit

from baycast.chaos import city
from baycast.chaos.compressor import Compressor
from baycast.chaos.ingest_process import CRASH_VARIABLE
from baycast.chaos.proxy import FaultProxy
from baycast.chaos.schedule import Profile
from baycast.chaos.stream import StreamPlan
from baycast.embedded.mosquitto import EmbeddedMosquitto
from baycast.embedded.outside_postgres import OutsideDatabase, through
from baycast.embedded.postgres import EmbeddedPostgres
from baycast.processes import kill_child, start_child, stop_child
from baycast.reachability import free_port
from baycast.settings import child_environment, variable
from store.migrate import migrate
from store.postgres import connect
from store.registry import Change, apply

_QUEUE = ("max_queued_messages 0", "max_queued_bytes 4294967296")
_DURABLE = ("autosave_interval 1", "autosave_on_changes true")
_STOP_WITHIN_S = 12.0

Child = subprocess.Popen[bytes]


def utc_now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


class Stack:
    """Database and broker; ingest, behind a proxy to each where a fault needs that; the engine, at the database."""

    def __init__(self, folder: Path, profile: Profile, *, packages: Path, server: str | None) -> None:
        self.folder = folder
        self._profile = profile
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.postgres: EmbeddedPostgres | OutsideDatabase = (
            EmbeddedPostgres(folder / "postgres", settings={"max_wal_size": "2GB"})
            if server is None
            else OutsideDatabase(server)
        )
        self.compressor: Compressor | None = None
        extra = (*_QUEUE, *(_DURABLE if profile.durable_broker else ()))
        self.broker = EmbeddedMosquitto(folder / "mosquitto", free_port(), packages, extra)
        self.db_proxy: FaultProxy
        self.mqtt_proxy: FaultProxy
        self.ingest: Child | None = None
        self.engine: Child | None = None
        self.publisher: Child | None = None

    @property
    def database_url(self) -> str:
        """The database itself, past the proxy: for the engine and for us."""
        return self.postgres.url()

    def start(self) -> None:
        """Servers, schema, registry and proxies; no roles yet. Raises `UsageError`."""
        with self._log("postgres") as log:
            self.postgres.start(log)
        self.postgres.create_database()
        migrate(self.database_url)
        late = self._profile.compresses
        self._register(
            document
            for document in city.documents(self._profile.devices)
            if not (late and city.lot_of(document) is not None)
        )
        if self._profile.compresses:
            self.compressor = Compressor(self.database_url)
            self.compressor.start()
        with self._log("mosquitto") as log:
            self.broker.start(log)
        self.db_proxy = FaultProxy("database", socket_of(self.database_url))
        self.db_proxy.start()
        self.mqtt_proxy = FaultProxy("broker", self.broker.port)
        self.mqtt_proxy.start()

    def register_late(self, lot: int) -> None:
        """One more lot of the sensors that were left out."""
        self._register(one for one in city.documents(self._profile.devices) if city.lot_of(one) == lot)

    def _register(self, documents: Iterable[city.Document]) -> None:
        changes = [Change(kind, id, doc) for kind, id, doc in documents]
        with connect(self.database_url, role="baycast chaos") as conn:
            apply(conn, changes, entered_by="baycast chaos", entered_at=utc_now())

    def start_postgres(self) -> None:
        with self._log("postgres") as log:
            self.postgres.start(log)

    def start_broker(self) -> None:
        with self._log("mosquitto") as log:
            self.broker.start(log)

    def start_ingest(self, crash_point: str | None = None) -> None:
        proxied = self._profile.breaks_network
        url = self.database_url
        env = {
            variable("database_url"): through(url, self.db_proxy.port) if proxied else url,
            variable("mqtt_url"): f"mqtt://127.0.0.1:{self.mqtt_proxy.port if proxied else self.broker.port}",
            variable("data_dir"): str(self.folder),
            CRASH_VARIABLE: crash_point or "",
        }
        self.ingest = self._role("ingest", "baycast.chaos.ingest_process", env=env)

    def start_engine(self) -> None:
        env = {variable("database_url"): self.database_url, variable("engine_metrics_port"): "0"}
        self.engine = self._role("engine", "baycast", "engine", env=env)

    def start_publisher(self, plan: StreamPlan) -> None:
        given = {
            "host": "127.0.0.1",
            "port": self.broker.port,
            "rate": self._profile.rate,
            "again_s": self._profile.again_s,
            "folder": str(self.folder),
            "plan": asdict(plan),
        }
        self.publisher = self._role("publisher", "baycast.chaos.publisher", json.dumps(given), env={})

    def stop_roles(self) -> None:
        """SIGTERM, as an orderly end."""
        for child in (self.publisher, self.ingest, self.engine):
            if child is not None:
                stop_child(child, signal.SIGTERM, _STOP_WITHIN_S)
        self.publisher = self.ingest = self.engine = None

    def close(self) -> None:
        """End everything, whatever state it is in."""
        for child in (self.publisher, self.ingest, self.engine):
            if child is not None:
                kill_child(child)
        for proxy in (getattr(self, "db_proxy", None), getattr(self, "mqtt_proxy", None)):
            if proxy is not None:
                proxy.stop()
        if self.compressor is not None:
            self.compressor.stop()
        self.broker.kill()
        self.postgres.stop()

    def _role(self, name: str, module: str, *arguments: str, env: Mapping[str, str]) -> Child:
        with self._log(name) as log:
            return start_child(
                [sys.executable, "-m", module, *arguments],
                output=log,
                death_signal=signal.SIGKILL,
                env=child_environment(env),
            )

    def _log(self, name: str) -> IO[bytes]:
        return (self.logs / f"{name}.log").open("ab")


def eventually(
    done: Callable[[], bool], within_s: float, meanwhile: Callable[[], None] = lambda: None
) -> bool:
    """Wait until something is true; False when it did not become so in time."""
    deadline = time.monotonic() + within_s
    while not done():
        if time.monotonic() > deadline:
            return False
        meanwhile()
        time.sleep(0.02)  # what is waited for are other processes, which do not tell
    return True


def last_line(path: Path) -> str:
    """Of a log: usually the reason why its writer ended."""
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def socket_of(url: str) -> int | Path:
    """Port or socket of the server."""
    port = urlsplit(url).port
    return port or Path(unquote(parse_qs(urlsplit(url).query)["host"][0])) / ".s.PGSQL.5432"
