"""Reads each kind of registry document strictly into its domain type; docs/registry.md is for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from occupancy.calendar import BANK_HOLIDAY, bank_holiday_problem, zone_of
from occupancy.model import (
    Area,
    AreaId,
    Bay,
    BayId,
    Binding,
    Calendar,
    Clock,
    DeviceId,
    Gate,
    Legend,
    Rule,
    Sensor,
    Sign,
    Use,
    Zone,
    ZoneId,
)
from occupancy.registry_fields import DEVICE_ID_PATTERN, LANGUAGE_PATTERN, Fields
from occupancy.registry_place_readers import read_bay, read_zone
from occupancy.registry_signs import read_legend, read_sign
from occupancy.registry_times import period, window

Entity = Area | Calendar | Rule | Zone | Bay | Sensor | Binding | Gate | Legend | Sign

_DAY_TYPE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_TIME_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}")
_HOLIDAYS = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?")
_WEEK_S = 7 * 24 * 3600


def _area_id(read: Fields) -> AreaId:
    return AreaId(read.match("area_id"))


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
    starts, ends = window(read, "starts", "ends")
    valid_from, valid_to = period(read)
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
    valid_from, valid_to = period(read)
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
    "zone": read_zone,
    "bay": read_bay,
    "sensor": _sensor,
    "binding": _binding,
    "gate": _gate,
    "legend": read_legend,
    "sign": read_sign,
}
