"""What is said of zones and areas, and how old it may be before it is taken back. Pure: time is an argument
(L7).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from hashlib import blake2b

import msgspec

from api.selection import View
from occupancy.answers import zone_answer
from occupancy.drivers import withheld
from occupancy.model import Area, Clock, Group, Zone, ZoneKind
from occupancy.rule_words import opening_words
from occupancy.whole_stay import Visit
from store.feed import ZoneLive

encode = msgspec.json.encode


class Level(IntEnum):
    """How far an area's pipeline can be trusted now, by the age of its watermark."""

    FRESH = 0
    STALE = 1
    """Shown, and said to be stale."""
    DOWN = 2
    """Nothing in it is evidence any more: everything but "closed" is unknown (L4)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Ages of a live area's watermark."""

    stale_after: timedelta = timedelta(seconds=30)
    down_after: timedelta = timedelta(seconds=300)


def level_of(
    area: Area, watermark: datetime | None, followed: timedelta | None, now: datetime, limits: Limits
) -> Level:
    """Return the level of one area.

    `followed` is how long ago the store last answered, None: never. A live area's watermark is compared with
    the time of day in both directions: one from the future is as little evidence as an old one. An event
    area's time is its data's own, so its age says nothing.
    """
    age = followed
    if area.clock is Clock.LIVE:
        age = None if watermark is None or followed is None else max(followed, abs(now - watermark))
    if age is None or age > limits.down_after:
        return Level.DOWN
    return Level.STALE if age > limits.stale_after else Level.FRESH


def zone_document(live: ZoneLive, level: Level, view: View, visit: Visit | None = None) -> dict[str, object]:
    """Return one zone of a snapshot; `usable` is for the visit, None: for now."""
    availability = withheld(live.availability) if level is Level.DOWN else live.availability
    answer = zone_answer(live.zone, availability, view.asker, visit)
    answer["stale"] = level is not Level.FRESH
    return answer


def place_document(zone: Zone) -> dict[str, object]:
    """Return what does not change by the minute: where it is, when it is open, how high it is."""
    return {
        "line": [list(point) for point in zone.line],
        "controlled_zone": zone.controlled_zone,
        "height_limit_m": zone.height_limit_m,
        "step_free": zone.step_free,
        "ev_connectors": list(zone.ev_connectors),
        "opening_words": opening_words(zone.opening) if zone.kind is ZoneKind.CAR_PARK else None,
        "opening": [
            {"days": sorted(hours.days), "opens_min": hours.opens_min, "closes_min": hours.closes_min}
            for hours in zone.opening
        ],
    }


def kerb_document(groups: Iterable[Group]) -> list[dict[str, object]]:
    """Return the bays of a zone by who may use them now and by which rules, without what is known of each."""
    return [
        {
            "bay_type": group.bay_type.value,
            "capacity": group.counts.capacity,
            "for": sorted(group.access),
            "max_stay_min": group.max_stay_min,
            "closed": bool(group.counts.closed),
            "suspended": group.suspended,
            "ev_connectors": [] if group.terms is None else list(group.terms.ev_connectors),
            "rules_in_force": [] if group.terms is None else list(group.terms.rules_in_force),
        }
        for group in groups
    ]


def geometry(zone: Zone) -> dict[str, object]:
    """Return the GeoJSON geometry: a ring as a polygon, a line, else the point (lon first)."""
    points = [list(point) for point in zone.line]
    if len(points) >= 4 and points[0] == points[-1]:
        return {"type": "Polygon", "coordinates": [points]}
    if len(points) >= 2:
        return {"type": "LineString", "coordinates": points}
    return {"type": "Point", "coordinates": [zone.lon, zone.lat]}


def as_of(areas: Iterable[Area], watermarks: Mapping[str, datetime | None]) -> datetime | None:
    """Return the time up to which everything is known: the oldest watermark of the live areas.

    Recorded areas keep their own time and count only when there is no live one. None: not known for one of
    them.
    """
    chosen = list(areas)
    live = [area for area in chosen if area.clock is Clock.LIVE] or chosen
    times = [watermarks.get(area.area_id) for area in live]
    known = [at for at in times if at is not None]
    return min(known) if known and len(known) == len(times) else None


def entity_tag(body: bytes) -> str:
    """Return a strong HTTP tag: the same bytes have the same tag in every process, and no others have it."""
    return f'"{blake2b(body, digest_size=12).hexdigest()}"'


def envelope(head: Mapping[str, object], zones: Iterable[bytes]) -> bytes:
    """Return a snapshot's bytes around zones that are bytes already."""
    return encode(head)[:-1] + b',"zones":[' + b",".join(zones) + b"]}"
