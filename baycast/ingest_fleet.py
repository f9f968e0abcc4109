"""Several ingest workers on one machine: N processes that share the feed, and the sessions of those that are no more.

Worker 1 has the worker id of the settings, as a single one has; worker k has it with `-k`. So going from one to several
and back goes on with the same session, and a worker id of this family above N is one whose session must be drained.
"""

from __future__ import annotations

import re
import sys
import threading
import time

from baycast.settings import Settings, UsageError, child_environment, variable
from baycast.supervisor import Role, keep_running

DEFAULT_GROUP = "baycast"
PORT_STEP = 10
"""Between the metrics ports of two workers, so that none meets the other roles' ports."""
STOP_WITHIN_S = 9.0
_DATABASE_WITHIN_S = 15.0
_POLL_S = 0.1
_ID_LENGTH = 32


def worker_name(base: str, number: int) -> str:
    """The worker id of worker `number`, which counts from 1."""
    return base if number == 1 else f"{base}-{number}"


def metrics_port(settings: Settings, number: int) -> int:
    """The metrics port of worker `number`; 0: off."""
    return settings.ingest_metrics_port and settings.ingest_metrics_port + PORT_STEP * (number - 1)


def metrics_ports(settings: Settings) -> list[int]:
    """The metrics ports of all workers of the settings; empty when they are off."""
    ports = (metrics_port(settings, number) for number in range(1, settings.ingest_workers + 1))
    return [port for port in ports if port]


def check(settings: Settings, workers: int) -> None:
    """UsageError where so many workers cannot have names and ports."""
    if len(last := worker_name(settings.worker_id, workers)) > _ID_LENGTH:
        raise UsageError(f"{variable('worker_id')}: {last!r} is longer than {_ID_LENGTH} characters")
    if metrics_port(settings, workers) > 65535:
        raise UsageError(f"{variable('ingest_metrics_port')}: no room for the ports of {workers} workers")


def retired(settings: Settings, workers: int, stop: threading.Event) -> list[str]:
    """Worker ids of this family beyond `workers`: their sessions may hold messages, and are dealt more.

    Waits for the database as a worker does at its start. UsageError when it is not there.
    """
    from baycast.reachability import open_database, refusals_in_words
    from baycast.wiring import database_url
    from store.workers import list_workers

    url = database_url(settings)
    family = re.compile(re.escape(settings.worker_id) + r"-([2-9]|[1-9][0-9]+)")
    deadline = time.monotonic() + _DATABASE_WITHIN_S
    while True:
        try:
            conn = open_database(url, "baycast ingest")
            break
        except UsageError:
            if time.monotonic() > deadline or stop.wait(_POLL_S):
                raise
    with conn, refusals_in_words("ingest"):
        known = [worker.worker_id for worker in list_workers(conn.cursor())]
    found = [(int(match[1]), name) for name in known if (match := family.fullmatch(name))]
    return [name for number, name in sorted(found) if number > workers]


def run_fleet(settings: Settings, workers: int, gone: list[str], stop: threading.Event) -> int:
    """Keep `workers` workers running until `stop`, and drain the sessions of those `gone`; the exit status."""
    roles = [_worker(settings, workers, number) for number in range(1, workers + 1)]
    roles += [_drain(name) for name in gone]
    keep_running(roles, stop, of="ingest: worker", stop_within_s=STOP_WITHIN_S)
    return 0


def _worker(settings: Settings, workers: int, number: int) -> Role:
    name = worker_name(settings.worker_id, number)
    group = settings.ingest_shared_group or (DEFAULT_GROUP if workers > 1 else "")
    changes = {
        variable("worker_id"): name,
        variable("ingest_shared_group"): group,
        variable("ingest_metrics_port"): str(metrics_port(settings, number)),
    }
    return _role(name, changes, "--workers", "1", "--no-drain", must_start=True)


def _drain(name: str) -> Role:
    return _role(name, {}, "--drain", name, once=True)


def _role(
    name: str, changes: dict[str, str], *arguments: str, once: bool = False, must_start: bool = False
) -> Role:
    command = (sys.executable, "-m", "baycast", "ingest", *arguments)
    return Role(name, command, child_environment(changes), once=once, must_start=must_start)
