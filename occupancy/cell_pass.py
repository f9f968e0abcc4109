"""How a zone closes over the day, and what its cells take from the registry: the zone pass without rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from occupancy.car_park import scheduled_capacity
from occupancy.cells import CapacityAt, Closed
from occupancy.model import Bay, Override, Zone, ZoneKind
from occupancy.registry import Registry
from occupancy.rules import CLOSING_USES, access_of, is_open, overrides_at


def closing(registry: Registry, zone: Zone, span: tuple[datetime, datetime]) -> Closed | None:
    """When in `span` the zone's bays, or the whole car park, are closed by rules, hours or overrides; None: never."""

    def reaches(override: Override) -> bool:
        until = override.until
        return override.starts_at < span[1] and (until is None or span[0] < until)

    if zone.kind is ZoneKind.CAR_PARK:
        closed_whole = any(reaches(o) and o.closes for o in registry.overrides.of_zone(zone.zone_id))
        return (lambda _, at: not is_open(registry, zone, at)) if zone.opening or closed_whole else None
    closers = {rule.rule_id for rule in registry.rules.values() if rule.use in CLOSING_USES}
    may_close = {
        bay.bay_id
        for bay in registry.bays_by_zone.get(zone.zone_id, ())
        if closers & set(bay.rule_ids) or any(map(reaches, registry.overrides.of_bay(bay)))
    }
    if not may_close:
        return None
    seen: dict[tuple[tuple[str, ...], tuple[Override, ...], datetime], bool] = {}

    def closed(bay: Bay | None, at: datetime) -> bool:
        if bay is None or bay.bay_id not in may_close:
            return False
        overrides = overrides_at(registry, bay, at)
        key = (bay.rule_ids, overrides, at)
        if key not in seen:
            seen[key] = access_of(registry, bay.rule_ids, bay.bay_type, at, overrides).closed
        return seen[key]

    return closed


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
