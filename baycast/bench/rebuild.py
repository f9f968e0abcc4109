"""`baycast bench rebuild`: a log of a city's sensors, folded from its beginning into all derived tables."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import psutil

from baycast.embedded.outside_postgres import OutsideDatabase
from baycast.embedded.postgres import EmbeddedPostgres
from baycast.garbage import collect_seldom
from baycast.measured import measured
from baycast.score.city import START
from occupancy.engine import EngineConfig, rebuild
from occupancy.model import AreaId
from store.log import LogEntry, ReadingRow, append, append_entries
from store.migrate import migrate
from store.postgres import Connection, connect

AREA = AreaId("bench")
STREETS, BAYS_EACH = 60, 55
HEARTBEAT_S = 3_600
CHANGE_SHARE = 0.25
LATE_SHARE = 0.01
LATE_BY = timedelta(hours=6)
BATCH = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """How many readings the log holds, whose chance, and on which server (None: one of our own)."""

    readings: int
    seed: int
    server: str | None = None

    def __post_init__(self) -> None:
        if self.readings < BATCH:
            raise ValueError(f"--readings is at least {BATCH}")


def measure(plan: Plan, tell: Callable[[str], None]) -> dict[str, object]:
    """Everything in a database of its own that is removed afterwards. Raises `UsageError` for a server out of reach."""
    with _database(plan) as url:
        migrate(url)
        with connect(url) as conn:
            _fill(conn, plan)
            tell(f"{plan.readings:,} readings are in the log")
            collect_seldom()
            session = psutil.Process(conn.info.backend_pid)
            began, cpu_s, session_s = time.monotonic(), time.process_time(), _cpu_s(session)
            rebuild(conn, AREA, EngineConfig(database_url=url).in_bulk())
            took_s = time.monotonic() - began
            cpu_us = (time.process_time() - cpu_s) / plan.readings * 1e6
            session_us = (_cpu_s(session) - session_s) / plan.readings * 1e6
    return measured("bench rebuild", plan.seed, _figures(plan, took_s, cpu_us, session_us))


@contextmanager
def _database(plan: Plan) -> Iterator[str]:
    """A database of its own: on the server that was named, or on one in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="baycast-bench-") as folder:
        postgres = (
            EmbeddedPostgres(Path(folder) / "postgres")
            if plan.server is None
            else OutsideDatabase(plan.server)
        )
        postgres.start()
        try:
            postgres.create_database()
            yield postgres.url()
        finally:
            postgres.stop()


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _figures(plan: Plan, took_s: float, cpu_us: float, session_us: float) -> Mapping[str, float | None]:
    rss_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "readings_per_s": plan.readings / took_s,
        "rss_max_mib": rss_mib,
        "cpu_us": cpu_us,
        "postgres_cpu_us": session_us,
        "seconds": took_s,
        "readings": plan.readings,
        "bays": STREETS * BAYS_EACH,
    }


def _fill(conn: Connection, plan: Plan) -> None:
    """The registry, then what the sensors said in the order of its arrival, and at last a moment's silence."""
    documents = [LogEntry("registry", f"{kind}/{id}", doc, START, "bench") for kind, id, doc in _documents()]
    with conn.transaction(), conn.cursor() as cur:
        append_entries(cur, AREA, documents, clock="event")
    batch: list[ReadingRow] = []
    for arrived_at, row in _arrivals(plan):
        batch.append(row)
        if len(batch) == BATCH:
            _append(conn, batch, arrived_at)
            batch = []
    _append(conn, batch, arrived_at + LATE_BY)


def _append(conn: Connection, batch: list[ReadingRow], watermark: datetime) -> None:
    with conn.transaction(), conn.cursor() as cur:
        append(cur, batch, {AREA: watermark})


def _arrivals(plan: Plan) -> Iterator[tuple[datetime, ReadingRow]]:
    """Each sensor speaks on average once in three quarters of its heartbeat; some words arrive hours later."""
    random = Random(f"rebuild {plan.seed}")  # noqa: S311 - a load, not a secret
    seq = [0] * (STREETS * BAYS_EACH)
    occupied = [False] * len(seq)
    step = timedelta(seconds=HEARTBEAT_S * (1 - CHANGE_SHARE) / len(seq))
    held: list[tuple[datetime, ReadingRow]] = []
    for number in range(plan.readings):
        at = START + number * step
        bay = random.randrange(len(seq)) if random.random() < CHANGE_SHARE else number % len(seq)
        change = seq[bay] > 0 and random.random() < CHANGE_SHARE
        occupied[bay] ^= change
        seq[bay] += 1
        row = _row(bay, seq[bay], at, occupied[bay], "change" if change else "heartbeat")
        if random.random() < LATE_SHARE:
            held.append((at + LATE_BY, row))
            continue
        while held and held[0][0] <= at:
            yield at, held.pop(0)[1]
        yield at, row
    for _, row in held:
        yield at, row


def _row(bay: int, seq: int, at: datetime, occupied: bool, cause: str) -> ReadingRow:
    return ReadingRow(
        area=AREA,
        device_id=f"s{bay}",
        incarnation=0,
        boot=1,
        seq=seq,
        kind="state",
        at=at,
        age_ms=None,
        received_at=at,
        occupied=occupied,
        cause=cause,
        meaning=1,
        raw=b"{}",
    )


def _documents() -> Iterator[tuple[str, str, dict[str, object]]]:
    own: dict[str, object] = {"area_id": AREA}
    place: dict[str, object] = {"lat": 51.48, "lon": -3.18}
    area: dict[str, object] = {
        "name": {"en": "Bench"},
        "time_zone": "Europe/London",
        "languages": ["en"],
        "clock": "event",
    }
    yield "area", AREA, area
    for street in range(STREETS):
        yield "zone", f"z{street}", {**own, **place, "kind": "street", "name": {"en": f"Street {street}"}}
    for bay in range(STREETS * BAYS_EACH):
        zone = f"z{bay // BAYS_EACH}"
        yield "bay", f"b{bay}", {**own, **place, "zone_id": zone, "bay_type": "standard"}
        yield "sensor", f"s{bay}", {**own, "model": "bench", "expected_heartbeat_s": HEARTBEAT_S}
        yield "binding", f"s{bay}@b{bay}@always", {**own, "device_id": f"s{bay}", "bay_id": f"b{bay}"}
