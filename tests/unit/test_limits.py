"""When a limit runs out: within the hours of its rule, by the clock on the wall, and never where none applies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from occupancy.limits import Limits
from occupancy.model import BayId
from occupancy.registry import Registry
from tests.support.small_town import documents

BAY = BayId("high-st-0")
DAY = {"use": "limited_waiting", "days": "mon-sat", "starts": "08:00", "ends": "18:00", "max_stay_min": 120}


def registry(*rules: dict[str, Any], grace_min: int = 10) -> Registry:
    found = Registry(documents())
    area = documents()[0][2] | {"overstay_grace_min": grace_min}
    found.put("area", "town", area)
    for n, rule in enumerate(rules):
        found.put("rule", f"r{n}", {"area_id": "town", **rule})
    bay = next(doc for kind, id, doc in documents() if (kind, id) == ("bay", BAY))
    found.put("bay", BAY, bay | {"rule_ids": [f"r{n}" for n in range(len(rules))]})
    return found


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def over(found: Registry, arrived: str) -> tuple[str, str] | None:
    runs_out = Limits(found).runs_out(found.bays[BAY], at(arrived))
    if runs_out is None:
        return None
    return f"{runs_out.over_from:%a %H:%M}", f"{runs_out.over_to:%a %H:%M}" if runs_out.over_to else "never"


@pytest.mark.parametrize(
    ("arrived", "runs_out"),
    [
        ("2026-11-02 09:00", ("Mon 11:00", "Mon 18:00")),
        ("2026-11-02 06:30", ("Mon 10:00", "Mon 18:00")),  # counts from the beginning of the hours
        ("2026-11-02 15:49", ("Mon 17:49", "Mon 18:00")),
        ("2026-11-02 15:50", ("Tue 10:00", "Tue 18:00")),  # with the grace the hours are over
        ("2026-11-02 20:00", ("Tue 10:00", "Tue 18:00")),
        ("2026-11-07 17:00", ("Mon 10:00", "Mon 18:00")),  # no limit on Sunday
    ],
)
def test_a_limit_counts_within_its_hours(arrived: str, runs_out: tuple[str, str]) -> None:
    assert over(registry(DAY), arrived) == runs_out


def test_no_limit_never_runs_out() -> None:
    assert over(registry(), "2026-11-02 09:00") is None
    assert over(registry({"use": "free_parking", "days": "daily"}), "2026-11-02 09:00") is None
    assert over(registry(DAY, {"use": "suspended", "days": "daily"}), "2026-11-02 09:00") is None
    unknown = registry(DAY)
    unknown.remove("rule", "r0")
    assert over(unknown, "2026-11-02 09:00") is None


def test_the_shortest_limit_binds_and_another_counts_from_its_own_beginning() -> None:
    evening = {"use": "pay", "days": "daily", "starts": "18:00", "ends": "22:00", "max_stay_min": 60}
    assert over(registry(DAY, evening), "2026-11-02 16:30") == ("Mon 19:00", "Mon 22:00")
    short = DAY | {"max_stay_min": 30}
    assert over(registry(DAY, short), "2026-11-02 09:00") == ("Mon 09:30", "Mon 18:00")


def test_a_limit_over_midnight_goes_on_counting() -> None:
    late = {"use": "pay", "days": "daily", "starts": "18:00", "ends": "24:00", "max_stay_min": 120}
    early = {"use": "pay", "days": "daily", "starts": "00:00", "ends": "02:00", "max_stay_min": 120}
    assert over(registry(late, early), "2026-11-02 23:00") == ("Tue 01:00", "Tue 02:00")
    always = {"use": "pay", "days": "daily", "max_stay_min": 1500}
    assert over(registry(always), "2026-11-02 23:00") == ("Wed 00:00", "never")


def test_limits_go_by_the_clock_on_the_wall() -> None:
    """From 02:00 to 23:00 there: in UTC the same on 25 October, an hour earlier on 29 March."""
    rule = {"use": "pay", "days": "daily", "starts": "02:00", "ends": "23:00", "max_stay_min": 30}
    assert over(registry(rule), "2026-10-25 00:00") == ("Sun 02:30", "Sun 23:00")
    assert over(registry(rule), "2026-03-29 00:00") == ("Sun 01:30", "Sun 22:00")


def test_an_hour_that_comes_twice_is_limited_in_both_parts() -> None:
    rule = {"use": "pay", "days": "daily", "starts": "01:30", "ends": "02:30", "max_stay_min": 20}
    found = registry(rule, grace_min=0)
    limits, bay = Limits(found), found.bays[BAY]
    limited = [
        minute
        for minute in range(0, 240)
        if (part := limits.at(bay, at("2026-10-25 00:00") + timedelta(minutes=minute))) and part.limit_min
    ]
    assert limited == [*range(30, 60), *range(90, 150)]


def test_overrides_lift_a_limit_or_bring_one() -> None:
    found = registry(DAY)
    change = {"area_id": "town", "kind": "suspension", "reason": "works", "bay_ids": [BAY]}
    change |= {"starts_at": "2026-11-02T10:00:00Z", "ends_at": "2026-11-02T11:00:00Z"}
    found.put_override("w", change)
    assert over(found, "2026-11-02 09:00") == (
        "Mon 13:00",
        "Mon 18:00",
    )  # counts anew when the bay is open again
    match = {"use": "pay", "days": "daily", "max_stay_min": 45, "only_on": "event"}
    found = registry(match)
    assert over(found, "2026-11-02 09:00") is None
    found.put_override("e", change | {"kind": "event", "ends_at": "2026-11-02T15:00:00Z"})
    assert over(found, "2026-11-02 09:00") == ("Mon 10:45", "Mon 15:00")


def test_the_rule_in_force_is_that_of_the_version_valid_then() -> None:
    old = DAY | {"valid_to": "2026-11-03T00:00:00Z"}
    new = DAY | {"max_stay_min": 60, "valid_from": "2026-11-03T00:00:00Z"}
    found = registry(old, new)
    limits, bay = Limits(found), found.bays[BAY]
    told = [limits.at(bay, at(text)) for text in ("2026-11-02 09:00", "2026-11-03 09:00", "2026-11-03 19:00")]
    assert [(part.rule_id, part.limit_min) for part in told if part] == [
        ("r0", 120),
        ("r1", 60),
        (None, None),
    ]


def test_whom_the_limit_may_not_bind_is_said() -> None:
    shared = {
        "use": "shared",
        "days": "daily",
        "permit_areas": ["A"],
        "max_stay_min": 60,
        "exemptions": ["loading"],
    }
    found = registry(shared)
    runs_out = Limits(found).runs_out(found.bays[BAY], at("2026-11-02 09:00"))
    assert runs_out is not None
    assert runs_out.limit.exemptions == ("blue_badge", "loading", "permit:A")
