"""The public answer for one zone, as the HTTP snapshot, the feed and the retained MQTT documents give it.

Pure, JSON-ready, and the only place where a zone's availability becomes an answer: a driver must read the
same numbers on every road.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from occupancy.drivers import usable, usable_estimate
from occupancy.model import Counts, Group, Source, Zone, ZoneAvailability, aware


def instant(at: datetime | None) -> str | None:
    """Return an aware time as RFC 3339 in UTC with `Z` (L7), None for None."""
    return None if at is None else aware(at, "at").astimezone(UTC).isoformat().replace("+00:00", "Z")


def counts_answer(counts: Counts) -> dict[str, int]:
    """Return the five numbers that always add up (L4)."""
    return {
        "capacity": counts.capacity,
        "free": counts.free,
        "occupied": counts.occupied,
        "unknown": counts.unknown,
        "closed": counts.closed,
    }


def bay_types(groups: Iterable[Group]) -> dict[str, dict[str, int]]:
    """Return the counts by physical bay type, in a stable order."""
    sums: dict[str, Counts] = {}
    for group in groups:
        sums[group.bay_type.value] = sums.get(group.bay_type.value, Counts()) + group.counts
    return {bay_type: counts_answer(sums[bay_type]) for bay_type in sorted(sums)}


def zone_answer(
    zone: Zone, availability: ZoneAvailability, driver: str = "general", stay_min: int | None = None
) -> dict[str, object]:
    """Return one element of the snapshot's `zones`; `usable` is for `driver` staying `stay_min` min (L12)."""
    return {
        "id": zone.zone_id,
        "name": {"en": zone.name.en, "cy": zone.name.cy or zone.name.en},
        "area": zone.area_id,
        "kind": zone.kind.value,
        "lat": zone.lat,
        "lon": zone.lon,
        **counts_answer(availability.counts),
        "free_min": availability.free_min,
        "free_max": availability.free_max,
        "usable": counts_answer(usable(availability.groups, driver, stay_min)),
        "estimated_free": _estimated(availability, driver, stay_min),
        "as_of": instant(availability.as_of),
        "source": availability.source.value,
        "confidence": round(availability.confidence, 4),
        "coverage": round(availability.coverage, 4),
        "by_bay_type": bay_types(availability.groups),
    }


def _estimated(availability: ZoneAvailability, driver: str, stay_min: int | None) -> dict[str, object] | None:
    """What may be free with those not known; None where all is known, or nothing can be said of them (L5)."""
    if availability.counts.unknown == 0:
        return None
    free, own = availability.free_estimate, usable_estimate(availability.groups, driver, stay_min)
    if free is None and own is None:
        return None
    return {
        "free": free,
        "usable": own,
        "source": Source.ESTIMATE.value,
    }
