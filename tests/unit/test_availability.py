"""What a zone says of bays that are not known, and of sensors that are not believed (L4, L5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occupancy.answers import zone_answer
from occupancy.availability import GENERAL, street_availability
from occupancy.drivers import Asker, withheld
from occupancy.model import (
    BayId,
    BayState,
    BayType,
    Counts,
    Group,
    State,
    ZoneAvailability,
    ZoneId,
    estimate_of_all,
    sum_of_estimates,
)
from occupancy.registry import Registry
from occupancy.rules import access_at
from tests.support.small_town import documents

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def bay(number: int, state: State, *, suspect: bool = False, confidence: float = 1.0) -> BayState:
    return BayState(
        bay_id=BayId(f"high-st-{number}"),
        state=state,
        since=NOON,
        as_of=NOON,
        confidence=confidence,
        reason="said",
        suspect=suspect,
    )


def street(*states: BayState) -> ZoneAvailability:
    registry = Registry(documents(bays=len(states) + 1))
    return street_availability(
        registry.zones[ZoneId("high-st")],
        registry.bays_by_zone[ZoneId("high-st")],
        {state.bay_id: state for state in states},
        lambda bay: access_at(registry, bay, NOON),
        NOON,
        registry.overrides,
    )


def test_a_suspect_bay_leaves_the_certain_counts_and_widens_the_bounds() -> None:
    believed = street(bay(0, State.FREE), bay(1, State.FREE), bay(2, State.OCCUPIED))
    assert (believed.counts.free, believed.free_min, believed.free_max) == (2, 2, 3)
    suspect = street(
        bay(0, State.FREE), bay(1, State.FREE, suspect=True), bay(2, State.OCCUPIED, suspect=True)
    )
    assert suspect.counts == Counts(free=1, occupied=0, unknown=3)
    assert (suspect.free_min, suspect.free_max) == (1, 4)
    assert suspect.coverage == 0.25


@pytest.mark.parametrize(
    ("counts", "estimate"),
    [
        (Counts(free=2, occupied=2), 2.0),
        (Counts(free=1, occupied=3, unknown=2), 1.5),
        (Counts(free=0, occupied=3, unknown=3), 0.0),
        (Counts(free=1, occupied=1, unknown=1), None),  # two are too few to go by
        (Counts(free=2, occupied=2, unknown=5), None),  # more is unknown than known
        (Counts(unknown=4), None),
        (Counts(closed=4), 0.0),
    ],
)
def test_an_estimate_needs_ground(counts: Counts, estimate: float | None) -> None:
    group = Group(bay_type=BayType.STANDARD, access=frozenset({"general"}), counts=counts)
    assert group.estimated_free == estimate


def test_the_estimate_is_for_the_driver_and_labelled() -> None:
    states = [bay(n, State.FREE if n < 2 else State.OCCUPIED) for n in range(8)]
    known = street(*states[:7], replace(states[7], state=State.UNKNOWN))
    registry = Registry(documents())
    zone = registry.zones[ZoneId("high-st")]
    answer = zone_answer(zone, known)
    # The Blue Badge bay is unknown and alone of its kind: in the zone as a whole it is like the seven others.
    assert answer["estimated_free"] == {"free": 3, "usable": 2, "source": "estimate"}
    # A driver who may use it is told nothing of it by what the others are like.
    badge = zone_answer(zone, known, Asker("blue_badge"))
    assert badge["estimated_free"] == {"free": 3, "usable": None, "source": "estimate"}
    assert zone_answer(zone, withheld(known))["estimated_free"] is None


counts = st.builds(
    Counts,
    free=st.integers(0, 9),
    occupied=st.integers(0, 9),
    unknown=st.integers(0, 9),
    closed=st.integers(0, 3),
)


@given(st.lists(counts, max_size=4))
def test_l4_an_estimate_lies_within_the_bounds(found: list[Counts]) -> None:
    groups = [Group(bay_type=BayType.STANDARD, access=frozenset({"general"}), counts=one) for one in found]
    estimate = sum_of_estimates(groups)
    if estimate is not None:
        free = sum(one.free for one in found)
        assert free <= estimate <= free + sum(one.unknown for one in found)


def test_a_group_that_nobody_hears_is_like_all_others_together() -> None:
    known = Group(bay_type=BayType.STANDARD, access=GENERAL, counts=Counts(free=5, occupied=5))
    silent = Group(bay_type=BayType.BLUE_BADGE, access=GENERAL, counts=Counts(unknown=4))
    assert estimate_of_all([known, silent]) == 7
    assert estimate_of_all([silent]) is None
    few = Group(bay_type=BayType.STANDARD, access=GENERAL, counts=Counts(free=3))
    assert estimate_of_all([few, silent]) is None


def test_bays_cut_off_by_an_outage_are_estimated_as_they_were_before_it() -> None:
    counts = Counts(free=1, occupied=0, unknown=5)
    group = Group(bay_type=BayType.STANDARD, access=GENERAL, counts=counts, guessed=4, guessed_free=1.0)
    assert group.estimated_free == 2 + 1 * 2 / 5
    assert Group(bay_type=BayType.STANDARD, access=GENERAL, counts=counts).estimated_free is None
