"""The history endpoints of a real API process, asked over HTTP with a key of scope `history:read`."""

from __future__ import annotations

import http.client
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from urllib.parse import urlencode

import psutil

from baycast.bench.history_city import AREA, START, Year
from baycast.processes import start_child, stop_child
from baycast.reachability import free_port
from baycast.settings import UsageError, child_environment, variable
from store import bench, keys
from store.postgres import Connection

REPORTS = ("occupancy", "turnover", "stays", "overstays", "coverage")
ASKED = 20
"""Requests that count, of each report and kind; `WARM` come before them."""
WARM = 2
_READY_WITHIN_S = 60.0
_STOP_WITHIN_S = 10.0
_ANSWER_WITHIN_S = 700.0
_PIECE = 1 << 18
_PAGE = 5_000
_STREAMED = 12
"""Zones of which a year of five minutes is streamed: 1.3 million rows."""


@dataclass(frozen=True, slots=True)
class Api:
    """A running API and the key that it knows."""

    port: int
    secret: str
    process: psutil.Process

    def ask(self, report: str, **parameters: str) -> tuple[float, int]:
        """Milliseconds until the whole answer is there, and its bytes. Raises `UsageError` for a refusal."""
        began = time.perf_counter()
        size = sum(map(len, self.stream(report, **parameters)))
        return 1000 * (time.perf_counter() - began), size

    def stream(self, report: str, **parameters: str) -> Iterator[bytes]:
        """The answer as it comes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_ANSWER_WITHIN_S)
        try:
            path = f"/v1/history/{report}?{urlencode({'area': AREA, **parameters})}"
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.secret}"})
            answer = connection.getresponse()
            if answer.status != 200:
                raise UsageError(
                    f"bench history: {path} was answered with {answer.status}: {answer.read()[:300]!r}"
                )
            while piece := answer.read(_PIECE):
                yield piece
        finally:
            connection.close()

    def rss_mib(self) -> float:
        """Resident memory."""
        return float(self.process.memory_info().rss) / 2**20


@contextmanager
def running_api(conn: Connection, url: str) -> Iterator[Api]:
    """`baycast api` on a free port, with a key made for it. Raises `UsageError` when it does not start."""
    _, secret = keys.create(
        conn,
        label="bench history",
        scopes=[keys.Scope.HISTORY],
        areas=[AREA],
        expires_at=None,
        made_by="bench history",
        made_at=datetime.fromtimestamp(time.time(), UTC),
    )
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="baycast-bench-api-") as folder:
        environment = child_environment(
            {
                variable("database_url"): url,
                variable("http_host"): "127.0.0.1",
                variable("http_port"): str(port),
                variable("data_dir"): folder,
            }
        )
        log = Path(folder) / "api.log"
        with log.open("wb") as output:
            process = start_child([sys.executable, "-m", "baycast", "api"], output=output, env=environment)
        try:
            api = Api(port, secret, psutil.Process(process.pid))
            _wait_ready(api, lambda: process.poll() is not None, log)
            yield api
        finally:
            stop_child(process, signal.SIGTERM, _STOP_WITHIN_S)


def _wait_ready(api: Api, ended: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while not _knows_the_area(api):
        if ended() or time.monotonic() > deadline:
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise UsageError(f"bench history: the API did not become ready: {' '.join(last)}")
        time.sleep(0.05)  # asked for over HTTP: nobody tells


def _knows_the_area(api: Api) -> bool:
    try:
        api.ask("coverage", **{"from": f"{START:%F}", "to": f"{START:%Y-%m-02}"})
    except (OSError, UsageError):
        return False
    return True


def ask_for_a_year(
    conn: Connection, url: str, year: Year, tell: Callable[[str], None]
) -> dict[str, float | None]:
    """The figures of every endpoint, and of the file of five-minute rows. Raises `UsageError`."""
    with conn.transaction(), conn.cursor() as cur:
        zones = bench.zones(cur, AREA)
    dice = Random(f"zones {year.seed}")  # noqa: S311 - a reproducible choice, not a secret
    chosen = [dice.choice(zones) for _ in range(WARM + ASKED)]
    span = {"from": f"{START:%F}", "to": f"{year.end:%F}"}
    hours = {**span, "grain": "1h", "by": "zone"}
    kinds = {
        "zone_year_hour": [{**hours, "zones": zone, "format": "csv"} for zone in chosen],
        "zone_year_hour_page": [{**hours, "zones": zone, "limit": str(_PAGE)} for zone in chosen],
        "area_year_day": [{**span, "grain": "1d", "by": "area"}] * (WARM + ASKED),
    }
    figures: dict[str, float | None] = {}
    with running_api(conn, url) as api:
        for kind, questions in kinds.items():
            tell(f"asking for {kind}")
            figures.update(_asked(api, kind, questions))
        some = zones[:_STREAMED]
        tell(f"streaming a year of five-minute rows of {len(some)} zones")
        streamed = {**span, "grain": "5m", "by": "zone", "zones": ",".join(some), "format": "csv"}
        figures.update(_streamed(api, streamed))
    return figures


def _asked(api: Api, kind: str, questions: Sequence[dict[str, str]]) -> dict[str, float | None]:
    """p95 by report and of the worst, and how long the first ones took."""
    p95s, colds = {}, []
    for report in REPORTS:
        took_ms = [api.ask(report, **question)[0] for question in questions]
        colds.append(max(took_ms[:WARM]))
        p95s[report] = statistics.quantiles(took_ms[WARM:], n=20, method="inclusive")[18]
    return {
        f"{kind}_p95_ms": max(p95s.values()),
        f"{kind}_cold_ms": max(colds),
        **{f"{kind}_p95_ms.{report}": p95 for report, p95 in p95s.items()},
    }


def _streamed(api: Api, question: dict[str, str]) -> dict[str, float | None]:
    before_mib = most_mib = api.rss_mib()
    began, rows = time.monotonic(), -1  # the line of names is none
    for piece in api.stream("occupancy", **question):
        rows += piece.count(b"\n")
        most_mib = max(most_mib, api.rss_mib())
    took_s = time.monotonic() - began
    return {
        "stream_year_growth_mib": most_mib - before_mib,
        "stream_year_rows": rows,
        "stream_year_rows_per_s": rows / took_s,
    }
