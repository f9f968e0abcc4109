"""What the judge reads of the engine's pages beyond states and stays: here only, so that new parts plug in here.

Each is None for as long as the engine does not say it: the figure is then null, and no guess.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from occupancy.model import BayState, OverstayState, ZoneAvailability
from occupancy.page import Page


@dataclass(slots=True)
class PageView:
    """Collected over all pages of a run. `overstays` are by (bay, arrival); `outages` are the first times said."""

    overstays: dict[tuple[str, datetime], Any] | None = None
    outages: list[datetime] | None = None
    _seen: set[object] = field(default_factory=set)

    def take(self, page: Page, watermark: datetime) -> None:
        self.overstays = self.overstays or {}
        for judged in page.overstays.values():
            for row in judged.overstays:
                if row.state is OverstayState.PUBLISHED:
                    self.overstays.setdefault((row.bay_id, row.arrived_at), row)
        self.outages = self.outages or []
        for key, outage in page.outages.items():
            if outage is not None and key not in self._seen:
                self._seen.add(key)
                self.outages.append(watermark)


def is_suspect(state: BayState) -> bool | None:
    """Whether the engine suspects the bay's sensor; None: it does not say."""
    said = getattr(state, "suspect", None)
    if said is None and state.reason.startswith("suspect"):
        return True
    return said


def estimated_free(availability: ZoneAvailability) -> float:
    """The engine's best count of free bays: its labelled estimate where there is one, else those it claims."""
    said = getattr(availability, "free_estimate", None)
    return float(availability.counts.free if said is None else said)
