"""How much of a flooding source is kept: its first messages each hour, then a count and a sample (L1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from store.quarantine import Overflowed, Refused

_SOURCES_OVER_SOURCE_CAP = 20
"""All sources together may keep this many times what one may: random topics are a flood, too."""


def source_of(topic: str) -> str:
    """Who answers for a topic: the device, gateway or area in it. Anything else is one source together."""
    parts = topic.split("/", 4)
    if len(parts) >= 4 and parts[0] == "baycast" and parts[2] in ("dev", "gw", "area"):
        return f"{parts[2]}/{parts[3]}"[:128]
    return "other"


@dataclass(slots=True)
class FloodGate:
    """Counts per source and hour, in memory: a restart renews the allowance, which only keeps more."""

    per_source: int
    _hour: datetime | None = None
    _kept: dict[str, int] = field(default_factory=dict)
    _kept_together: int = 0

    def admit(self, refused: Refused, source: str) -> Refused | Overflowed:
        """The message itself while its source has allowance left this hour, else what is left of it."""
        hour = refused.received_at.replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            self._hour, self._kept, self._kept_together = hour, {}, 0
        kept = self._kept.get(source, 0)
        full = self._kept_together >= self.per_source * _SOURCES_OVER_SOURCE_CAP
        if full or kept >= self.per_source:
            # Sources that have nothing kept are counted as one, or their number would be without bound (L8).
            name = source if kept else "all"
            return Overflowed(source=name, hour=hour, reason=refused.reason, sample=refused.payload)
        self._kept[source] = kept + 1
        self._kept_together += 1
        return refused
