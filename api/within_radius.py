"""What may be expected of all zones within a radius together. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from occupancy.forecast.nearby import alike_within, any_of
from occupancy.model import Source

_WEAKEST = (Source.PRIOR.value, Source.TYPICAL.value, Source.FORECAST.value)


def within_radius(zones: Sequence[Mapping[str, Any]]) -> dict[str, object]:
    """Return the chance of a usable free bay in any of the zones, by their distances and what each of them is told."""
    told = [(zone["forecast"], zone["distance_m"]) for zone in zones if zone["forecast"] is not None]
    known = [(one, distance_m) for one, distance_m in told if one["p_any"] is not None]
    usable = [(one, distance_m) for one, distance_m in known if one["usable_capacity"]]
    chances = [one["p_any"] for one, _ in usable]
    sources = {one["source"] for one, _ in usable}
    return {
        "p_any": round(any_of(chances, alike_within([distance_m for _, distance_m in usable])), 3)
        if known
        else None,
        "zones": len(usable),
        "zones_not_known": len(told) - len(known),
        "source": next((source for source in _WEAKEST if source in sources), Source.PRIOR.value),
    }
