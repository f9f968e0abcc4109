"""Snapshots per second from one API process, beside nginx with the same bytes and a tutorial's FastAPI route.

One after the other is asked by the same generator, over and over; ratios are taken within a round.
"""

from __future__ import annotations

import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from baycast.bench.api import ApiProcess
from baycast.bench.cores import SERVER, cpu_s, pin
from baycast.bench.polling.crowd import Job
from baycast.bench.polling.generators import Generator, generator_of
from baycast.bench.polling.servers import Server, ask, cache, find_nginx, nginx, tutorial
from baycast.bench.system import AREA
from baycast.bench.town import own_town
from baycast.measured import measured
from baycast.reachability import free_port
from baycast.settings import UsageError

BODY_BYTES = 9_500
PATH = "/v1/availability"
_STREETS = 60
_OURS = "baycast"
_IDLE_LEAST = 0.05
"""Idle share of the generator below which it may be that which was measured."""
_BUSY_LEAST = 0.8
"""Busy share of a server below which its rate tells of the machine rather than of it."""
SHIPPED_CACHE = Path(__file__).parents[2] / "deploy" / "nginx" / "baycast.conf"
NO_NGINX = "nginx is not installed (Debian: apt install nginx-light): nothing is compared with it"


@dataclass(frozen=True, slots=True)
class Plan:
    """How often each server is asked for how long, by how many connections."""

    rounds: int
    seconds: float
    connections: int
    generator: str | None = None

    def __post_init__(self) -> None:
        if not (1 <= self.rounds <= 100 and 1 <= self.seconds <= 600 and 1 <= self.connections <= 1000):
            raise ValueError(
                "--rounds is from 1 to 100, --seconds from 1 to 600, --connections from 1 to 1000"
            )


@dataclass(frozen=True, slots=True)
class _Measured:
    per_s: float
    cpu_us: float
    wrong: int
    idle_share: float
    busy_share: float


_Rounds = Mapping[tuple[str, int], list[_Measured]]
"""By server and status, one after the other."""


def measure(plan: Plan, tell: Callable[[str], None]) -> dict[str, object]:
    """Everything in a folder of its own that is removed afterwards. Raises `UsageError`."""
    name, generator, missing = generator_of(plan.generator)
    notes = [] if missing is None else [missing]
    with tempfile.TemporaryDirectory(prefix="baycast-bench-") as place, ExitStack() as stack:
        folder = Path(place)
        folder.chmod(0o755)  # the servers may run as accounts of their own
        ours = stack.enter_context(_api(folder))
        target = _target(ours.port)
        body = ask(ours.port, target).body
        servers = [ours, stack.enter_context(tutorial(folder, PATH, body))]
        binary = find_nginx()
        if binary is None:
            notes.append(NO_NGINX)
        else:
            servers.append(stack.enter_context(nginx(binary, folder, PATH, body)))
            if SHIPPED_CACHE.exists():
                servers.append(stack.enter_context(cache(binary, folder, SHIPPED_CACHE, ours.port, target)))
            else:
                notes.append(f"{SHIPPED_CACHE} is not there: the shipped cache is not measured")
        for server in servers:
            pin(server.pid, SERVER)
        rounds = _in_rounds(plan, servers, target, body, generator, tell)
    figures, ratios = _figures(rounds), _ratios(rounds)
    figures |= {"body_bytes": len(body), "connections": plan.connections, "rounds": plan.rounds}
    notes += _doubts(rounds)
    more = {"notes": notes} if notes else {}
    return measured("bench poll", None, figures, ratios, generator=name, **more)


@contextmanager
def _api(folder: Path) -> Iterator[Server]:
    with own_town(folder, _STREETS) as town:
        api = ApiProcess(town.url, free_port(), folder, {})
        api.start()
        try:
            api.wait_ready()
            yield Server(_OURS, api.port, api.pid)
        finally:
            api.stop()


