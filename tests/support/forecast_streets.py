"""Three streets of twelve bays, one closed at night and one for residents, and what is forecast of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from api import forecast_schemas, schemas
from tests.support.api_server import ApiServer
from tests.support.derived_rows import AREA, NOW, DerivedRows, group, street

QUARTER = timedelta(minutes=15)


def bay_document(zone: str) -> dict[str, Any]:
    return {"area_id": "cardiff", "zone_id": zone, "bay_type": "standard", "lat": 51.48, "lon": -3.18}


@contextmanager
def forecast_streets(database_url: str) -> Iterator[DerivedRows]:
    """At `NOW`: half of the first is taken, nothing is known of the second."""
    with DerivedRows(database_url) as rows:
        rows.register("area", "cardiff", AREA)
        rows.register(
            "rule",
            "night",
            {"area_id": "cardiff", "use": "suspended", "days": "daily", "starts": "20:00", "ends": "22:00"},
        )
        rows.register(
            "rule", "res", {"area_id": "cardiff", "use": "resident", "days": "daily", "permit_areas": ["A"]}
        )
        for number in range(3):
            rows.register("zone", f"s{number}", street(number))
        for number in range(12):
            for zone, rules in (("s0", ["night"]), ("s1", []), ("s2", ["res"])):
                rows.register("bay", f"{zone}-{number}", {**bay_document(zone), "rule_ids": rules})
        rows.go_live(NOW)
        rows.commit_zones(
            {
                "s0": [group(6, 6, terms={})],
                "s1": [group(0, 0, 12)],
                "s2": [group(12, 0, access=["permit:A"])],
            },
            watermark=NOW,
        )
        yield rows


def points(api: ApiServer, zone: str, query: str = "") -> list[dict[str, Any]]:
    answer = api.get(f"/v1/zones/{zone}/forecast{query}")
    assert answer.status_code == 200, answer.text
    forecast_schemas.Forecast.model_validate_json(answer.content)
    found: list[dict[str, Any]] = answer.json()["points"]
    return found


def zone_of(api: ApiServer, query: str, zone: str = "s0") -> dict[str, Any]:
    answer = api.get(f"/v1/availability?{query}")
    assert answer.status_code == 200, answer.text
    schemas.Snapshot.model_validate_json(answer.content)
    found: dict[str, Any] = next(one for one in answer.json()["zones"] if one["id"] == zone)
    return found


def a_month(share: float) -> Iterator[tuple[datetime, float, float]]:
    """Four weeks of quarters of an hour to `NOW`: when, and the seconds of free and of taken bays."""
    at = NOW - timedelta(weeks=4)
    while at < NOW:
        yield at, 10_800 * (1 - share), 10_800 * share
        at += QUARTER
