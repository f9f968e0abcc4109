"""A small registry that is sound, for tests to bend."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

Doc = dict[str, Any]

SAMPLE: dict[tuple[str, str], Doc] = {
    ("area", "tre"): {
        "name": {"en": "Town", "cy": "Tre"},
        "time_zone": "Europe/London",
        "languages": ["cy", "en"],
        "clock": "live",
        "bank_holidays": "GB-WLS",
    },
    ("calendar", "tre"): {
        "area_id": "tre",
        "days": [{"type": "school_term", "from": "2026-09-02", "to": "2026-10-23"}],
    },
    ("rule", "tre-2h"): {
        "area_id": "tre",
        "use": "limited_waiting",
        "days": "mon-sat",
        "starts": "08:00",
        "ends": "18:00",
        "max_stay_min": 120,
        "no_return_min": 120,
        "exemptions": ["blue_badge"],
        "bank_holidays": False,
    },
    ("rule", "tre-school"): {
        "area_id": "tre",
        "use": "no_parking",
        "days": "mon-fri",
        "starts": "08:00",
        "ends": "09:15",
        "only_on": "school_term",
    },
    ("rule", "tre-res-a"): {"area_id": "tre", "use": "resident", "days": "daily", "permit_areas": ["A"]},
    ("zone", "queen-st"): {
        "area_id": "tre",
        "kind": "street",
        "name": {"en": "Queen Street", "cy": "Heol y Frenhines"},
        "lat": 51.4823,
        "lon": -3.1751,
        "line": [[-3.1760, 51.4822], [-3.1742, 51.4824]],
        "controlled_zone": "A",
    },
    ("zone", "castle-mews"): {
        "area_id": "tre",
        "kind": "car_park",
        "name": {"en": "Castle Mews"},
        "lat": 51.4846,
        "lon": -3.1815,
        "line": [[-3.182, 51.484], [-3.181, 51.484], [-3.181, 51.485], [-3.182, 51.484]],
        "capacity": 110,
        "opening": [
            {"days": "mon-sat", "opens": "07:00", "closes": "22:00"},
            {"days": "sun", "opens": "09:00", "closes": "20:00"},
        ],
        "height_limit_m": 2.1,
        "step_free": False,
        "ev_connectors": ["ccs", "type2"],
    },
    ("bay", "queen-st-001"): {
        "area_id": "tre",
        "zone_id": "queen-st",
        "bay_type": "standard",
        "lat": 51.48221,
        "lon": -3.1759,
        "rule_ids": ["tre-2h", "tre-school"],
    },
    ("bay", "queen-st-002"): {
        "area_id": "tre",
        "zone_id": "queen-st",
        "bay_type": "blue_badge",
        "lat": 51.48222,
        "lon": -3.1758,
        "in_service_from": "2026-01-01T00:00:00Z",
        "ev_connectors": ["type2"],
    },
    ("sensor", "ir-001"): {"area_id": "tre", "model": "ir-1", "expected_heartbeat_s": 3600},
    ("sensor", "ir-002"): {"area_id": "tre", "model": "ir-1", "expected_heartbeat_s": 3600, "incarnation": 2},
    ("binding", "ir-001@queen-st-001@always"): {
        "area_id": "tre",
        "device_id": "ir-001",
        "bay_id": "queen-st-001",
    },
    ("binding", "ir-002@queen-st-002@2026-01-01T00:00:00Z"): {
        "area_id": "tre",
        "device_id": "ir-002",
        "bay_id": "queen-st-002",
        "valid_from": "2026-01-01T00:00:00Z",
    },
    ("gate", "anpr-1"): {
        "area_id": "tre",
        "zone_id": "castle-mews",
        "model": "anpr",
        "expected_heartbeat_s": 60,
    },
    ("legend", "match-day"): {
        "area_id": "tre",
        "texts": {"cy": "DIWRNOD GEM", "en": "MATCH DAY"},
        "authorisation": "NMWTRA-2026-17",
    },
    ("sign", "vms-1"): {
        "area_id": "tre",
        "name": {"en": "Castle Street"},
        "zone_ids": ["castle-mews"],
        "lat": 51.48,
        "lon": -3.18,
        "words": {"full": {"cy": "LLAWN", "en": "FULL"}},
    },
}


def sample() -> dict[tuple[str, str], Doc]:
    """A copy of it, in an order in which nothing refers to later documents."""
    return deepcopy(SAMPLE)
