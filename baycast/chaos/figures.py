"""The figures of a run (docs/benchmarks.md)."""

from __future__ import annotations

from baycast.chaos.auditor import Verdict
from baycast.chaos.damage import Damage
from baycast.chaos.finding import Kind
from baycast.chaos.schedule import CRASH_POINTS

_INGEST = ("ingest_random", *(f"ingest_{point}" for point in CRASH_POINTS.values()), "ingest_mid_ack")


def figures_of(verdict: Verdict, damage: Damage) -> dict[str, float]:
    """What was sent, found and done."""
    figures: dict[str, float] = dict(verdict.figures)
    figures |= {"kills": sum(damage.kills.values()), "hash_equal": int(not verdict.figures[Kind.UNEQUAL])}
    for name in (*_INGEST, "engine", "database", "database_session", "broker"):
        figures[f"kills.{name}"] = damage.kills[name]
    figures["kills.ingest"] = sum(damage.kills[name] for name in _INGEST)
    figures["faults"] = sum(damage.faults.values())
    figures["faults_missed"] = sum(damage.missed.values())
    for fault, times in sorted(damage.recoveries_s.items()):
        figures[f"recovery_worst_s.{fault}"] = max(times)
    figures["recovery_worst_s"] = max((max(t) for t in damage.recoveries_s.values()), default=0.0)
    figures |= {f"exits.{name}": damage.exits[name] for name in ("ingest", "engine")}
    figures["ingest_rss_max_mib"] = damage.rss_max / 2**20
    if damage.rss_start:
        figures["ingest_rss_growth_mib"] = (damage.rss_max - damage.rss_start) / 2**20
    if damage.drained_per_s:
        figures["drained_per_s"] = damage.drained_per_s
    return figures
