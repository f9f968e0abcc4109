"""How an engine works, and the version of what it computes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from occupancy.retention import KEEP_ALL, Retention

ENGINE_VERSION = "15"
"""Recorded with each generation; raise it when the same log would give other rows: the engine then rebuilds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    database_url: str
    positions_per_page: int = 500
    readings_per_page: int = 4_000
    """A page's readings at most (about): what is in memory at once, in one transaction, and in one area's turn."""
    patient: bool = False
    """Whether the database waits minutes for a page to be folded, as it must for large ones."""
    poll_s: float = 1.0
    """A lost notification costs this much latency, never data."""
    forget_every_s: float = 3600.0
    """How often vehicle tokens past the longest stay are looked for."""
    learn_every_s: float = 60.0
    """How often it is asked whether a civil day has closed that something can be learnt from."""
    retain_every_s: float = 600.0
    """How often it is asked whether a day has passed since what is too old was dropped."""
    beside_again_s: float = 600.0
    """After one of these failed."""
    final_after_h: float = 48.0
    """How long after its end an hour of history becomes a record."""
    retention: Retention = KEEP_ALL
    """How long what is kept: for ever, unless it is told."""

    def in_bulk(self) -> EngineConfig:
        """For a rebuild, which nobody waits for: pages so large that rows which change often are written seldom."""
        return replace(self, positions_per_page=50_000, readings_per_page=200_000, patient=True)
