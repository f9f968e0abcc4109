"""Which bays make up each place of an area, and how many of them are in service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from occupancy.car_park import scheduled_capacity
from occupancy.forecast.issue import Place
from occupancy.forecast.kinds import Kind, kind_of_bays
from occupancy.forecast.panel import Ints
from occupancy.model import Bay, BayType, Zone, ZoneKind
from occupancy.registry import Registry
from occupancy.spans import FOREVER, Span


@dataclass(frozen=True, slots=True)
class Members:
    """What a place is made of; a car park has no bays of its own here."""

    place: Place
    zone: Zone
    kind: Kind
    bays: tuple[Bay, ...] = ()


def members_of(registry: Registry) -> tuple[Members, ...]:
    """Every place of an area, in order."""
    found = []
    for zone in registry.zones.values():
        if zone.kind is ZoneKind.CAR_PARK:
            found.append(Members(Place(zone.zone_id), zone, Kind.CAR_PARK))
            continue
        alike: dict[tuple[BayType, tuple[str, ...]], list[Bay]] = {}
        for bay in registry.bays_by_zone.get(zone.zone_id, ()):
            alike.setdefault((bay.bay_type, bay.rule_ids), []).append(bay)
        for (bay_type, rule_ids), bays in alike.items():
            place, kind = Place(zone.zone_id, bay_type, rule_ids), kind_of_terms(registry, bay_type, rule_ids)
            found.append(Members(place, zone, kind, tuple(bays)))
    return tuple(sorted(found, key=lambda members: members.place))


def kind_of_terms(registry: Registry, bay_type: BayType, rule_ids: Sequence[str]) -> Kind:
    """What bays of a street are for; a rule that is not registered says nothing."""
    return kind_of_bays(
        bay_type, (registry.rules[rule_id] for rule_id in rule_ids if rule_id in registry.rules)
    )


def bays_at(registry: Registry, places: Sequence[Members], at: datetime) -> Ints:
    """How many bays of each place are in service at an instant."""
    return np.array([_in_service(registry, members, at) for members in places], dtype=np.int64)


def most_bays(registry: Registry, places: Sequence[Members], at: datetime) -> Ints:
    """The same, of a car park the most of its week: what is learnt there is not of the minute of learning."""
    found = bays_at(registry, places, at)
    for number, members in enumerate(places):
        if members.zone.kind is ZoneKind.CAR_PARK:
            scheduled = [hours.capacity for hours in members.zone.capacity_hours]
            found[number] = max(members.zone.capacity or 0, *scheduled, 0)
    return found


def observable(registry: Registry, bay: Bay, start: datetime, end: datetime) -> list[Span]:
    """When within [start, end) a bay is in service and no override closes it: then its sensor tells of demand."""
    start = max(start, bay.in_service_from or start)
    end = min(end, bay.in_service_to or end)
    closed = sorted(
        (override.starts_at, override.until or FOREVER)
        for override in registry.overrides.of_bay(bay)
        if override.closes
    )
    found: list[Span] = []
    for closed_from, closed_to in closed:
        if start < min(closed_from, end):
            found.append((start, min(closed_from, end)))
        start = max(start, closed_to)
    return [*found, (start, end)] if start < end else found


def capacity_at(registry: Registry, zone: Zone, at: datetime) -> int:
    """The bays of a car park by its own hours."""
    return scheduled_capacity(zone, registry.area.time_zone if registry.area else "UTC", at)


def _in_service(registry: Registry, members: Members, at: datetime) -> int:
    if members.zone.kind is ZoneKind.CAR_PARK:
        return capacity_at(registry, members.zone, at)
    return sum(
        (bay.in_service_from is None or bay.in_service_from <= at)
        and (bay.in_service_to is None or at < bay.in_service_to)
        for bay in members.bays
    )
