"""One change to thousands of listeners: the API's own hub and sockets beside a bare loop and two libraries."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from baycast.bench.fan_out.pair import Heard, Pair, pair
from baycast.bench.fan_out.plan import Plan, allow_connections

OURS = "baycast"
OTHERS = ("floor", "websockets", "starlette", "starlette_sansio")
BURST = 20
"""Changes one right after the other."""
_PACE_S = 1.0
_FIRST_BYTES = 600
"""How long the others' messages are until ours is known."""
_IDLE_LEAST = 0.05

Numbers = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class _Round:
    changes: list[Heard]
    burst: Heard
    cpu_us: float
    kib: float

    @property
    def per_s(self) -> float:
        """Deliveries per second from the first byte to the last listener, the median of the changes."""
        return statistics.median(1e3 * one.deliveries / one.last_ms for one in self.changes)


def compare(plan: Plan, tell: Callable[[str], None]) -> tuple[Numbers, Numbers, list[str]]:
    """Figures, ratios and what is to be doubted. Raises `UsageError`."""
    allow_connections(max(plan.clients))
    figures: Numbers = {}
    ratios: dict[str, float] = {}
    notes: list[str] = []
    for clients in plan.clients:
        rounds = _rounds(plan, clients, tell)
        figures |= _figures(clients, rounds)
        ratios |= _ratios(clients, rounds)
        notes += _doubts(clients, rounds)
    return figures, {**ratios, **worst(ratios)}, notes


def worst(ratios: Mapping[str, float]) -> dict[str, float]:
    """Under the plain name the least of each ratio, whatever the number of listeners."""
    found: dict[str, float] = {}
    for name, ratio in ratios.items():
        plain = name.rpartition(".")[0]
        found[plain] = min(ratio, found.get(plain, ratio))
    return found


def _rounds(plan: Plan, clients: int, tell: Callable[[str], None]) -> Mapping[str, list[_Round]]:
    found: defaultdict[str, list[_Round]] = defaultdict(list)
    size = _FIRST_BYTES
    for number in range(1, plan.rounds + 1):
        for kind in (OURS, *OTHERS):
            with pair(kind, size) as both:
                one = _round(plan, clients, both, firsts=kind == OURS)
            size = one.changes[-1].bytes
            found[kind].append(one)
            tell(f"{clients} clients, round {number}: {kind} {one.per_s:,.0f} deliveries a second")
    return found


def _round(plan: Plan, clients: int, both: Pair, *, firsts: bool) -> _Round:
    empty_kib = both.rss_kib()
    both.crowd.gather(clients, firsts=firsts)
    kib = (both.rss_kib() - empty_kib) / clients
    changes, used_s, due = [], 0.0, time.monotonic()
    for _ in range(plan.changes):
        time.sleep(max(0.0, due - time.monotonic()))  # one a second, whatever became of the last
        before_s = both.cpu_s()
        changes.append(both.change())
        used_s += both.cpu_s() - before_s
        due += _PACE_S
    cpu_us = used_s / plan.changes / clients * 1e6
    return _Round(changes, both.burst(BURST), cpu_us, kib)


def _figures(clients: int, rounds: Mapping[str, list[_Round]]) -> Numbers:
    figures: Numbers = {}
    for kind, rows in rounds.items():
        values: dict[str, list[float]] = {
            "per_s": [row.per_s for row in rows],
            "p50_ms": [statistics.median(one.p50_ms for one in row.changes) for row in rows],
            "p99_ms": [statistics.median(one.p99_ms for one in row.changes) for row in rows],
            "cpu_us": [row.cpu_us for row in rows],
            "kib_per_client": [row.kib for row in rows],
            "burst_ms": [row.burst.last_ms for row in rows],
            "burst_deliveries": [row.burst.deliveries for row in rows],
        }
        figures |= {
            f"fanout.{clients}.{kind}.{name}": statistics.median(each) for name, each in values.items()
        }
    every = [one for rows in rounds.values() for row in rows for one in row.changes]
    figures[f"fanout.{clients}.generator_idle_share"] = min(one.idle_share for one in every)
    figures["fanout.bytes"] = every[-1].bytes
    return figures


def _ratios(clients: int, rounds: Mapping[str, list[_Round]]) -> dict[str, float]:
    """Our deliveries per second to theirs, and the same by CPU second: medians of the rounds."""
    ratios: dict[str, float] = {}
    for other in OTHERS:
        both = list(zip(rounds[OURS], rounds[other], strict=True))
        ratios[f"fanout_to_{other}.{clients}"] = statistics.median(a.per_s / b.per_s for a, b in both)
        ratios[f"fanout_to_{other}_by_cpu.{clients}"] = statistics.median(
            b.cpu_us / max(a.cpu_us, 1e-9) for a, b in both
        )
    return ratios


def _doubts(clients: int, rounds: Mapping[str, list[_Round]]) -> list[str]:
    return [
        f"{kind}, {clients} clients: the generator was busy all the time, the server may be faster"
        for kind, rows in rounds.items()
        if min(one.idle_share for row in rows for one in row.changes) < _IDLE_LEAST
    ]
