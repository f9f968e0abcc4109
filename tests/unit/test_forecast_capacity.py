"""L12: what a driver may use on arrival, by the rules in force then."""

from datetime import UTC, datetime, timedelta

import pytest

from api.capacities import MINUTES_MAX, Capacities
from occupancy.drivers import Asker
from occupancy.forecast.capacity import CapacityAt, RulesAt
from occupancy.forecast.issue import Place
from occupancy.model import AreaId, ZoneId
from occupancy.registry import Registry
from occupancy.whole_stay import Timetable

AREA = {
    "name": {"en": "Town"},
    "time_zone": "Europe/London",
    "languages": ["en"],
    "clock": "live",
}
PLACE = {"area_id": "tre", "name": {"en": "Somewhere"}, "lat": 51.48, "lon": -3.18}


def rule(use: str, starts: str, ends: str, **more: object) -> dict[str, object]:
    return {"area_id": "tre", "use": use, "days": "mon-sat", "starts": starts, "ends": ends, **more}


def bay(*rules: str, **more: object) -> dict[str, object]:
    return {
        "zone_id": "street",
        "area_id": "tre",
        "bay_type": "standard",
        "lat": 51.48,
        "lon": -3.18,
        "rule_ids": list(rules),
        **more,
    }


REGISTRY = Registry(
    [
        ("area", "tre", AREA),
        ("rule", "loading", rule("loading", "07:00", "11:00")),
        ("rule", "wait", rule("limited_waiting", "08:00", "18:00", max_stay_min=60)),
        ("rule", "market", rule("suspended", "06:00", "07:00")),
        ("zone", "street", {**PLACE, "kind": "street"}),
        ("bay", "a", bay("loading", "market")),
        ("bay", "b", bay("wait", "market")),
        ("bay", "c", bay("wait", "market", in_service_to="2026-11-18T12:00:00Z")),
        (
            "zone",
            "park",
            {
                **PLACE,
                "kind": "car_park",
                "capacity": 100,
                "opening": [{"days": "mon-sun", "opens": "07:00", "closes": "22:00"}],
            },
        ),
    ]
)


def at(hour: int, zone: str = "street", driver: str = "general", stay_min: int | None = None) -> CapacityAt:
    """On a Wednesday in winter, when Cardiff keeps UTC."""
    rules = RulesAt(Timetable(REGISTRY), datetime(2026, 11, 18, hour, 30, tzinfo=UTC))
    return rules.capacity(REGISTRY.zones[ZoneId(zone)], Asker(driver), stay_min)


@pytest.mark.parametrize(
    ("hour", "driver", "stay_min", "usable"),
    [
        (9, "general", None, 2),  # one of three is for loading, and one ends its service at noon
        (9, "loading", None, 3),
        (11, "general", None, 3),
        (11, "general", 61, 1),
        (13, "general", None, 2),
        (13, "general", 60, 2),
        (19, "general", 600, 2),
    ],
)
def test_l12_the_rules_of_the_arrival_hold(hour: int, driver: str, stay_min: int | None, usable: int) -> None:
    assert at(hour, driver=driver, stay_min=stay_min).usable == usable


def test_a_suspended_street_and_a_shut_car_park_are_closed() -> None:
    assert at(6) == CapacityAt(usable=0, opened=0, closed=True)
    assert at(6, "park") == CapacityAt(usable=0, opened=0, closed=True)
    open_park = CapacityAt(usable=100, opened=100, closed=False, by_place={Place(ZoneId("park")): 100})
    assert at(7, "park") == open_park


def test_a_street_without_bays_is_not_closed() -> None:
    empty = Registry([("area", "tre", AREA), ("zone", "street", {**PLACE, "kind": "street"})])
    found = RulesAt(Timetable(empty), datetime(2026, 11, 18, 9, tzinfo=UTC)).capacity(
        empty.zones[ZoneId("street")]
    )

    assert found == CapacityAt(usable=0, opened=0, closed=False)


def test_l8_rules_of_one_minute_are_worked_out_once_and_few_are_kept() -> None:
    kept, area = Capacities(), AreaId("tre")
    noon = datetime(2026, 11, 18, 12, tzinfo=UTC)
    timetable = Timetable(REGISTRY)
    first = kept.rules(area, timetable, noon)

    assert kept.rules(area, timetable, noon + timedelta(seconds=59)) is first
    assert kept.rules(area, Timetable(REGISTRY), noon) is not first
    first = kept.rules(area, timetable, noon)
    for minute in range(MINUTES_MAX):
        kept.rules(area, timetable, noon + timedelta(minutes=1 + minute))
    assert kept.rules(area, timetable, noon) is not first
