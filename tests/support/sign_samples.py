"""A sign, its area and registry, and what is known of a zone, for tests of signs without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from occupancy.model import (
    Area,
    AreaId,
    BayType,
    Clock,
    Counts,
    Group,
    Name,
    Sign,
    SignId,
    Source,
    Zone,
    ZoneAvailability,
    ZoneId,
    ZoneKind,
)
from occupancy.registry import Registry
from signs.frame import Frame

NOW = datetime(2026, 10, 3, 12, tzinfo=UTC)
CARDIFF = Area(
    area_id=AreaId("cardiff"),
    name=Name(en="Cardiff", cy="Caerdydd"),
    time_zone="Europe/London",
    languages=("cy", "en"),
    clock=Clock.LIVE,
)
SIGN = Sign(
    sign_id=SignId("newport-rd"),
    area_id=CARDIFF.area_id,
    name=Name(en="Newport Road"),
    zone_ids=(ZoneId("castle"),),
    lat=51.48,
    lon=-3.17,
)
BOTH = (ZoneId("castle"), ZoneId("museum"))
NAMES = (
    (ZoneId("castle"), "cy", "CASTELL"),
    (ZoneId("castle"), "en", "CASTLE"),
    (ZoneId("museum"), "cy", "AMGUEDDFA"),
    (ZoneId("museum"), "en", "MUSEUM"),
)
LISTED = replace(SIGN, zone_ids=BOTH, short_names=NAMES, width=20)


def zone(
    free: int,
    *,
    free_min: int | None = None,
    free_max: int | None = None,
    zone_id: str = "castle",
    **more: int,
) -> ZoneAvailability:
    """A counted car park of 20 for everybody, unless `occupied`, `unknown` or `closed` say otherwise."""
    counts = Counts(free=free, **{"occupied": 20 - free, **more})
    group = Group(bay_type=BayType.STANDARD, access=frozenset({"general"}), counts=counts)
    return ZoneAvailability(
        zone_id=ZoneId(zone_id),
        groups=(group,),
        free_min=free if free_min is None else free_min,
        free_max=free + counts.unknown if free_max is None else free_max,
        as_of=NOW,
        source=Source.COUNT,
        confidence=0.9,
        coverage=1.0,
        counts=counts,
    )


def registry(sign: Sign, *, capacity: int | None = 20, area: Area = CARDIFF, **legends: Any) -> Registry:
    """The area with the two car parks, and one sign."""
    made = Registry()
    made.put_entity(area)
    for zone_id in BOTH:
        park = Zone(
            zone_id=zone_id,
            area_id=area.area_id,
            kind=ZoneKind.CAR_PARK,
            name=Name(en=zone_id),
            lat=0,
            lon=0,
            capacity=capacity,
        )
        made.put_entity(park)
    for legend_id, texts in legends.items():
        made.put("legend", legend_id, {"area_id": area.area_id, "texts": texts, "authorisation": "A 1"})
    made.put_entity(sign)
    return made


def rows(frame: Frame) -> list[str]:
    """The pages of a frame, as language: lines."""
    return [f"{page.language}: {' / '.join(page.lines)}" for page in frame.pages]
