"""What the judge reads of the engine's pages beyond states and stays: here only, so that new parts plug in here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from occupancy.model import BayId, Overstay, OverstayState, ZoneAvailability
from occupancy.page import Page


@dataclass(slots=True)
class PageView:
    """Collected over all pages of a run, by what was said first: of a stay, of an outage."""

    overstays: dict[tuple[BayId, datetime], Overstay] = field(default_factory=dict)
    """By bay and arrival, rows of any kind."""
    published: dict[tuple[BayId, datetime], Overstay] = field(default_factory=dict)
    outages: dict[tuple[str, datetime], datetime] = field(default_factory=dict)
    """By group and beginning, when the engine first spoke of it."""

    def take(self, page: Page, watermark: datetime) -> None:
        for judged in page.overstays.values():
            for row in judged.overstays:
                key = (row.bay_id, row.arrived_at)
                self.overstays.setdefault(key, row)
                if row.state is OverstayState.PUBLISHED:
                    self.published.setdefault(key, row)
        for outage_key, outage in page.outages.items():
            if outage is not None:
                self.outages.setdefault(outage_key, watermark)


def estimated_free(availability: ZoneAvailability) -> float:
    """The engine's best count of free bays: its labelled estimate where there is one, else those it claims."""
    said = availability.free_estimate
    return float(availability.counts.free if said is None else said)
