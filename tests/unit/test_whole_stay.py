"""L12: stays beside the edges of rules, days and hours; tests/property/test_whole_stay_laws.py has the law."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from occupancy.model import BayType, Terms, ZoneId
from occupancy.registry import Registry
from occupancy.whole_stay import Fit, Timetable, Visit

OFFERED: dict[str, dict[str, Any]] = {
    "wait": {
        "use": "limited_waiting",
        "days": "mon-sat",
        "starts": "08:00",
        "ends": "18:00",
        "max_stay_min": 60,
    },
    "short": {"use": "pay", "days": "daily", "starts": "09:00", "ends": "10:00", "max_stay_min": 30},
    "shared": {"use": "shared", "days": "daily", "permit_areas": ["A"], "max_stay_min": 60},
    "spared": {"use": "pay", "days": "daily", "max_stay_min": 60, "exemptions": ["ev"]},
    "goods": {"use": "loading", "days": "daily", "starts": "16:00", "ends": "18:00", "max_stay_min": 30},
    "night": {"use": "no_parking", "days": "sun", "starts": "01:00", "ends": "02:00"},
    "match": {"use": "suspended", "days": "daily", "starts": "14:00", "ends": "17:00", "only_on": "event"},
    "works": {"use": "suspended", "days": "daily", "valid_from": "2026-11-18T15:00:00Z"},
    "holiday": {"use": "resident", "days": "daily", "permit_areas": ["A"], "only_on": "bank_holiday"},
}
REGISTRY = Registry(
    [
        (
            "area",
            "tre",
            {
                "name": {"en": "Town"},
                "time_zone": "Europe/London",
                "languages": ["cy", "en"],
                "clock": "live",
                "bank_holidays": "GB-WLS",
            },
        ),
        (
            "calendar",
            "tre",
            {"area_id": "tre", "days": [{"type": "event", "from": "2026-11-19", "to": "2026-11-19"}]},
        ),
        *(("rule", rule_id, {"area_id": "tre", **doc}) for rule_id, doc in OFFERED.items()),
        (
            "zone",
            "park",
            {
                "area_id": "tre",
                "kind": "car_park",
                "name": {"en": "Park"},
                "lat": 51.48,
                "lon": -3.18,
                "capacity": 100,
                "opening": [{"days": "daily", "opens": "07:00", "closes": "24:00"}],
                "capacity_hours": [{"days": "daily", "starts": "18:00", "ends": "24:00", "capacity": 40}],
            },
        ),
    ]
)
REGISTRY.put_override(
    "derby",
    {
        "area_id": "tre",
        "kind": "event",
        "reason": "cup tie",
        "zone_ids": ["park"],
        "starts_at": "2026-11-18T12:00:00Z",
        "ends_at": "2026-11-18T20:00:00Z",
    },
)


def at(text: str) -> datetime:
    """An instant in UTC; Cardiff keeps it in November."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("rules", "arrives", "stay_min", "driver", "fit"),
    [
        (["wait"], "2026-11-18 12:00", 60, "general", Fit.USABLE),
        (["wait"], "2026-11-18 12:00", 61, "general", Fit.NOT_FOR_YOU),
        (["wait"], "2026-11-18 07:00", 120, "general", Fit.USABLE),  # counts from eight
        (["wait"], "2026-11-18 07:00", 121, "general", Fit.NOT_FOR_YOU),
        (["wait"], "2026-11-18 17:00", 840, "general", Fit.USABLE),  # an hour, the night, and until seven
        (["wait"], "2026-11-18 17:00", 961, "general", Fit.NOT_FOR_YOU),  # beyond nine of the next morning
        (["wait"], "2026-11-21 17:00", 2400, "general", Fit.USABLE),  # all Sunday
        (["wait"], "2026-11-18 12:00", 600, "blue_badge", Fit.USABLE),
        (["wait", "short"], "2026-11-18 08:30", 60, "general", Fit.USABLE),  # half an hour of each limit
        (["wait", "short"], "2026-11-18 08:30", 61, "general", Fit.NOT_FOR_YOU),
        (["shared"], "2026-11-18 12:00", 600, "permit:A", Fit.USABLE),
        (["shared"], "2026-11-18 12:00", 600, "permit:B", Fit.NOT_FOR_YOU),
        (["spared"], "2026-11-18 12:00", 600, "ev", Fit.USABLE),
        (["goods"], "2026-11-18 15:00", 60, "general", Fit.USABLE),
        (["goods"], "2026-11-18 15:00", 61, "general", Fit.NOT_FOR_YOU),
        (["goods"], "2026-11-18 16:00", 31, "loading", Fit.NOT_FOR_YOU),  # the limit is for those who load
        (["goods"], "2026-11-18 17:45", 60, "loading", Fit.USABLE),
        (["match"], "2026-11-19 13:00", 60, "general", Fit.USABLE),
        (["match"], "2026-11-19 13:00", 61, "general", Fit.SUSPENDED),
        (["match"], "2026-11-20 13:00", 600, "general", Fit.USABLE),
        (["works"], "2026-11-18 14:00", 60, "general", Fit.USABLE),
        (["works"], "2026-11-18 14:00", 61, "general", Fit.SUSPENDED),
        (["holiday"], "2026-12-24 20:00", 240, "general", Fit.USABLE),
        (["holiday"], "2026-12-24 20:00", 241, "general", Fit.NOT_FOR_YOU),
        # The night of 25 hours: one o'clock comes twice; that of 23 hours: it does not come.
        (["night"], "2026-10-24 22:00", 120, "general", Fit.USABLE),
        (["night"], "2026-10-24 22:00", 121, "general", Fit.CLOSED),
        (["night"], "2026-10-25 01:59", 1, "general", Fit.CLOSED),
        (["night"], "2026-10-25 02:00", 60, "general", Fit.USABLE),
        (["night"], "2026-03-28 22:00", 600, "general", Fit.USABLE),
        (["lost"], "2026-11-18 12:00", 1, "general", Fit.UNKNOWN),
    ],
)
def test_a_bay_is_usable_for_all_of_a_stay_or_not_at_all(
    rules: list[str], arrives: str, stay_min: int, driver: str, fit: Fit
) -> None:
    visit = Visit(Timetable(REGISTRY), at(arrives), stay_min)
    assert visit.fit(BayType.STANDARD, Terms(rule_ids=tuple(rules)), driver) is fit


