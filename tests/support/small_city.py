"""A small city as the engine left it: three streets, two bays under rules, a sign."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx

from tests.support.derived_rows import AREA, NOW, DerivedRows, group, street


@contextmanager
def small_city(database_url: str) -> Iterator[DerivedRows]:
    """At `NOW`."""
    with DerivedRows(database_url) as rows:
        rows.register("area", "cardiff", AREA)
        rows.register(
            "rule",
            "wait-2h",
            {
                "area_id": "cardiff",
                "use": "limited_waiting",
                "days": "mon-sat",
                "starts": "08:00",
                "ends": "18:00",
                "max_stay_min": 120,
            },
        )
        rows.register(
            "rule",
            "homes",
            {"area_id": "cardiff", "use": "resident", "days": "daily", "permit_areas": ["A"]},
        )
        rows.register("rule", "works", {"area_id": "cardiff", "use": "suspended", "days": "mon-sun"})
        for number in range(3):
            rows.register("zone", f"s{number}", street(number))
        for bay_id, rule in (("b1", "wait-2h"), ("b2", "works")):
            rows.register(
                "bay",
                bay_id,
                {
                    "zone_id": "s1",
                    "area_id": "cardiff",
                    "bay_type": "standard",
                    "lat": 51.48,
                    "lon": -3.18,
                    "rule_ids": [rule],
                },
            )
        rows.register(
            "sign",
            "north-rd",
            {
                "area_id": "cardiff",
                "name": {"en": "North Road"},
                "zone_ids": ["s0"],
                "lat": 51.5,
                "lon": -3.18,
            },
        )
        rows.go_live(NOW)
        rows.commit_zones(
            {
                "s0": [
                    group(5, 1, terms={}),
                    group(7, 0, access=["permit:A"], terms={"rule_ids": ["homes"]}),
                ],
                "s1": [group(0, 1, 0, 1, max_stay_min=120, terms={"rule_ids": ["wait-2h"]})],
            },
            watermark=NOW,
        )
        rows.bay("b1", "occupied", since=NOW - timedelta(minutes=9), as_of=NOW)
        yield rows


def problem(answer: httpx.Response, status: int, kind: str | None = None) -> Any:
    """Hold a refusal against RFC 9457, and return it."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == status
    assert document["type"] == ("about:blank" if kind is None else f"urn:baycast:problem:{kind}")
    return document
