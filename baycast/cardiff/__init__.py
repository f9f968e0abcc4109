"""A Cardiff-like registry, written by us and illustrative: 3,300 sensed bays, gated car parks and signs.

Street names are real, everything else is made up. The TOML files beside this one are compact; `documents`
expands them into registry documents, the same ones every time.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

AREA_ID = "cardiff"

Document = dict[str, object]

_BAY_M = 6.0
_FROM_MIDDLE_M = 4.0
_M_PER_DEGREE = 111_320.0
_SENSOR = {"model": "ir-flush", "expected_heartbeat_s": 900}
_GATE_HEARTBEAT_S = 300
_REFERENCES = frozenset({"zone_id", "bay_id", "device_id", "rule_ids", "zone_ids"})


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What a simulator wants to know and no registry holds: how zones live, and which way gates lead."""

    profiles: Mapping[str, str]
    """Zone -> "shopping", "office", "residential" or "evening"."""
    ways: Mapping[str, frozenset[str]]
    """Gate -> {"in"}, {"out"} or both."""


def documents(area_id: str = AREA_ID, clock: str = "live") -> list[tuple[str, str, Document]]:
    """Every document as (kind, id, document), in import order.

    Under another area's name every id has that name in front: ids are unique over all areas, so that the copy
    can stand beside the original.
    """
    found = _documents(area_id, clock)
    prefix = _prefix(area_id)
    return found if not prefix else [_renamed(prefix, *one) for one in found]


def _prefix(area_id: str) -> str:
    return "" if area_id == AREA_ID else f"{area_id}-"


def _renamed(prefix: str, kind: str, id: str, doc: Document) -> tuple[str, str, Document]:
    if kind in ("area", "calendar"):
        return kind, id, doc
    renamed = dict(doc)
    for field in _REFERENCES & doc.keys():
        names = doc[field]
        renamed[field] = [prefix + name for name in names] if isinstance(names, list) else f"{prefix}{names}"
    if kind == "binding":
        return kind, f"{renamed['device_id']}@{renamed['bay_id']}@always", renamed
    return kind, prefix + id, renamed


def _documents(area_id: str, clock: str) -> list[tuple[str, str, Document]]:
    city, rules = _read("city.toml"), _read("rules.toml")
    streets = _read("streets.toml")["street"]
    own: Document = {"area_id": area_id}
    bays = [bay for street in streets for bay in _bays(street, rules["bays"])]
    devices = [f"ir-{number:04d}" for number in range(1, len(bays) + 1)]
    found: list[tuple[str, str, Document]] = [
        ("area", area_id, {**city["area"], "clock": clock}),
        ("calendar", area_id, own | city["calendar"]),
    ]
    found += [("rule", rule_id, own | rule) for rule_id, rule in rules["rules"].items()]
    found += [("zone", street["id"], own | _street(street)) for street in streets]
    found += [("zone", park["id"], own | _car_park(park)) for park in city["car_park"]]
    found += [("bay", bay_id, own | doc) for bay_id, doc in bays]
    found += [("sensor", device, own | _SENSOR) for device in devices]
    for device, (bay_id, _) in zip(devices, bays, strict=True):
        found.append(("binding", f"{device}@{bay_id}@always", own | {"device_id": device, "bay_id": bay_id}))
    for park in city["car_park"]:
        for gate_id, model, _ in _gates(park):
            gate: Document = {
                "zone_id": park["id"],
                "model": model,
                "expected_heartbeat_s": _GATE_HEARTBEAT_S,
            }
            found.append(("gate", gate_id, own | gate))
    found += [("sign", sign["id"], own | _sign(sign)) for sign in city["sign"]]
    return found


def rhythm(area_id: str = AREA_ID) -> Rhythm:
    """How the zones of `documents` live."""
    prefix = _prefix(area_id)
    city = _read("city.toml")
    zones = [*_read("streets.toml")["street"], *city["car_park"]]
    return Rhythm(
        profiles={prefix + zone["id"]: zone["profile"] for zone in zones},
        ways={prefix + gate_id: ways for park in city["car_park"] for gate_id, _, ways in _gates(park)},
    )


def _street(street: Mapping[str, Any]) -> Document:
    (from_lat, from_lon), (to_lat, to_lon) = street["from"], street["to"]
    return {
        "kind": "street",
        "name": _name(street),
        "lat": round((from_lat + to_lat) / 2, 6),
        "lon": round((from_lon + to_lon) / 2, 6),
        "line": [[from_lon, from_lat], [to_lon, to_lat]],
        "controlled_zone": street["controlled_zone"],
    }


def _car_park(park: Mapping[str, Any]) -> Document:
    lat, lon = park["entrance"]
    doc: Document = {
        "kind": "car_park",
        "name": _name(park),
        "lat": lat,
        "lon": lon,
        "capacity": park["capacity"],
    }
    return doc | {key: park[key] for key in ("opening", "height_limit_m") if key in park}


def _sign(sign: Mapping[str, Any]) -> Document:
    lat, lon = sign["at"]
    return {"name": _name(sign), "lat": lat, "lon": lon, "zone_ids": sign["zones"]}


def _name(entry: Mapping[str, Any]) -> Document:
    return {"en": entry["en"], "cy": entry["cy"]}


def _gates(park: Mapping[str, Any]) -> Iterator[tuple[str, str, frozenset[str]]]:
    """(device id, model, ways) of the gates, and last of the car park's own counter."""
    for entry in park["gates"].split():
        name, _, rest = entry.partition("=")
        model, _, way = rest.partition(":")
        yield f"{park['id']}-{name}", model, frozenset({"in", "out"} if way == "both" else {way})
    yield f"{park['id']}-counter", "counter", frozenset()


def _bays(street: Mapping[str, Any], kinds: Mapping[str, Any]) -> Iterator[tuple[str, Document]]:
    codes: list[str] = []
    for entry in street["bays"].split():
        code, _, count = entry.partition("=")
        codes += [code] * int(count)
    for number, ((lat, lon), code) in enumerate(zip(_places(street, len(codes)), codes, strict=True), 1):
        kind = kinds[code]
        doc: Document = {
            "zone_id": street["id"],
            "bay_type": kind.get("type", "standard"),
            "lat": lat,
            "lon": lon,
            "rule_ids": kind["rules"],
        }
        yield f"{street['id']}-{number:03d}", doc


def _places(street: Mapping[str, Any], count: int) -> Iterator[tuple[float, float]]:
    """(lat, lon) of bays along the middle stretch of the street, on its two sides in turn."""
    (from_lat, from_lon), (to_lat, to_lon) = street["from"], street["to"]
    lon_m = _M_PER_DEGREE * math.cos(math.radians(from_lat))
    north_m, east_m = (to_lat - from_lat) * _M_PER_DEGREE, (to_lon - from_lon) * lon_m
    length_m = math.hypot(north_m, east_m)
    north, east = north_m / length_m, east_m / length_m
    first_m = (length_m - (count - 1) // 2 * _BAY_M) / 2
    for number in range(count):
        along_m = first_m + number // 2 * _BAY_M
        aside_m = _FROM_MIDDLE_M if number % 2 else -_FROM_MIDDLE_M
        lat = from_lat + (north * along_m - east * aside_m) / _M_PER_DEGREE
        lon = from_lon + (east * along_m + north * aside_m) / lon_m
        yield round(lat, 6), round(lon, 6)


@cache
def _read(name: str) -> Mapping[str, Any]:
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return MappingProxyType(tomllib.loads(text))
