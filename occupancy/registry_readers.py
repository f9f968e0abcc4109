"""Reads each kind of registry document strictly into its domain type; docs/registry.md is for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from occupancy.calendar import BANK_HOLIDAY, bank_holiday_problem, zone_of
from occupancy.model import (
    Area,
    AreaId,
    Bay,
    BayId,
    BayType,
    Binding,
    Calendar,
    CapacityHours,
    Clock,
    DeviceId,
    Gate,
    Legend,
    OpeningHours,
    Rule,
    Sensor,
    Sign,
    Use,
    Zone,
    ZoneId,
    ZoneKind,
)
from occupancy.registry_fields import DEVICE_ID_PATTERN, LANGUAGE_PATTERN, Fields, format_minutes
from occupancy.registry_signs import read_legend, read_sign

Entity = Area | Calendar | Rule | Zone | Bay | Sensor | Binding | Gate | Legend | Sign

_DAY_TYPE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_TIME_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}")
_HOLIDAYS = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?")
_WEEK_S = 7 * 24 * 3600


def _area_id(read: Fields) -> AreaId:
    return AreaId(read.match("area_id"))


def _period(
    read: Fields, first: str = "valid_from", last: str = "valid_to"
) -> tuple[datetime | None, datetime | None]:
    start = read.instant(first) if read.optional(first) else None
    end = read.instant(last) if read.optional(last) else None
    if start and end and end <= start:
        raise read.error(last, f"is not after {first}", "correct one of them")
    return start, end


def _window(read: Fields, first: str, last: str) -> tuple[int, int]:
    """Two times of one day, the second after the first."""
    start = read.clock_time(first) if read.optional(first) else 0
    end = read.clock_time(last) if read.optional(last) else 1440
    if end <= start:
        fix = f"over midnight give two: one to 24:00 and, for the next days, one 00:00-{format_minutes(end)}"
        raise read.error(last, f"{format_minutes(end)} is not after {first} {format_minutes(start)}", fix)
    return start, end


def _area(id: str, read: Fields) -> Area:
    time_zone = read.match("time_zone", _TIME_ZONE)
    try:
        zone_of(time_zone)
    except ValueError:
        raise read.error(
            "time_zone", f"no time zone {time_zone!r}", "an IANA name, as Europe/London"
        ) from None
    languages = read.matches("languages", LANGUAGE_PATTERN)
    if not languages:
        raise read.error(
            "languages", "is empty", 'give the languages in the order of the signs, as ["cy", "en"]'
        )
    holidays = read.match("bank_holidays", _HOLIDAYS) if read.optional("bank_holidays") else None
    problem = bank_holiday_problem(holidays) if holidays else None
    if problem:
        raise read.error("bank_holidays", problem, "country and part of it, as GB-WLS, or leave it out")
    return Area(
        area_id=AreaId(id),
        name=read.name("name"),
        time_zone=time_zone,
        languages=languages,
        clock=read.choice("clock", Clock),
        bank_holidays=holidays,
        overstay_grace_min=read.whole("overstay_grace_min", 0, 240)
        if read.optional("overstay_grace_min")
        else 10,
    )


def _calendar(id: str, read: Fields) -> Calendar:
    days: list[tuple[str, str, str]] = []
    for ordinal, item in enumerate(read.items("days") if read.optional("days") else [], 1):
        day = Fields(f"calendar {id}: days[{ordinal}]", item)
        entry = (day.match("type", _DAY_TYPE), day.date("from"), day.date("to"))
        day.done()
        if entry[2] < entry[1]:
            raise day.error("to", "is before from", "give the last day, which is included")
        days.append(entry)
    return Calendar(area_id=_area_id(read), days=tuple(sorted(days)))


def _rule(id: str, read: Fields) -> Rule:
    starts, ends = _window(read, "starts", "ends")
    valid_from, valid_to = _period(read)
    rule = Rule(
        rule_id=id,
        area_id=_area_id(read),
        use=read.choice("use", Use),
        days=read.days("days"),
        starts_min=starts,
        ends_min=ends,
        valid_from=valid_from,
        valid_to=valid_to,
        max_stay_min=read.whole("max_stay_min", 1, _WEEK_S // 60) if read.optional("max_stay_min") else None,
        no_return_min=read.whole("no_return_min", 1, _WEEK_S // 60)
        if read.optional("no_return_min")
        else None,
        permit_areas=tuple(sorted(read.codes("permit_areas"))) if read.optional("permit_areas") else (),
        exemptions=tuple(sorted(read.drivers("exemptions"))) if read.optional("exemptions") else (),
        bank_holidays=read.flag("bank_holidays") if read.optional("bank_holidays") else True,
        only_on=read.match("only_on", _DAY_TYPE) if read.optional("only_on") else None,
        tariff=read.text("tariff") if read.optional("tariff") else None,
        order=read.text("order") if read.optional("order") else None,
    )
    if rule.use in (Use.RESIDENT, Use.SHARED) and not rule.permit_areas:
        raise read.error(
            "permit_areas", f"a rule of use '{rule.use}' names nobody's permit", "add the permit areas"
        )
    if rule.use is Use.LIMITED_WAITING and rule.max_stay_min is None:
        raise read.error("max_stay_min", "limited waiting without a limit", "add it, or use 'free_parking'")
    if rule.only_on == BANK_HOLIDAY and not rule.bank_holidays:
        raise read.error("bank_holidays", "the rule could never apply", "drop this field or only_on")
    return rule


def _opening(where: str, items: list[object]) -> tuple[OpeningHours, ...]:
    hours = []
    for ordinal, item in enumerate(items, 1):
        read = Fields(f"{where}: opening[{ordinal}]", item)
        opens, closes = _window(read, "opens", "closes")
        hours.append(OpeningHours(days=read.days("days"), opens_min=opens, closes_min=closes))
        read.done()
    return tuple(hours)


def _capacity_hours(where: str, items: list[object]) -> tuple[CapacityHours, ...]:
    hours = []
    for ordinal, item in enumerate(items, 1):
        read = Fields(f"{where}: capacity_hours[{ordinal}]", item)
        starts, ends = _window(read, "starts", "ends")
        capacity = read.whole("capacity", 0, 1_000_000)
        hours.append(
            CapacityHours(days=read.days("days"), starts_min=starts, ends_min=ends, capacity=capacity)
        )
        read.done()
    return tuple(hours)


def _zone(id: str, read: Fields) -> Zone:
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
        area_id=_area_id(read),
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
    )


def _bay(id: str, read: Fields) -> Bay:
    start, end = _period(read, "in_service_from", "in_service_to")
    return Bay(
        bay_id=BayId(id),
        zone_id=ZoneId(read.match("zone_id")),
        area_id=_area_id(read),
        bay_type=read.choice("bay_type", BayType),
        lat=read.number("lat", -90, 90),
        lon=read.number("lon", -180, 180),
        rule_ids=read.matches("rule_ids") if read.optional("rule_ids") else (),
        in_service_from=start,
        in_service_to=end,
    )


def _sensor(id: str, read: Fields) -> Sensor:
    return Sensor(
        device_id=DeviceId(id),
        area_id=_area_id(read),
        model=read.text("model"),
        expected_heartbeat_s=read.whole("expected_heartbeat_s", 1, _WEEK_S),
        incarnation=read.whole("incarnation", 0, 2**31 - 1) if read.optional("incarnation") else 0,
        gateway=read.match("gateway", DEVICE_ID_PATTERN) if read.optional("gateway") else None,
    )


def _binding(_id: str, read: Fields) -> Binding:
    valid_from, valid_to = _period(read)
    return Binding(
        device_id=DeviceId(read.match("device_id", DEVICE_ID_PATTERN)),
        bay_id=BayId(read.match("bay_id")),
        area_id=_area_id(read),
        valid_from=valid_from,
        valid_to=valid_to,
    )


def _gate(id: str, read: Fields) -> Gate:
    return Gate(
        device_id=DeviceId(id),
        zone_id=ZoneId(read.match("zone_id")),
        area_id=_area_id(read),
        model=read.text("model"),
        expected_heartbeat_s=read.whole("expected_heartbeat_s", 1, _WEEK_S),
        incarnation=read.whole("incarnation", 0, 2**31 - 1) if read.optional("incarnation") else 0,
        min_headway_s=read.number("min_headway_s", 0, 60) if read.optional("min_headway_s") else 0.0,
    )


READERS: Final[Mapping[str, Callable[[str, Fields], Entity]]] = {
    "area": _area,
    "calendar": _calendar,
    "rule": _rule,
    "zone": _zone,
    "bay": _bay,
    "sensor": _sensor,
    "binding": _binding,
    "gate": _gate,
    "legend": read_legend,
    "sign": read_sign,
}
