"""Reads zones and bays strictly into their domain types."""

from __future__ import annotations

from occupancy.model import (
    EV_CONNECTORS,
    AreaId,
    Bay,
    BayId,
    BayType,
    CapacityHours,
    OpeningHours,
    Zone,
    ZoneId,
    ZoneKind,
)
from occupancy.registry_fields import Fields
from occupancy.registry_times import period, window


def read_zone(id: str, read: Fields) -> Zone:
    kind = read.choice("kind", ZoneKind)
    line = read.points("line") if read.optional("line") else ()
    if kind is ZoneKind.CAR_PARK and line and (len(line) < 4 or line[0] != line[-1]):
        raise read.error(
            "line", "a car park's outline is not closed", "a ring: four or more points, the last the first"
        )
    if len(line) == 1:
        raise read.error("line", "one point is no line", "give two or more, or leave it out")
    capacity = read.whole("capacity", 0, 1_000_000) if read.optional("capacity") else None
    if kind is ZoneKind.STREET and capacity is not None:
        raise read.error(
            "capacity", "a street has the bays that are registered", "leave it out, register the bays"
        )
    return Zone(
        zone_id=ZoneId(id),
        area_id=AreaId(read.match("area_id")),
        kind=kind,
        name=read.name("name"),
        lat=read.number("lat", -90, 90),
        lon=read.number("lon", -180, 180),
        line=line,
        capacity=capacity,
        controlled_zone=read.text("controlled_zone", 64) if read.optional("controlled_zone") else None,
        opening=_opening(read.where, read.items("opening")) if read.optional("opening") else (),
        height_limit_m=read.number("height_limit_m", 0.5, 10) if read.optional("height_limit_m") else None,
        capacity_hours=_capacity_hours(read.where, read.items("capacity_hours"))
        if read.optional("capacity_hours")
        else (),
        night_floor=read.whole("night_floor", 0, 1_000_000) if read.optional("night_floor") else None,
        longest_stay_h=read.whole("longest_stay_h", 1, 72) if read.optional("longest_stay_h") else 24,
        step_free=read.flag("step_free") if read.optional("step_free") else None,
        ev_connectors=_zone_connectors(read, kind),
    )


def _zone_connectors(read: Fields, kind: ZoneKind) -> tuple[str, ...]:
    if not read.optional("ev_connectors"):
        return ()
    if kind is ZoneKind.STREET:
        raise read.error(
            "ev_connectors", "a street's connectors are those of its bays", "give it to the bays"
        )
    return read.some_of("ev_connectors", EV_CONNECTORS)


def read_bay(id: str, read: Fields) -> Bay:
    start, end = period(read, "in_service_from", "in_service_to")
    return Bay(
        bay_id=BayId(id),
        zone_id=ZoneId(read.match("zone_id")),
        area_id=AreaId(read.match("area_id")),
        bay_type=read.choice("bay_type", BayType),
        lat=read.number("lat", -90, 90),
        lon=read.number("lon", -180, 180),
        rule_ids=read.matches("rule_ids") if read.optional("rule_ids") else (),
        in_service_from=start,
        in_service_to=end,
        ev_connectors=read.some_of("ev_connectors", EV_CONNECTORS) if read.optional("ev_connectors") else (),
    )


def _opening(where: str, items: list[object]) -> tuple[OpeningHours, ...]:
    hours = []
    for ordinal, item in enumerate(items, 1):
        read = Fields(f"{where}: opening[{ordinal}]", item)
        opens, closes = window(read, "opens", "closes")
        hours.append(OpeningHours(days=read.days("days"), opens_min=opens, closes_min=closes))
        read.done()
    return tuple(hours)


def _capacity_hours(where: str, items: list[object]) -> tuple[CapacityHours, ...]:
    hours = []
    for ordinal, item in enumerate(items, 1):
        read = Fields(f"{where}: capacity_hours[{ordinal}]", item)
        starts, ends = window(read, "starts", "ends")
        capacity = read.whole("capacity", 0, 1_000_000)
        hours.append(
            CapacityHours(days=read.days("days"), starts_min=starts, ends_min=ends, capacity=capacity)
        )
        read.done()
    return tuple(hours)
