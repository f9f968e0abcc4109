"""GeoJSON geometry in and out of registry documents: one point, and of a zone its line or outline."""

from __future__ import annotations

from itertools import pairwise
from math import cos, hypot, radians
from typing import TypeGuard

from occupancy.model import Zone, ZoneKind

Object = dict[str, object]
Position = list[float]


def take_geometry(kind: str, geometry: object, doc: Object) -> str | None:
    """Put a feature's geometry into its document; what is wrong with it, None when nothing is.

    A zone may be a Point, a LineString (street) or a Polygon (car park); the last two may have a property
    `point`, the place where the zone is shown on a map, which is else the middle.
    """
    form = geometry.get("type") if isinstance(geometry, dict) else None
    at = geometry.get("coordinates") if isinstance(geometry, dict) else None
    point: object = at
    if kind == "zone" and form in ("LineString", "Polygon"):
        if form == "Polygon" and (not isinstance(at, list) or len(at) != 1):
            return "a polygon with holes or without a ring; give its outer ring only"
        line = at[0] if form == "Polygon" and isinstance(at, list) else at
        if not _is_line(line):
            return "holds something that is no [longitude, latitude]"
        doc["line"] = line
        point = doc.pop("point", None) or (_centre(line) if form == "Polygon" else _half_way(line))
    elif form != "Point":
        return f"{ascii(form)[:40]} is not a Point" + (", LineString or Polygon" if kind == "zone" else "")
    if not _is_position(point):
        return "holds something that is no [longitude, latitude]"
    doc["lon"], doc["lat"] = point
    return None


def zone_geometry(zone: Zone) -> Object:
    """The inverse: what the zone looks like on a map."""
    line = [list(position) for position in zone.line]
    if not line:
        return {"type": "Point", "coordinates": [zone.lon, zone.lat]}
    if zone.kind is ZoneKind.CAR_PARK:
        return {"type": "Polygon", "coordinates": [line]}
    return {"type": "LineString", "coordinates": line}


def _is_position(item: object) -> TypeGuard[Position]:
    return (
        isinstance(item, list)
        and len(item) == 2
        and all(
            isinstance(part, int | float) and not isinstance(part, bool) and abs(part) <= 180 for part in item
        )
    )


def _is_line(item: object) -> TypeGuard[list[Position]]:
    return isinstance(item, list) and len(item) >= 2 and all(_is_position(position) for position in item)


def _centre(ring: list[Position]) -> Position:
    corners = ring[:-1]
    return [round(sum(parts) / len(corners), 7) for parts in zip(*corners, strict=True)]


def _half_way(line: list[Position]) -> Position:
    """The middle of a line by its length on the ground."""
    shrink = cos(radians(line[0][1]))
    legs = list(pairwise(line))
    lengths = [hypot((b[0] - a[0]) * shrink, b[1] - a[1]) for a, b in legs]
    left = sum(lengths) / 2
    for (a, b), length in zip(legs, lengths, strict=True):
        if length > 0 and left <= length:
            share = left / length
            return [round(a[0] + (b[0] - a[0]) * share, 7), round(a[1] + (b[1] - a[1]) * share, 7)]
        left -= length
    return line[0]
