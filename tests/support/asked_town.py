"""A small town that drivers ask for, with its rules, as a feed without a database; it is a Wednesday noon in winter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from occupancy.availability import car_park_availability, street_availability
from occupancy.model import AreaId, BayId, BayState, State, Zone, ZoneAvailability, ZoneKind
from occupancy.registry import Registry
from occupancy.rules import access_at, is_open
from store.feed import AreaLive, ZoneLive
from tests.support.board_world import FeedDouble

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
AREA = {
    "name": {"en": "Town", "cy": "Tre"},
    "time_zone": "Europe/London",
    "languages": ["cy", "en"],
    "clock": "live",
}


def _place(name: str, lon: float, **more: Any) -> dict[str, Any]:
    return {"area_id": "tre", "name": {"en": name}, "lat": 51.48, "lon": lon, **more}


def _bay(zone_id: str, *rules: str, **more: Any) -> dict[str, Any]:
    found = {"zone_id": zone_id, "area_id": "tre", "bay_type": "standard", "lat": 51.48, "lon": -3.18}
    return {**found, "rule_ids": list(rules), **more}


DOCUMENTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("area", "tre", AREA),
    (
        "rule",
        "wait-1h",
        {
            "area_id": "tre",
            "use": "limited_waiting",
            "days": "mon-sat",
            "starts": "08:00",
            "ends": "18:00",
            "max_stay_min": 60,
            "no_return_min": 120,
        },
    ),
    (
        "rule",
        "goods",
        {"area_id": "tre", "use": "loading", "days": "daily", "starts": "16:00", "ends": "18:00"},
    ),
    ("rule", "homes", {"area_id": "tre", "use": "resident", "days": "daily", "permit_areas": ["A"]}),
    ("zone", "queen", _place("Queen Street", -3.18, kind="street")),
    ("zone", "market", _place("Market Street", -3.182, kind="street")),
    ("zone", "terrace", _place("The Terrace", -3.184, kind="street", step_free=True)),
    (
        "zone",
        "park",
        _place(
            "Castle Park",
            -3.186,
            kind="car_park",
            capacity=100,
            height_limit_m=2.1,
            step_free=True,
            ev_connectors=["type2"],
            opening=[{"days": "daily", "opens": "07:00", "closes": "19:00"}],
        ),
    ),
    ("zone", "yard", _place("Brewery Yard", -3.188, kind="car_park", capacity=50)),
    ("bay", "queen-0", _bay("queen", "wait-1h")),
    ("bay", "queen-1", _bay("queen", "wait-1h")),
    ("bay", "queen-2", _bay("queen", "goods")),
    ("bay", "queen-3", _bay("queen", bay_type="ev", ev_connectors=["ccs", "type2"])),
    ("bay", "market-0", _bay("market")),
    ("bay", "terrace-0", _bay("terrace", "homes")),
)
OVERRIDES = {
    "works": {
        "area_id": "tre",
        "kind": "suspension",
        "reason": "water main",
        "zone_ids": ["market"],
        "starts_at": "2026-11-18T08:00:00Z",
        "ends_at": "2026-11-18T14:00:00Z",
    },
}


def registry() -> Registry:
    found = Registry(DOCUMENTS)
    for override_id, doc in OVERRIDES.items():
        found.put_override(override_id, doc)
    return found


def town(states: Mapping[str, State], *, at: datetime = NOON, version: int = 1) -> FeedDouble:
    """The town with some of its bays seen, judged at an instant."""
    known = registry()
    area = known.area
    assert area is not None
    area_id = AreaId("tre")
    seen = {
        BayId(bay_id): BayState(
            bay_id=BayId(bay_id), state=state, since=NOON, as_of=NOON, confidence=1.0, reason="said"
        )
        for bay_id, state in states.items()
    }

    def answer(zone: Zone) -> ZoneAvailability:
        if zone.kind is ZoneKind.CAR_PARK:
            return car_park_availability(zone, None, None, is_open=is_open(known, zone, at))
        bays = known.bays_by_zone[zone.zone_id]
        return street_availability(
            zone, bays, seen, lambda bay: access_at(known, bay, at), at, known.overrides
        )

    feed = FeedDouble(registries={area_id: known})
    feed.areas[area_id] = AreaLive(area, 1, version, at, "1-1")
    for zone in known.zones.values():
        feed.zones[zone.zone_id] = ZoneLive(zone, answer(zone), version)
    return feed
