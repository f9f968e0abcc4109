"""Whose history a change of the registry reopens: the sensors and car parks whose rows it may alter."""

from __future__ import annotations

from collections.abc import Collection, Container

from occupancy.batch import Change
from occupancy.model import Area, Clock, DeviceId, Gate, Sensor, Zone, ZoneId
from occupancy.registry import Registry, entity


def clock_of(registry: Registry) -> Clock:
    """How the area keeps time, also before it is registered."""
    return registry.area.clock if registry.area else Clock.LIVE


def devices_reopened(
    registry: Registry, change: Change, known: Collection[DeviceId], heard: Container[DeviceId]
) -> list[DeviceId]:
    """The devices that a change concerns, if they are `known` (they have rows) or were `heard` before they were
    sensors: a folded history is long, so no others."""
    kind, id, doc = change
    found: list[DeviceId] = []
    match kind:
        case "sensor":
            old = registry.sensors.get(DeviceId(id))
            new = None if doc is None else entity(kind, id, doc)
            if not (isinstance(new, Sensor) and old and new.silent_after == old.silent_after):
                found = [DeviceId(id)]
        case "binding":
            found = [DeviceId(id.split("@", 1)[0])]
        case "area" if _clock_changes(registry, id, doc):
            return list(known)
    return [device_id for device_id in found if device_id in known or device_id in heard]


def parks_reopened(registry: Registry, change: Change, known: Collection[ZoneId]) -> list[ZoneId]:
    """The car parks that a change concerns, `known` ones (those with rows) if it is not for a gate that was there: of
    that the one it leaves and the one it joins."""
    kind, id, doc = change
    found: list[ZoneId] = []
    match kind:
        case "zone":
            old_zone = registry.zones.get(ZoneId(id))
            new = None if doc is None else entity(kind, id, doc)
            if not (isinstance(new, Zone) and old_zone and _counting(new) == _counting(old_zone)):
                found = [ZoneId(id)]
        case "gate":
            old_gate = registry.gates.get(DeviceId(id))
            new = None if doc is None else entity(kind, id, doc)
            if not (isinstance(new, Gate) and old_gate and _counting(new) == _counting(old_gate)):
                found = [gate.zone_id for gate in (old_gate, new) if isinstance(gate, Gate)]
                if old_gate is not None:
                    return found
        case "area" if _clock_changes(registry, id, doc) or _zone_changes(registry, id, doc):
            return list(known)
    return [zone_id for zone_id in found if zone_id in known]


def _clock_changes(registry: Registry, id: str, doc: object | None) -> bool:
    area = None if doc is None else entity("area", id, doc)
    return (area.clock if isinstance(area, Area) else Clock.LIVE) is not clock_of(registry)


def _zone_changes(registry: Registry, id: str, doc: object | None) -> bool:
    area = None if doc is None else entity("area", id, doc)
    before = registry.area and registry.area.time_zone
    return isinstance(area, Area) and area.time_zone != before


def _counting(of: Zone | Gate) -> tuple[object, ...]:
    """What the counting of a car park takes from the registry."""
    if isinstance(of, Zone):
        return of.kind, of.capacity, of.capacity_hours, of.night_floor, of.longest_stay_h
    return of.zone_id, of.model, of.silent_after, of.min_headway_s
