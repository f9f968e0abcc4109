"""The API is killed under thousands of listeners, and all come back at once: how soon they are served, and with what.

A whole small town: PostgreSQL, engine and API are real processes. While the API is away a vehicle leaves a street, so
whoever comes back has something to be told. PostgreSQL logs every statement of the account that the API uses.
"""

from __future__ import annotations

import json
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from api.config import ApiConfig
from baycast.bench.api import ApiProcess
from baycast.bench.cores import cpu_s
from baycast.bench.fan_out.pair import CrowdProcess
from baycast.bench.fan_out.plan import allow_connections
from baycast.bench.polling.servers import ask
from baycast.bench.town import Town, own_town
from baycast.processes import start_child, stop_child
from baycast.reachability import free_port
from baycast.settings import UsageError, child_environment, variable
from store.postgres import connect

STREETS = 60
ACCOUNT = "baycast_measured"
LISTENERS_MAX = ApiConfig(database_url="").listeners_max
SERVED_WITHIN_S = 120.0
_FOLDED_WITHIN_S = 30.0
_STOP_WITHIN_S = 10.0
_LOG_LAG_S = 0.2
_LOGGED = {"log_line_prefix": "%n %u: ", "log_statement": "all"}
_STATEMENT = re.compile(rf"([\d.]+) {ACCOUNT}: LOG: ")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What GET says of a city."""

    version: str
    as_of: str
    stale: bool
    zones: list[dict[str, Any]]
    rules: dict[str, Any] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """Raises `ValueError` for a plan that measures nothing."""

    clients: int

    def __post_init__(self) -> None:
        if not 10 <= self.clients <= LISTENERS_MAX:
            raise ValueError(f"--clients is from 10 to {LISTENERS_MAX}: an API takes no more")


def measure(plan: Plan, tell: Callable[[str], None]) -> dict[str, float | None]:
    """Figures. Raises `UsageError`."""
    allow_connections(plan.clients)
    with _scene() as scene:
        crowd = CrowdProcess(scene.api.port)
        try:
            tell(f"gathering {plan.clients} clients")
            crowd.gather(plan.clients, within_s=SERVED_WITHIN_S)
            before = scene.snapshot()
            tell("killing the API")
            asked = scene.kill_and_start()
            back = crowd.gather(plan.clients, within_s=SERVED_WITHIN_S, resume=True)
            scene.api.wait_ready()
            statements, span_s = scene.statements()[asked:], time.time()
            span_s -= statements[0]
            api_s = cpu_s(scene.api.pid)
            scene.await_change(before)
            firsts = judged(back["firsts"], before, scene.snapshot())
        finally:
            crowd.end()
        tell("killing the API with nobody there")
        quiet = scene.statements_of_quiet_restart(span_s)
    first_s = back["first_s"]
    return {
        "storm.clients": plan.clients,
        "storm.first_served_s": first_s,
        "storm.served_s": back["took_s"],
        "storm.clients_per_s": plan.clients / max(back["took_s"] - first_s, 1e-3),
        "storm.api_cpu_s": api_s,
        "storm.generator_idle_share": 1 - back["busy_s"] / back["took_s"],
        "storm.resumed": firsts["delta"],
        "storm.snapshots": firsts["snapshot"],
        "storm.wrong": firsts["wrong"],
        "storm.refused": back["refused"],
        "storm.lost": back["lost"],
        "storm.status_5xx": sum(
            times for status, times in back["statuses"].items() if status.startswith("5")
        ),
        "storm.statements": len(statements),
        "storm.statements_quiet": quiet,
        "storm.statements_for_clients": max(0, len(statements) - quiet),
    }


@dataclass(frozen=True, slots=True)
class _Scene:
    """What a storm breaks loose on."""

    town: Town
    api: ApiProcess
    log: Path
    """Of the database."""

    def statements(self) -> list[float]:
        """When the API asked for something (seconds since 1970), ever."""
        told = map(_STATEMENT.match, self.log.read_text(errors="replace").splitlines())
        return [float(found[1]) for found in told if found is not None]

    def snapshot(self) -> Snapshot:
        """What GET says."""
        return Snapshot(**json.loads(ask(self.api.port, "/v1/availability").body))

    def kill_and_start(self) -> int:
        """While it is away a vehicle comes or leaves. Return how many statements the old one has made."""
        self.api.kill()
        self.town.change()
        asked = len(self.statements())
        self.api.start()
        return asked

    def await_change(self, before: Snapshot) -> None:
        """Until the API says what the log has. Raises `UsageError`."""
        deadline = time.monotonic() + _FOLDED_WITHIN_S
        while self.snapshot().zones == before.zones:
            if time.monotonic() > deadline:
                raise UsageError("bench live: the engine did not fold the change")
            time.sleep(0.05)  # asked for over HTTP: the crowd is what we listen with

    def statements_of_quiet_restart(self, for_s: float) -> int:
        """What the API asks within this time from its first statement on after a restart without anybody."""
        asked = self.kill_and_start()
        self.api.wait_ready()
        until = self.statements()[asked] + for_s
        time.sleep(max(0.0, until - time.time()) + _LOG_LAG_S)  # what is counted is what such a time holds
        return sum(at <= until for at in self.statements()[asked:])


def judged(firsts: list[tuple[str | None, str, int]], before: Snapshot, after: Snapshot) -> dict[str, int]:
    """Count first messages by type; wrong are those that leave their listener with what GET never said.

    `firsts`: the version that a listener came with, what it was told, and how many were.
    """
    right = [(one.version, _by_id(one.zones)) for one in (before, after)]
    found = {"delta": 0, "snapshot": 0, "wrong": 0}
    for since, text, times in firsts:
        told = json.loads(text)
        zones = _by_id(told["zones"])
        follows = True
        if told["type"] == "delta":
            follows = since == told["prev"] == before.version
            zones = {**_by_id(before.zones), **zones}
        kind = told["type"] if follows and (told["version"], zones) in right else "wrong"
        found[kind] += times
    return found


def _by_id(zones: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {str(zone["id"]): zone for zone in zones}


@contextmanager
def _scene() -> Iterator[_Scene]:
    with tempfile.TemporaryDirectory(prefix="baycast-bench-") as place:
        folder = Path(place)
        folder.chmod(0o755)  # the database may run as an account of its own
        with own_town(folder, STREETS, _LOGGED) as town, _engine(town.url, folder):
            with connect(town.url, autocommit=True) as conn:
                conn.execute(f"CREATE ROLE {ACCOUNT} SUPERUSER LOGIN".encode())
            parts = urlsplit(town.url)
            url = urlunsplit(parts._replace(netloc=f"{ACCOUNT}@"))
            api = ApiProcess(url, free_port(), folder, {})
            api.start()
            try:
                api.wait_ready()
                yield _Scene(town, api, folder / "postgres.log")
            finally:
                api.stop()


@contextmanager
def _engine(url: str, folder: Path) -> Iterator[None]:
    overrides = {variable("database_url"): url, variable("engine_metrics_port"): "0"}
    with (folder / "engine.log").open("wb") as output:
        command = [sys.executable, "-m", "baycast", "engine"]
        process = start_child(command, output=output, env=child_environment(overrides))
    try:
        yield
    finally:
        stop_child(process, signal.SIGTERM, _STOP_WITHIN_S)
