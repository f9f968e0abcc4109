"""Registry documents: JSON to domain types and back, each the exact inverse of the other.

A document holds the fields of its type in `model` without the id, which is its key; fields at their
default are left out. docs/registry.md describes the formats for people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from enum import StrEnum
from typing import Final

from occupancy.model import (
    Area,
    Bay,
    Binding,
    Calendar,
    CapacityHours,
    Gate,
    Legend,
    Name,
    OpeningHours,
    Rule,
    Sensor,
    Sign,
    Zone,
)
from occupancy.registry_fields import (
    DEVICE_ID_PATTERN,
    ID_PATTERN,
    Fields,
    RegistryError,
    format_days,
    format_instant,
    format_minutes,
)
from occupancy.registry_readers import READERS, Entity

KINDS: Final = tuple(READERS)
"""Every kind of document, in an order in which each refers to earlier ones only."""

_IDS: Final[Mapping[type, str]] = {
    Area: "area_id",
    Calendar: "area_id",
    Rule: "rule_id",
    Zone: "zone_id",
    Bay: "bay_id",
    Sensor: "device_id",
    Gate: "device_id",
    Legend: "legend_id",
    Sign: "sign_id",
}


def binding_id(device_id: str, bay_id: str, valid_from: datetime | None) -> str:
    """A binding has no id of its own: device, bay and start tell it from every other."""
    return f"{device_id}@{bay_id}@{format_instant(valid_from) if valid_from else 'always'}"


def identity(entity: Entity) -> tuple[str, str]:
    """(kind, id) of an entity, the key of its document."""
    if isinstance(entity, Binding):
        return "binding", binding_id(entity.device_id, entity.bay_id, entity.valid_from)
    return type(entity).__name__.lower(), str(getattr(entity, _IDS[type(entity)]))


def entity(kind: str, id: str, doc: object) -> Entity:
    """Read a document strictly. Raises `RegistryError` for the first thing wrong with it."""
    if kind not in READERS:
        raise RegistryError(f"{kind} {id}", None, "no such kind of document", f"one of {', '.join(KINDS)}")
    read = Fields(f"{kind} {id}", doc)
    if kind != "binding":
        pattern = DEVICE_ID_PATTERN if kind in ("sensor", "gate") else ID_PATTERN
        if pattern.fullmatch(id) is None:
            raise read.error("id", f"{ascii(id)[:80]} is not of the form {pattern.pattern}", "rename it")
    found = READERS[kind](id, read)
    read.done()
    if identity(found)[1] != id:
        raise read.error("id", "is not the id of this document", f"its id is '{identity(found)[1]}'")
    return found


def binding_of(doc: object) -> Binding:
    """Read a binding's document when its id is still to be made from it. Raises `RegistryError`."""
    read = Fields("binding", doc)
    found = READERS["binding"]("", read)
    read.done()
    if not isinstance(found, Binding):
        raise TypeError(f"a binding was read as {found!r}")
    return found


def document(entity: Entity) -> dict[str, object]:
    """The JSON-ready document of an entity, without the fields that have their default value."""
    doc: dict[str, object] = {}
    own_id = None if isinstance(entity, Binding | Calendar) else _IDS[type(entity)]
    for item in fields(entity):
        value = getattr(entity, item.name)
        if item.name == own_id or (item.default is not MISSING and value == item.default):
            continue
        doc[item.name.removesuffix("_min") if item.name in ("starts_min", "ends_min") else item.name] = _json(
            item.name, value
        )
    return doc


def _json(field: str, value: object) -> object:
    match value:
        case Name(en=en, cy=cy):
            return {"en": en} if cy is None else {"en": en, "cy": cy}
        case StrEnum():
            return value.value
        case datetime():
            return format_instant(value)
        case frozenset():
            return format_days(value)
        case OpeningHours(days=days, opens_min=opens, closes_min=closes):
            return {
                "days": format_days(days),
                "opens": format_minutes(opens),
                "closes": format_minutes(closes),
            }
        case CapacityHours(days=days, starts_min=starts, ends_min=ends, capacity=capacity):
            return {
                "days": format_days(days),
                "starts": format_minutes(starts),
                "ends": format_minutes(ends),
                "capacity": capacity,
            }
        case int() if field in ("starts_min", "ends_min"):
            return format_minutes(value)
        case tuple() if field in ("words", "short_names"):
            words: dict[str, dict[str, str]] = {}
            for what, language, text in sorted(value):
                words.setdefault(what, {})[language] = text
            return words
        case tuple() if field == "texts":
            return dict(value)
        case tuple() if field == "days":
            return [{"type": kind, "from": first, "to": last} for kind, first, last in value]
        case tuple() if field == "line":
            return [list(point) for point in value]
        case tuple():
            return [_json("", item) for item in value]
    return value
