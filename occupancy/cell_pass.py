"""How a zone closes over the day, and what its cells take from the registry: the zone pass without rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from occupancy.calendar import civil_at
from occupancy.car_park import scheduled_capacity
from occupancy.cells import CapacityAt, Closed, ShutParts, parts, whole_minute
from occupancy.day_parts import day_edges
from occupancy.model import Bay, Override, Zone, ZoneKind
from occupancy.overrides import in_force
from occupancy.registry import Registry
from occupancy.rules import CLOSING_USES, access_of, is_open
from occupancy.spans import Span


def closing(registry: Registry, zone: Zone, span: Span) -> Closed | None:
    """When in `span` the car park is closed by its hours or overrides; None: never."""
    overrides = registry.overrides.of_zone(zone.zone_id)
    closed_whole = any(_reaches(override, span) and override.closes for override in overrides)
    return (lambda at: not is_open(registry, zone, at)) if zone.opening or closed_whole else None


def shut_parts(registry: Registry, zone: Zone, span: Span) -> ShutParts | None:
    """When in `span` the bays of a street are closed by rules or overrides; None: never."""
    closers = {rule.rule_id for rule in registry.rules.values() if rule.use in CLOSING_USES}
    may_close = {
        bay.bay_id
        for bay in registry.bays_by_zone.get(zone.zone_id, ())
        if closers & set(bay.rule_ids)
        or any(_reaches(override, span) for override in registry.overrides.of_bay(bay))
    }
    if not may_close:
        return None
    known: dict[object, list[tuple[datetime, datetime, bool]]] = {}

    def found(bay: Bay, start: datetime, end: datetime) -> Sequence[tuple[datetime, datetime, bool]]:
        if bay.bay_id not in may_close:
            return ((start, end, False),)
        overrides = registry.overrides.of_bay(bay)
        alike = (bay.rule_ids, overrides, start, end)
        if alike not in known:

            def shut(at: datetime) -> bool:
                return access_of(registry, bay.rule_ids, bay.bay_type, at, in_force(overrides, at)).closed

            edges = _edges(registry, bay, overrides, (start, end))
            known[alike] = list(parts(start, end, shut, otherwise=False, looked_at=edges))
        return known[alike]

    return found


def _edges(
    registry: Registry, bay: Bay, overrides: Iterable[Override], span: Span
) -> Iterator[datetime] | None:
    """The whole minutes from which on what holds at a bay may be another; None: nobody knows without an area."""
    if registry.area is None:
        return None
    time_zone = registry.area.time_zone
    rules = [rule for rule_id in bay.rule_ids if (rule := registry.rules.get(rule_id))]
    first, last = (civil_at(time_zone, at).day for at in span)
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return (whole_minute(edge) for day in days for edge in day_edges(time_zone, day, rules, overrides)[:-1])


def _reaches(override: Override, span: Span) -> bool:
    return override.starts_at < span[1] and (override.until is None or span[0] < override.until)


def capacities(registry: Registry, zone: Zone) -> CapacityAt | None:
    """The car park's bays in use by the hour; None: always all of them."""
    area = registry.area
    if not zone.capacity_hours or area is None:
        return None
    return lambda at: scheduled_capacity(zone, area.time_zone, at)


def grounds(registry: Registry, zone: Zone) -> tuple[object, ...]:
    """What the zone's cells and hours take from the documents: while it is equal, a registry change leaves them as they
    are."""
    area = registry.area
    civil = area and (area.time_zone, area.bank_holidays, registry.calendar)
    if zone.kind is ZoneKind.CAR_PARK:
        hours = zone.opening or zone.capacity_hours
        return zone.kind, zone.capacity, zone.opening, zone.capacity_hours, civil if hours else None
    bays = []
    ruled = False
    for bay in registry.bays_by_zone.get(zone.zone_id, ()):
        rules = [registry.rules.get(rule_id) for rule_id in bay.rule_ids]
        known = tuple(replace(rule, tariff=None, order=None) for rule in rules if rule is not None)
        ruled = ruled or bool(known)
        bays.append((bay.bay_id, bay.bay_type, bay.in_service_from, bay.in_service_to, known, None in rules))
    return zone.kind, tuple(bays), civil if ruled else None