def test_an_event_that_is_declared_brings_its_rules_into_force() -> None:
    visit = Visit(Timetable(REGISTRY), at("2026-11-18 13:00"), 61)
    assert visit.fit(BayType.STANDARD, Terms(rule_ids=("match",)), "general") is Fit.USABLE
    over = Terms(rule_ids=("match",), override_ids=("derby",))
    assert visit.fit(BayType.STANDARD, over, "general") is Fit.SUSPENDED
    assert (
        Visit(Timetable(REGISTRY), at("2026-11-18 13:00"), 60).fit(BayType.STANDARD, over, "general")
        is Fit.USABLE
    )


def test_a_bay_leaves_its_service() -> None:
    terms = Terms(in_service_to=at("2026-11-18 13:00"))
    for stay_min, fit in ((60, Fit.USABLE), (61, Fit.CLOSED)):
        visit = Visit(Timetable(REGISTRY), at("2026-11-18 12:00"), stay_min)
        assert visit.fit(BayType.STANDARD, terms, "general") is fit


@pytest.mark.parametrize(
    ("arrives", "stay_min", "found"),
    [
        ("2026-11-18 12:00", 360, (Fit.USABLE, 100)),
        ("2026-11-18 12:00", 361, (Fit.USABLE, 40)),
        ("2026-11-18 12:00", 720, (Fit.USABLE, 40)),  # until midnight, when it shuts
        ("2026-11-18 12:00", 721, (Fit.CLOSED, 40)),
        ("2026-11-18 06:59", 1, (Fit.CLOSED, 100)),
    ],
)
def test_a_car_park_is_open_all_along_and_holds_the_least_of_it(
    arrives: str, stay_min: int, found: tuple[Fit, int]
) -> None:
    visit = Visit(Timetable(REGISTRY), at(arrives), stay_min)
    assert visit.car_park(REGISTRY.zones[ZoneId("park")]) == found
