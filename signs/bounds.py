"""What is known, at least and at most, of the bays that the drivers a sign speaks to may use (L6, L12).

A zone's `free_min..free_max` bound the zone; a sign speaks to some of its drivers. What the zone's bounds
say is read as three limits on the hidden truth, per zone:

* at most `doubt = free - free_min` bays counted free are really taken;
* at most `drift = max(0, free_max - free - unknown)` bays counted occupied are really free (car parks
  drift; a street's sensors miss departures);
* any unknown bay may be free, but never more than `free_max` bays in all.

The worst of that may fall on this sign's bays alone, so nothing is shared out in proportion. The property
tests hold these bounds against every hidden truth within the limits, and show that they are tight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from occupancy.drivers import usable
from occupancy.model import Counts, Source, ZoneAvailability

LIVE_SOURCES = frozenset({Source.SENSOR, Source.COUNT})
"""A sign never shows a modelled number as live (L5): any other source is no evidence here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Bays the sign's drivers may use: how many exist, how many are open, and bounds of the free."""

    capacity: int
    open: int
    free_min: int
    free_max: int
    all_closed: bool
    """Whether every bay there is, for whomever, is closed (and there is at least one)."""


def _bounds(availability: ZoneAvailability, counts: Counts) -> tuple[int, int]:
    """Return the least and the most of `counts` that can be free, in one zone."""
    if availability.source not in LIVE_SOURCES:
        return 0, counts.capacity - counts.closed
    zone = availability.counts
    doubt = zone.free - availability.free_min
    drift = max(0, availability.free_max - zone.free - zone.unknown)
    # Where free bays of other drivers are doubtful, as many more of ours fit under the zone's free_max.
    headroom = availability.free_max - zone.free + min(doubt, zone.free - counts.free)
    more = min(counts.occupied + counts.unknown, counts.unknown + drift, headroom)
    return max(0, counts.free - doubt), counts.free + more


def known(zones: Sequence[ZoneAvailability], driver: str) -> Known:
    """Return what is known over the zones together, for a driver arriving now, for however long."""
    total = sum((zone.counts for zone in zones), Counts())
    capacity = closed = free_min = free_max = 0
    for zone in zones:
        counts = usable(zone.groups, driver)
        least, most = _bounds(zone, counts)
        capacity += counts.capacity
        closed += counts.closed
        free_min += least
        free_max += most
    return Known(
        capacity=capacity,
        open=capacity - closed,
        free_min=free_min,
        free_max=free_max,
        all_closed=total.all_closed,
    )
