"""L12: what a driver is shown is what that driver may use, and in one word what the zone is for that driver."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occupancy.drivers import Asker, Status, usable, usable_by, withheld
from occupancy.model import (
    BayType,
    Counts,
    Group,
    Name,
    Source,
    Terms,
    Zone,
    ZoneAvailability,
    ZoneId,
    ZoneKind,
)
from occupancy.model.ids import AreaId
from occupancy.registry import Registry
from occupancy.whole_stay import Timetable, Visit


def group(access: set[str], free: int = 0, occupied: int = 0, unknown: int = 0, closed: int = 0) -> Group:
    return Group(
        bay_type=BayType.STANDARD,
        access=frozenset(access),
        counts=Counts(free=free, occupied=occupied, unknown=unknown, closed=closed),
        terms=Terms(rule_ids=("r",), rules_in_force=("r",)),
    )


STREET = Zone(
    zone_id=ZoneId("z"),
    area_id=AreaId("tre"),
    kind=ZoneKind.STREET,
    name=Name(en="Street"),
    lat=51.0,
    lon=-3.0,
)
GROUPS = (
    group({"general"}, 1, 1),
    group({"general", "permit:A"}, 10, 1),
    group({"permit:A"}, 100, 1),
    group({"blue_badge"}, 1000, 1),
    group(set(), closed=10000),
)


def answer(*groups: Group) -> ZoneAvailability:
    counts = sum((each.counts for each in groups), Counts())
    return ZoneAvailability(
        zone_id=ZoneId("z"),
        groups=groups,
        free_min=counts.free,
        free_max=counts.free + counts.unknown,
        as_of=None,
        source=Source.SENSOR,
        confidence=1.0,
        coverage=1.0,
        counts=counts,
    )


@pytest.mark.parametrize(
    ("driver", "free"),
    [("general", 11), ("permit:A", 111), ("permit:B", 11), ("blue_badge", 1011), ("ev", 11)],
)
def test_l12_only_bays_for_this_driver_count(driver: str, free: int) -> None:
    assert usable(GROUPS, driver).free == free
    assert usable_by(STREET, answer(*GROUPS), Asker(driver)).counts.free == free


SUSPENDED = Group(
    bay_type=BayType.STANDARD, access=frozenset(), counts=Counts(closed=5), suspended=True, terms=Terms()
)


@pytest.mark.parametrize(
    ("groups", "status"),
    [
        ([group({"general"}, 1, 3, 2)], Status.FREE),
        ([group({"general"}, 0, 3, 2)], Status.UNKNOWN),
        ([group({"general"}, 0, 3), group({"permit:A"}, 4)], Status.FULL),
        ([group({"general"}, 0, 3), SUSPENDED], Status.FULL),
        ([group({"permit:A"}, 4)], Status.NOT_FOR_YOU),
        ([group(set(), closed=4)], Status.CLOSED),
        ([SUSPENDED], Status.SUSPENDED),
        ([SUSPENDED, group({"permit:A"}, 2)], Status.SUSPENDED),
        ([SUSPENDED, group({"permit:A"}, 6)], Status.NOT_FOR_YOU),
        ([Group(bay_type=BayType.STANDARD, access=frozenset(), counts=Counts(unknown=3))], Status.UNKNOWN),
        ([], Status.UNKNOWN),
    ],
)
def test_l4_each_reason_for_nothing_is_another_answer(groups: list[Group], status: Status) -> None:
    assert usable_by(STREET, answer(*groups)).status is status


def test_l4_where_nothing_is_known_of_the_terms_no_stay_is_claimed() -> None:
    bare = Group(bay_type=BayType.STANDARD, access=frozenset({"general"}), counts=Counts(free=3))
    visit = Visit(Timetable(Registry()), datetime(2026, 11, 18, 12, tzinfo=UTC), 60)

    own = usable_by(STREET, answer(bare), visit=visit)

    assert (own.counts, own.status) == (Counts(), Status.UNKNOWN)


def test_l12_only_bays_with_the_connector_count() -> None:
    with_ccs = Group(
        bay_type=BayType.STANDARD,
        access=frozenset({"general"}),
        counts=Counts(free=2),
        terms=Terms(ev_connectors=("ccs",)),
    )
    found = answer(with_ccs, group({"general"}, 5))

    assert usable_by(STREET, found, Asker(ev_connector="ccs")).counts.free == 2
    assert usable_by(STREET, found, Asker(ev_connector="type2")).status is Status.NOT_FOR_YOU


counts = st.builds(
    Counts,
    free=st.integers(0, 3),
    occupied=st.integers(0, 3),
    unknown=st.integers(0, 3),
    closed=st.integers(0, 3),
)
groups = st.lists(
    st.builds(
        Group,
        bay_type=st.sampled_from(BayType),
        access=st.frozensets(st.sampled_from(["general", "permit:A", "ev"])),
        counts=counts,
        max_stay_min=st.none() | st.integers(1, 600),
        suspended=st.booleans(),
        terms=st.none() | st.just(Terms(rule_ids=("r",), rules_in_force=("r",))),
    ),
    max_size=5,
)
drivers = st.sampled_from(["general", "permit:A", "ev"])


@given(groups, drivers)
def test_l4_the_status_never_says_otherwise_than_the_counts(held: list[Group], driver: str) -> None:
    found = answer(*held)
    for known in (found, withheld(found)):
        own = usable_by(STREET, known, Asker(driver))
        bays, status = own.counts, own.status
        assert (status is Status.FREE) == (bays.free > 0)
        if status is Status.FULL:
            assert bays.occupied > 0
            assert bays.free == bays.unknown == 0
        if status in (Status.CLOSED, Status.SUSPENDED, Status.NOT_FOR_YOU):
            assert bays.free == bays.occupied == bays.unknown == 0
        if bays.unknown and not bays.free:
            assert status is Status.UNKNOWN
        assert bays.capacity + sum(own.refused.values()) == known.counts.capacity


@given(groups)
def test_l4_what_is_withheld_claims_nothing_and_still_adds_up(held: list[Group]) -> None:
    known = answer(*held)
    total = known.counts

    after = withheld(known)

    assert after.counts == Counts(unknown=total.capacity - total.closed, closed=total.closed)
    assert (after.free_min, after.free_max) == (0, total.capacity - total.closed)
    assert (after.confidence, after.coverage) == (1.0 if total.all_closed else 0.0, 0.0)
