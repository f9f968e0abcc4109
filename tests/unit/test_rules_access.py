"""Who may use a bay when: the strength of rules, their windows, and the calendar (L12)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from occupancy.model import BayId, BayType, NaiveTimeError, ZoneId
from occupancy.registry import Registry, RegistryError
from occupancy.rules import Access, access_at, access_of, admits, is_open, rules_at
from tests.support.registry_samples import sample

TUESDAY = datetime(2026, 7, 7, tzinfo=UTC)  # British summer time: the wall clock is an hour ahead


def with_rules(*rules: dict[str, Any]) -> Registry:
    docs: list[tuple[str, str, object]] = [(*key, doc) for key, doc in sample().items()]
    docs += [("rule", f"r{n}", {"area_id": "tre", "days": "daily", **rule}) for n, rule in enumerate(rules)]
    return Registry(docs)


def access(bay_type: BayType, *rules: dict[str, Any], at: datetime = TUESDAY) -> Access:
    return access_of(with_rules(*rules), tuple(f"r{n}" for n in range(len(rules))), bay_type, at)


PAY = {"use": "pay", "max_stay_min": 120}
LIMITED = {"use": "limited_waiting", "max_stay_min": 60}
RESIDENT = {"use": "resident", "permit_areas": ["A", "B"]}
SHARED = {"use": "shared", "permit_areas": ["C"], "max_stay_min": 90}
STANDARD = BayType.STANDARD


@pytest.mark.parametrize(
    ("bay_type", "rules", "admitted", "max_stay_min"),
    [
        (STANDARD, [], {"general"}, None),
        (BayType.BLUE_BADGE, [], {"blue_badge"}, None),
        (BayType.EV, [], {"ev"}, None),
        (STANDARD, [PAY], {"general"}, 120),
        (STANDARD, [PAY, LIMITED], {"general"}, 60),
        (STANDARD, [{"use": "free_parking"}], {"general"}, None),
        (STANDARD, [RESIDENT], {"permit:A", "permit:B"}, None),
        (STANDARD, [SHARED], {"general", "permit:C"}, 90),
        (STANDARD, [SHARED, RESIDENT], {"permit:A", "permit:B"}, 90),
        (STANDARD, [RESIDENT, {"use": "blue_badge"}], {"permit:A", "permit:B", "blue_badge"}, None),
        (STANDARD, [{"use": "loading"}], {"loading"}, None),
        (BayType.LOADING, [PAY], {"loading"}, 120),
        (BayType.BLUE_BADGE, [{"use": "blue_badge", "max_stay_min": 180}], {"blue_badge"}, 180),
        (BayType.EV, [SHARED], {"ev"}, 90),
        (BayType.EV, [RESIDENT], set(), None),
    ],
)
def test_l12_rules_and_type_decide_who_may_use_a_bay(
    bay_type: BayType, rules: list[dict[str, Any]], admitted: set[str], max_stay_min: int | None
) -> None:
    found = access(bay_type, *rules)
    assert (found.admits, found.max_stay_min, found.closed) == (admitted, max_stay_min, False)
    assert found.rules == tuple(f"r{n}" for n in range(len(rules)))


@pytest.mark.parametrize("use", ["suspended", "no_parking"])
@pytest.mark.parametrize("bay_type", list(BayType))
def test_l12_closing_wins_over_everything(use: str, bay_type: BayType) -> None:
    found = access(bay_type, PAY, {"use": use}, RESIDENT)
    assert (found.admits, found.max_stay_min, found.closed) == (set(), None, True)
    assert found.suspended == (use == "suspended")


def test_l4_a_bay_whose_rules_are_not_known_is_claimed_for_nobody() -> None:
    assert access_of(with_rules(), ("lost",), STANDARD, TUESDAY) == Access(frozenset(), None, closed=False)


def test_admits() -> None:
    assert admits(frozenset({"general"}), "permit:X")
    assert admits(frozenset({"general"}), "blue_badge")
    assert admits(frozenset({"blue_badge"}), "blue_badge")
    assert not admits(frozenset({"blue_badge", "permit:A"}), "general")
    assert not admits(frozenset({"permit:A"}), "permit:B")
    assert not admits(frozenset(), "general")


def in_force(registry: Registry, bay: str, at: datetime) -> list[str]:
    return [rule.rule_id for rule in rules_at(registry, registry.bays[BayId(bay)], at)]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2026, 7, 7, 6, 59, tzinfo=UTC), []),  # 07:59 on the wall
        (datetime(2026, 7, 7, 7, 0, tzinfo=UTC), ["tre-2h"]),  # 08:00
        (datetime(2026, 7, 7, 16, 59, 59, tzinfo=UTC), ["tre-2h"]),
        (datetime(2026, 7, 7, 17, 0, tzinfo=UTC), []),  # 18:00
        (datetime(2026, 12, 8, 8, 0, tzinfo=UTC), ["tre-2h"]),  # winter: the wall clock is UTC
        (datetime(2026, 7, 5, 12, 0, tzinfo=UTC), []),  # a Sunday
        (datetime(2026, 5, 25, 12, 0, tzinfo=UTC), []),  # the spring bank holiday
        (datetime(2026, 9, 8, 7, 30, tzinfo=UTC), ["tre-2h", "tre-school"]),  # school term
        (datetime(2026, 10, 26, 8, 30, tzinfo=UTC), ["tre-2h"]),  # half term
    ],
)
def test_rules_are_in_force_by_the_wall_clock_and_the_calendar(at: datetime, expected: list[str]) -> None:
    assert in_force(with_rules(), "queen-st-001", at) == expected


def test_a_rule_holds_from_its_first_instant_until_before_its_last() -> None:
    first, last = "2026-07-07T10:00:00Z", "2026-07-07T11:00:00Z"
    registry = with_rules({"use": "suspended", "valid_from": first, "valid_to": last})
    closed = [
        access_of(registry, ("r0",), STANDARD, TUESDAY.replace(hour=hour, minute=minute)).closed
        for hour, minute in ((9, 59), (10, 0), (10, 59), (11, 0))
    ]
    assert closed == [False, True, True, False]


def test_a_car_park_is_open_by_its_own_hours() -> None:
    registry = with_rules()
    zone = registry.zones[ZoneId("castle-mews")]
    assert not is_open(registry, zone, datetime(2026, 7, 7, 5, 59, tzinfo=UTC))
    assert is_open(registry, zone, datetime(2026, 7, 7, 6, 0, tzinfo=UTC))
    assert not is_open(registry, zone, datetime(2026, 7, 7, 21, 0, tzinfo=UTC))
    assert not is_open(registry, zone, datetime(2026, 7, 5, 7, 59, tzinfo=UTC))
    assert is_open(registry, registry.zones[ZoneId("queen-st")], datetime(2026, 7, 7, 2, 0, tzinfo=UTC))


def test_access_at_asks_the_bay() -> None:
    registry = with_rules()
    bay = registry.bays[BayId("queen-st-002")]
    assert access_at(registry, bay, TUESDAY).admits == {"blue_badge"}


def test_l7_naive_times_and_missing_areas_are_refused() -> None:
    registry = with_rules(PAY)
    with pytest.raises(NaiveTimeError):
        access_of(registry, ("r0",), STANDARD, datetime(2026, 7, 7))  # noqa: DTZ001
    registry.remove("area", "tre")
    with pytest.raises(RegistryError, match="not registered"):
        access_of(registry, ("r0",), STANDARD, TUESDAY)
