"""`baycast bench history`: a year of a city, from its log to the answers that a parking manager gets."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from baycast.bench.history_api import ask_for_a_year
from baycast.bench.history_city import AREA, BenchCity, Figures, Tell, Year
from baycast.embedded.outside_postgres import OutsideDatabase
from baycast.embedded.postgres import EmbeddedPostgres
from baycast.garbage import collect_seldom
from baycast.measured import measured
from baycast.reachability import open_database
from occupancy.engine import EngineConfig, recount
from store import bench
from store.migrate import migrate

DATABASE = "baycast_bench_history"


@dataclass(frozen=True, slots=True)
class Plan:
    """Which year, and where its database is: in a folder, or on a server that runs already; kept or not."""

    year: Year
    server: str | None
    keep: Path | None
    recount: bool = True
    """Whether all hours are counted anew from the log, which takes as long as folding it."""

    @property
    def kept(self) -> bool:
        """Whether the database outlives the measurement."""
        return self.keep is not None


def measure(plan: Plan, tell: Tell) -> dict[str, object]:
    """Make the year, or go on with the one that was kept, and measure. Raises `UsageError`, `psycopg.Error`."""
    collect_seldom()
    with _database(plan) as url:
        migrate(url)
        with open_database(url, "baycast bench", statement_timeout_ms=0) as conn:
            city = BenchCity(conn, url, plan.year, tell)
            figures: Figures = {**city.prepare(), **city.standing()}
            figures["differing_cells"] = None
            if plan.recount:
                tell("counting all hours anew from the log")
                found = recount(conn, AREA, EngineConfig(database_url=url).in_bulk())
                figures["differing_cells"] = found.differing
            bench.analyze(conn)
            figures.update(ask_for_a_year(conn, url, plan.year, tell))
    year = plan.year
    return measured("bench history", year.seed, {**figures, "days": year.days, "bays": year.bays})


@contextmanager
def _database(plan: Plan) -> Iterator[str]:
    if plan.server is not None:
        outside = OutsideDatabase(plan.server, DATABASE)
        outside.create_database()
        try:
            yield outside.url()
        finally:
            if not plan.kept:
                outside.stop()
        return
    with tempfile.TemporaryDirectory(prefix="baycast-bench-") as folder:
        Path(folder).chmod(0o755)  # the server may run as an account of its own
        with EmbeddedPostgres((plan.keep or Path(folder)) / "postgres") as postgres:
            postgres.create_database()
            yield postgres.url()
