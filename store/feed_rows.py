"""Rows of the derived tables and of the registry as domain objects, which they become in `store` only."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import msgspec

from occupancy.model import (
    BayId,
    BayState,
    BayType,
    Counts,
    DeviceId,
    Group,
    Source,
    State,
    Terms,
    Zone,
    ZoneAvailability,
    ZoneId,
    ZoneKind,
)
from occupancy.overrides import KIND as OVERRIDE
from occupancy.registry import KINDS, Registry, RegistryError

_log = logging.getLogger("baycast.feed")


class _GroupRow(msgspec.Struct):
    bay_type: BayType
    access: list[str]
    max_stay_min: int | None
    free: int
    occupied: int
    unknown: int
    closed: int
    suspended: bool = False
    terms: Terms | None = None


_groups_of = msgspec.json.Decoder(list[_GroupRow]).decode


def registry_of(rows: Iterable[Any]) -> Registry:
    """Build one area's registry, overrides included. A document that does not parse is named and left out (L11)."""
    registry = Registry()
    order = (*KINDS, OVERRIDE)
    for row in sorted(rows, key=lambda row: order.index(row["kind"])):
        doc = msgspec.json.decode(row["doc"])
        try:
            if row["kind"] == OVERRIDE:
                registry.put_override(row["id"], doc)
            else:
                registry.put(row["kind"], row["id"], doc)
        except RegistryError as problem:
            _log.warning("registry document left out: %s", problem)
    return registry


def unobserved(registry: Registry, zone: Zone) -> ZoneAvailability:
    """Return the answer for a zone that the engine has not spoken of yet: everything unknown (L4)."""
    tally: dict[BayType, int] = {}
    for bay in registry.bays_by_zone.get(zone.zone_id, ()):
        tally[bay.bay_type] = tally.get(bay.bay_type, 0) + 1
    source = Source.SENSOR
    if zone.kind is ZoneKind.CAR_PARK and zone.capacity is not None:
        source = Source.COUNT
        tally = {BayType.STANDARD: zone.capacity}
    groups = tuple(
        # Nobody is named as admitted: who may park is the engine's word, and it has not come yet (L12).
        Group(bay_type=bay_type, access=frozenset(), counts=Counts(unknown=number))
        for bay_type, number in sorted(tally.items())
    )
    capacity = sum(tally.values())
    return ZoneAvailability(
        zone_id=zone.zone_id,
        groups=groups,
        free_min=0,
        free_max=capacity,
        as_of=None,
        source=source,
        confidence=0.0,
        coverage=0.0,
        counts=Counts(unknown=capacity),
    )


def _counts(row: Any) -> Counts:
    return Counts(free=row["free"], occupied=row["occupied"], unknown=row["unknown"], closed=row["closed"])


def availability_of(row: Any) -> ZoneAvailability:
    return ZoneAvailability(
        zone_id=ZoneId(row["zone_id"]),
        groups=tuple(
            Group(
                bay_type=group.bay_type,
                access=frozenset(group.access),
                counts=Counts(
                    free=group.free, occupied=group.occupied, unknown=group.unknown, closed=group.closed
                ),
                max_stay_min=group.max_stay_min,
                suspended=group.suspended,
                terms=group.terms,
            )
            for group in _groups_of(row["groups"])
        ),
        free_min=row["free_min"],
        free_max=row["free_max"],
        as_of=row["as_of"],
        source=Source(row["source"]),
        confidence=row["confidence"],
        coverage=row["coverage"],
        counts=_counts(row),
    )


def bay_state_of(row: Any) -> BayState:
    return BayState(
        bay_id=BayId(row["bay_id"]),
        state=State(row["state"]),
        since=row["since"],
        as_of=row["as_of"],
        confidence=row["confidence"],
        reason=row["reason"],
        device_id=None if row["device_id"] is None else DeviceId(row["device_id"]),
    )
