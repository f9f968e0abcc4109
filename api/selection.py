"""Which zones an asker wants, and for which driver. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from occupancy.drivers import Asker
from occupancy.model import EV_CONNECTORS, Zone, ZoneKind
from occupancy.registry import is_driver

ID = "[a-z0-9][a-z0-9_-]{0,63}"
NUMBER = r" *[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)? *"
"""A decimal number, as programs and people write it."""
_ID, _NUMBER = re.compile(ID), re.compile(NUMBER)
ZONES_MAX = 500
"""Zones that one request may name."""
AREAS_MAX = 50
EARTH_RADIUS_M = 6_371_009.0


@dataclass(frozen=True, slots=True)
class Box:
    """Degrees, as GeoJSON orders them; `west` lies west of `east`."""

    west: float
    south: float
    east: float
    north: float

    def holds(self, lat: float, lon: float) -> bool:
        return self.south <= lat <= self.north and self.west <= lon <= self.east


@dataclass(frozen=True, slots=True)
class Around:
    """A circle: degrees, and metres in a straight line."""

    lat: float
    lon: float
    radius_m: float


@dataclass(frozen=True, slots=True)
class View:
    """For whom the usable bays are counted. `stay_min` is minutes, None: not said."""

    driver: str = "general"
    stay_min: int | None = None
    ev_connector: str | None = None

    @property
    def asker(self) -> Asker:
        return Asker(self.driver, self.ev_connector)


@dataclass(frozen=True, slots=True)
class Selection:
    """What was asked for; None means "no limit"."""

    areas: frozenset[str] | None = None
    zones: frozenset[str] | None = None
    box: Box | None = None
    around: Around | None = None
    kind: str | None = None
    min_free: int | None = None
    open_now: bool = False
    min_height_m: float | None = None
    step_free: bool = False
    view: View = View()

    def takes(self, zone: Zone) -> bool:
        """Say whether the zone is in it, but for what depends on the hour or on single bays."""
        return (
            (self.areas is None or zone.area_id in self.areas)
            and (self.zones is None or zone.zone_id in self.zones)
            and (self.kind is None or zone.kind.value == self.kind)
            and (self.min_height_m is None or is_high_enough(zone, self.min_height_m))
            and (zone.step_free is True or not self.step_free)
            and (self.box is None or self.box.holds(zone.lat, zone.lon))
            and (self.around is None or distance_m(self.around, zone.lat, zone.lon) <= self.around.radius_m)
        )


def is_high_enough(zone: Zone, height_m: float) -> bool:
    """Say whether a vehicle so high is known to fit in: above a street is the sky."""
    return zone.kind is ZoneKind.STREET or (
        zone.height_limit_m is not None and zone.height_limit_m >= height_m
    )


def distance_m(around: Around, lat: float, lon: float) -> float:
    """Return the straight-line distance in metres over the sphere."""
    phi, theta = math.radians(around.lat), math.radians(lat)
    half = math.sin((theta - phi) / 2) ** 2
    half += math.cos(phi) * math.cos(theta) * math.sin(math.radians(lon - around.lon) / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(half, 1.0)))


# --- reading text: each raises ValueError with a sentence for the asker ---------------------------------


def driver_of(text: str) -> str:
    """Read a `for=` value."""
    if not is_driver(text):
        raise ValueError("is one of general, blue_badge, loading, ev, motorcycle, coach, permit:CODE")
    return text


def connector_of(text: str) -> str:
    """Read an `ev_connector=` value."""
    if text not in EV_CONNECTORS:
        raise ValueError(f"is one of {', '.join(EV_CONNECTORS)}")
    return text


def ids_of(text: str, limit: int) -> frozenset[str]:
    """Read ids separated by commas, at most `limit`."""
    found = text.split(",", limit)
    if len(found) > limit:
        raise ValueError(f"names at most {limit} ids")
    for item in found:
        if _ID.fullmatch(item) is None:
            raise ValueError("is ids separated by commas (small letters, digits, - and _)")
    return frozenset(found)


def box_of(text: str) -> Box:
    """Read `west,south,east,north` in degrees."""
    numbers = _numbers(text, 4, "is west,south,east,north in degrees")
    box = Box(*numbers)
    if not (-180 <= box.west < box.east <= 180 and -90 <= box.south < box.north <= 90):
        raise ValueError("is west,south,east,north in degrees, west before east and south before north")
    return box


def point_of(text: str) -> tuple[float, float]:
    """Read `lat,lon` in degrees."""
    lat, lon = _numbers(text, 2, "is lat,lon in degrees")
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise ValueError("is lat,lon in degrees, -90..90 and -180..180")
    return lat, lon


def _numbers(text: str, count: int, shape: str) -> list[float]:
    parts = text.split(",")
    if not all(_NUMBER.fullmatch(part) for part in parts):
        raise ValueError(shape)
    numbers = [float(part) for part in parts]
    if len(numbers) != count or not all(math.isfinite(number) for number in numbers):
        raise ValueError(shape)
    return numbers
