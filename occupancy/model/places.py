"""The registry: areas, streets, car parks and their bays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from occupancy.model.ids import AreaId, BayId, ZoneId
from occupancy.model.times import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A name as people read it, by language. `cy` falls back to `en` in answers, never silently on signs."""

    en: str
    cy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """An authority or city. `languages` is the order in which signs speak (Wales: Welsh first)."""

    area_id: AreaId
    name: Name
    time_zone: str
    languages: tuple[str, ...]
    clock: Clock
    bank_holidays: str | None = None
    """Country and subdivision of the `holidays` library, as in "GB-WLS"; None: no bank holidays."""
    overstay_grace_min: int = 10
    """Minutes beyond a limit that are no overstay yet."""


class ZoneKind(StrEnum):
    STREET = "street"
    CAR_PARK = "car_park"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningHours:
    """`days` are Monday=0..Sunday=6; minutes after local midnight, `closes` up to 1440 and after `opens`."""

    days: frozenset[int]
    opens_min: int
    closes_min: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityHours:
    """The bays of a car park that are open to the public at certain hours; minutes as in `OpeningHours`."""

    days: frozenset[int]
    starts_min: int
    ends_min: int
    capacity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    zone_id: ZoneId
    area_id: AreaId
    kind: ZoneKind
    name: Name
    lat: float
    lon: float
    """The point shown on a map; for a car park, its entrance."""
    line: tuple[tuple[float, float], ...] = ()
    """Geometry as (lon, lat) pairs: a line for a street, a ring for a car park; empty where not surveyed."""
    capacity: int | None = None
    """Bays of a counted car park; None for a street, whose bays are registered one by one."""
    controlled_zone: str | None = None
    opening: tuple[OpeningHours, ...] = ()
    """Empty: always open."""
    height_limit_m: float | None = None
    capacity_hours: tuple[CapacityHours, ...] = ()
    """Where `capacity` does not hold all day; the first that fits counts."""
    night_floor: int | None = None
    """Vehicles that stay in the car park at night; None: learnt."""
    longest_stay_h: int = 24
    """A vehicle token says nothing beyond it, and is forgotten after it."""
    step_free: bool | None = None
    """Whether there is a way without steps between its bays and the street; None: not known."""
    ev_connectors: tuple[str, ...] = ()
    """Of a car park, whose bays are not registered one by one; in alphabetical order."""


class BayType(StrEnum):
    STANDARD = "standard"
    BLUE_BADGE = "blue_badge"
    LOADING = "loading"
    EV = "ev"
    MOTORCYCLE = "motorcycle"
    COACH = "coach"


EV_CONNECTORS = ("ccs", "chademo", "schuko", "three_pin", "type1", "type2")
"""Kinds of plugs and sockets that a bay may charge with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bay:
    bay_id: BayId
    zone_id: ZoneId
    area_id: AreaId
    bay_type: BayType
    lat: float
    lon: float
    rule_ids: tuple[str, ...] = ()
    in_service_from: datetime | None = None
    in_service_to: datetime | None = None
    ev_connectors: tuple[str, ...] = ()
    """What a vehicle can be charged with, in alphabetical order."""
