"""The public answer for one zone, as the HTTP snapshot, the feed and the retained MQTT documents give it.

Pure, JSON-ready, and the only place where a zone's availability becomes an answer: a driver must read the
same numbers on every road.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from occupancy.drivers import ANYBODY, Asker, Usable, usable_by
from occupancy.model import Counts, Group, Source, Terms, Zone, ZoneAvailability, aware
from occupancy.whole_stay import Visit


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
    zone: Zone, availability: ZoneAvailability, asker: Asker = ANYBODY, visit: Visit | None = None
) -> dict[str, object]:
    """Return one element of the snapshot's `zones`; `usable` is for the asker's visit, None: for now (L12)."""
    own = usable_by(zone, availability, asker, visit)
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
        "usable": {**counts_answer(own.counts), "status": own.status.value},
        "estimated_free": _estimated(availability, own),
        "as_of": instant(availability.as_of),
        "source": availability.source.value,
        "confidence": round(availability.confidence, 4),
        "coverage": round(availability.coverage, 4),
        "by_bay_type": bay_types(availability.groups),
        "rules_in_force": _named(availability.groups, lambda terms: terms.rules_in_force),
        "overrides_in_force": _named(availability.groups, lambda terms: terms.overrides_in_force),
    }


def _named(groups: Iterable[Group], ids: Callable[[Terms], tuple[str, ...]]) -> list[str]:
    """The rules, or overrides, that hold for some of the bays now."""
    return sorted({id for group in groups if group.terms is not None for id in ids(group.terms)})


def _estimated(availability: ZoneAvailability, own: Usable) -> dict[str, object] | None:
    """What may be free with those not known; None where all is known, or nothing can be said of them (L5)."""
    if availability.counts.unknown == 0:
        return None
    free, usable = availability.free_estimate, own.estimate
    if free is None and usable is None:
        return None
    return {
        "free": free,
        "usable": usable,
        "source": Source.ESTIMATE.value,
    }
