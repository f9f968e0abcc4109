"""One listener in ten stops reading: how soon it is let go of, and what the others notice of it.

Runs with and without take turns on one server, so that its memory is seen over all of them.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from api.hub import SLOW
from baycast.bench.fan_out.pair import Pair, pair
from baycast.bench.fan_out.plan import allow_connections
from baycast.settings import UsageError

SHARE = 10
"""One in so many."""
_GONE_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Raises `ValueError` for a plan that measures nothing."""

    clients: int
    runs: int
    seconds: float

    def __post_init__(self) -> None:
        if not (SHARE <= self.clients <= 50_000 and 1 <= self.runs <= 100 and 2 <= self.seconds <= 3600):
            raise ValueError(
                "--clients is from 10 to 50000, --rounds from 1 to 100, --seconds from 2 to 3600"
            )


@dataclass(slots=True)
class _Seen:
    p99_ms: list[float] = field(default_factory=list)
    """Of each run without, or with."""
    cpu_share: list[float] = field(default_factory=list)


def measure(
    plan: Plan, tell: Callable[[str], None]
) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """Figures and ratios. Raises `UsageError`."""
    allow_connections(plan.clients)
    without, beside = _Seen(), _Seen()
    waits_s: list[float] = []
    codes: list[int | None] = []
    rss_mib: list[float] = []
    with pair("baycast", 0) as both:
        for number in range(1, plan.runs + 1):
            both.crowd.gather(plan.clients)
            _run(plan, both, without, rss_mib)
            waits, ended_with = _stalled_run(plan, both, beside, rss_mib)
            waits_s += waits
            codes += ended_with
            tell(
                f"run {number}: p99 {without.p99_ms[-1]:.0f} ms without, {beside.p99_ms[-1]:.0f} ms beside;"
                f" the last let go of after {max(waits):.1f} s"
            )
    quarter = max(1, len(rss_mib) // 4)
    figures: dict[str, float | None] = {
        "stalled.clients": plan.clients,
        "stalled.evicted": len(waits_s),
        "stalled.evicted_with_4008": codes.count(SLOW),
        "stalled.evicted_p50_s": statistics.median(waits_s),
        "stalled.evicted_worst_s": max(waits_s),
        "stalled.p99_without_ms": statistics.median(without.p99_ms),
        "stalled.p99_beside_ms": statistics.median(beside.p99_ms),
        "stalled.cpu_share_without": statistics.median(without.cpu_share),
        "stalled.cpu_share_beside": statistics.median(beside.cpu_share),
        "stalled.seconds": len(rss_mib),
        "stalled.rss_first_mib": statistics.median(rss_mib[:quarter]),
        "stalled.rss_last_mib": statistics.median(rss_mib[-quarter:]),
        "stalled.rss_max_mib": max(rss_mib),
    }
    pairs = zip(without.p99_ms, beside.p99_ms, strict=True)
    return figures, {"stalled_p99": statistics.median(with_ms / ms for ms, with_ms in pairs)}


def _run(plan: Plan, both: Pair, seen: _Seen, rss_mib: list[float]) -> None:
    """A change a second; the p99 of a run is the median of its changes'."""
    found = []
    before_s, began = both.cpu_s(), time.monotonic()
    for second in range(round(plan.seconds)):
        time.sleep(max(0.0, began + second - time.monotonic()))  # one a second, whatever became of the last
        found.append(both.change().p99_ms)
        rss_mib.append(both.rss_kib() / 1024)
    seen.p99_ms.append(statistics.median(found))
    seen.cpu_share.append((both.cpu_s() - before_s) / (time.monotonic() - began))


def _stalled_run(
    plan: Plan, both: Pair, seen: _Seen, rss_mib: list[float]
) -> tuple[list[float], list[int | None]]:
    """The same with one in ten stalled; how long each was waited for in seconds, and with which code it was ended."""
    told = both.crowd.order("stall", count=plan.clients // SHARE)
    _run(plan, both, seen, rss_mib)
    stalled, deadline = set(told["stalled"]), time.monotonic() + _GONE_WITHIN_S
    while True:
        gone = [one for one in both.crowd.order("gone")["gone"] if one[0] in stalled]
        if len(gone) == len(stalled):
            return [at - told["at"] for _, at, _ in gone], [code for _, _, code in gone]
        if time.monotonic() > deadline:
            missing = len(stalled) - len(gone)
            raise UsageError(f"bench live: {missing} that do not read were not let go of within a minute")
        both.change()  # the server goes on telling
        time.sleep(0.2)  # paces the changes that fill what is not read
