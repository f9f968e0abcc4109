"""The nemesis's own book: what it did, and what came of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Damage:
    """What was done, and how long each recovery took."""

    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    recoveries_s: dict[str, list[float]] = field(default_factory=dict)
    missed: Counter[str] = field(default_factory=Counter)
    """Faults that found nothing to break in time, such as a crash point that was not passed."""
    exits: Counter[str] = field(default_factory=Counter)
    """Times that ingest or engine ended by themselves and were started again."""
    rss_start: int = 0
    """Resident memory of ingest when an outage began, bytes; 0: there was none."""
    rss_max: int = 0
    drained_per_s: float = 0.0
    """Of an outage's backlog, beside what came meanwhile."""