def _target(port: int) -> str:
    """As many streets as make a body of about the size that is compared, from the south on."""
    whole = f"{PATH}?area={AREA}"
    streets = BODY_BYTES * _STREETS // len(ask(port, whole).body)
    # Streets lie a thousandth of a degree apart (`bench.system.documents`).
    return f"{whole}&bbox=-4,51,-3,{51.4 + (streets - 0.5) / 1000:.4f}"


def _in_rounds(
    plan: Plan,
    servers: list[Server],
    target: str,
    body: bytes,
    generator: Generator,
    tell: Callable[[str], None],
) -> _Rounds:
    found: defaultdict[tuple[str, int], list[_Measured]] = defaultdict(list)
    jobs = [(server, _job(plan, server, target, body, status)) for server in servers for status in (200, 304)]
    for number in range(1, plan.rounds + 1):
        for server, job in jobs:
            before_s = cpu_s(server.pid)
            load = generator(job)
            used_s = cpu_s(server.pid) - before_s
            cpu_us = used_s / max(load.per_s * job.seconds, 1.0) * 1e6
            found[server.name, job.status].append(
                _Measured(load.per_s, cpu_us, load.wrong, load.idle_share, used_s / job.seconds)
            )
            tell(f"round {number}: {server.name} {job.status}: {load.per_s:,.0f} a second")
    return found


def _job(plan: Plan, server: Server, target: str, body: bytes, status: int) -> Job:
    """One that is answered as meant: seen once before it is measured. Raises `UsageError`."""
    first = ask(server.port, target)
    tag = first.tag if status == 304 else None
    again = ask(server.port, target, tag)
    if first.body != body or again.status != status:
        raise UsageError(f"bench poll: {server.name} answers {again.status} or other bytes")
    return Job(server.port, target, tag, status, plan.connections, plan.seconds)


def _figures(rounds: _Rounds) -> dict[str, float | None]:
    figures: dict[str, float | None] = {}
    for (server, status), rows in rounds.items():
        figures[f"{server}.{status}_per_s"] = statistics.median(row.per_s for row in rows)
        figures[f"{server}.{status}_cpu_us"] = statistics.median(row.cpu_us for row in rows)
    every = [row for rows in rounds.values() for row in rows]
    figures["wrong"] = sum(row.wrong for row in every)
    figures["generator_idle_share"] = min(row.idle_share for row in every)
    figures["server_busy_share"] = min(row.busy_share for row in every)
    return figures


def _doubts(rounds: _Rounds) -> list[str]:
    """What is not to be believed of the rates, and why."""
    found = []
    for (server, status), rows in rounds.items():
        if min(row.idle_share for row in rows) < _IDLE_LEAST:
            found.append(f"{server} {status}: the generator was busy all the time, the server may be faster")
        if (busy := min(row.busy_share for row in rows)) < _BUSY_LEAST:
            found.append(
                f"{server} {status}: had its core for {busy:.0%} of the time, others the rest: see ..._by_cpu"
            )
    return found


def _ratios(rounds: _Rounds) -> dict[str, float | None]:
    """Requests per second of one server to those of another, and the same by CPU second: medians of the rounds."""
    ratios: dict[str, float | None] = {}
    pairs = {
        "to_nginx_200": (_OURS, "nginx", 200),
        "to_nginx_304": (_OURS, "nginx", 304),
        "to_fastapi_bytes": (_OURS, "fastapi_bytes", 200),
        "cached_to_nginx_200": ("cached", "nginx", 200),
        "cached_to_nginx_304": ("cached", "nginx", 304),
    }
    for name, (one, other, status) in pairs.items():
        if (one, status) not in rounds or (other, status) not in rounds:
            continue
        both = list(zip(rounds[one, status], rounds[other, status], strict=True))
        ratios[name] = statistics.median(a.per_s / b.per_s for a, b in both)
        ratios[f"{name}_by_cpu"] = statistics.median(b.cpu_us / a.cpu_us for a, b in both)
    return ratios
