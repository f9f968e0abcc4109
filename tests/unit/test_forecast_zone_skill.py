"""What was told of a zone of several places, held against what came."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from occupancy.forecast.issue import HORIZONS, Place
from occupancy.forecast.nearby import AT_ONE_SPOT, any_of
from occupancy.forecast.places import members_of
from occupancy.forecast.skill import Guesses
from occupancy.forecast.zone_skill import WholeZones, answered
from occupancy.model import ZoneId
from occupancy.registry import Registry
from tests.support.issues import ISSUED_AT, issue_of

HIGH, SIDE = ZoneId("high"), ZoneId("side")
FREE, LIMITED = (Place(HIGH, rule_ids=rules) for rules in ((), ("hour",)))
ISSUE = issue_of([FREE, LIMITED, Place(SIDE)], [4, 2, 4], [0.25, 0.5, 0.5])
USABLE = {HIGH: {FREE: 4, LIMITED: 2}}
USUAL = Guesses(np.array([0.5, 0.5, 0.5]), np.array([0.6, 0.8, 0.9]))
NOTHING = np.full(3, np.nan)


def test_one_answer_is_held_against_what_came_and_against_two_guesses() -> None:
    full, one_left = np.array([1.0, 1.0, 0.0]), np.array([1.0, 0.5, 1.0])
    told = any_of([float(ISSUE.any_free[0, 1]), float(ISSUE.any_free[1, 1])], AT_ONE_SPOT)
    none = answered(ISSUE, 1, USABLE, full, one_left, USUAL)
    assert set(none) == {HIGH}, "a zone of one place is not here"
    assert none[HIGH].zone_answers == 1
    assert none[HIGH].forecasts == 0
    assert none[HIGH].zone_brier == pytest.approx(told**2, abs=1e-4)
    assert none[HIGH].zone_brier_usual == pytest.approx(any_of([0.6, 0.8], AT_ONE_SPOT) ** 2)
    assert none[HIGH].zone_brier_now == 1
    some = answered(ISSUE, 1, USABLE, one_left, full, USUAL)
    assert some[HIGH].zone_brier == pytest.approx((1 - told) ** 2, abs=1e-4)
    assert some[HIGH].zone_brier_now == 1


def test_what_was_not_known_now_is_taken_as_usual() -> None:
    came = answered(ISSUE, 0, USABLE, np.zeros(3), np.array([1.0, np.nan, 0.0]), USUAL)
    assert came[HIGH].zone_brier_now == pytest.approx((1 - 0.8) ** 2)


@pytest.mark.parametrize("truth", [NOTHING, np.array([0.0, np.nan, 0.0])])
def test_an_answer_is_scored_where_all_of_it_is_known(truth: Any) -> None:
    """Of one place alone it can be seen that a bay is free, never that none is: that would flatter."""
    assert answered(ISSUE, 0, USABLE, truth, NOTHING, USUAL) == {}
    alone = answered(ISSUE, 0, {HIGH: {FREE: 4}}, np.array([0.0, np.nan, 0.0]), NOTHING, USUAL)
    assert alone[HIGH].zone_brier == pytest.approx((1 - ISSUE.any_free[0, 0]) ** 2)


def test_places_that_are_new_since_the_issue_make_no_answer() -> None:
    new = {HIGH: {FREE: 4, Place(HIGH, rule_ids=("new",)): 1}}
    assert answered(ISSUE, len(HORIZONS) - 1, new, np.zeros(3), NOTHING, USUAL) == {}


def test_l12_only_what_anybody_may_use_then_counts() -> None:
    """Residents' bays never do, a loading bay from seven in the evening on."""
    area = {"name": {"en": "T"}, "time_zone": "Europe/London", "languages": ["en"], "clock": "live"}
    registry = Registry([("area", "t", area)])
    residents = {"area_id": "t", "use": "resident", "days": "daily", "permit_areas": ["A"]}
    loading = {"area_id": "t", "use": "loading", "days": "daily", "starts": "07:00", "ends": "19:00"}
    registry.put("rule", "res", residents)
    registry.put("rule", "load", loading)
    for zone in (HIGH, SIDE):
        street = {"area_id": "t", "kind": "street", "name": {"en": zone}, "lat": 51.48, "lon": -3.18}
        registry.put("zone", zone, street)
    for number, rules in enumerate(([], [], ["res"], ["load"])):
        bay = {"area_id": "t", "zone_id": HIGH, "bay_type": "standard", "lat": 51.48, "lon": -3.18}
        registry.put("bay", f"high-{number}", {**bay, "rule_ids": rules})
    bay = {"area_id": "t", "zone_id": SIDE, "bay_type": "standard", "lat": 51.48, "lon": -3.18}
    registry.put("bay", "side-0", bay)
    zones = WholeZones(registry, members_of(registry))
    assert zones.usable(ISSUED_AT) == {HIGH: {Place(HIGH): 2}}
    evening = datetime(2026, 11, 18, 19, 0, tzinfo=UTC)
    assert zones.usable(evening) == {HIGH: {Place(HIGH): 2, Place(HIGH, rule_ids=("load",)): 1}}
    closed = {"area_id": "t", "kind": "closure", "reason": "works", "zone_ids": ["high"]}
    registry.put_override("works", {**closed, "starts_at": "2026-11-18T18:00:00Z"})
    assert WholeZones(registry, members_of(registry)).usable(evening) == {}
