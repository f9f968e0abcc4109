"""L12: what a driver is shown is what that driver may use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occupancy.drivers import usable, withheld
from occupancy.model import BayType, Counts, Group, Source, ZoneAvailability, ZoneId


def group(access: set[str], free: int, max_stay_min: int | None = None) -> Group:
    return Group(
        bay_type=BayType.STANDARD,
        access=frozenset(access),
        counts=Counts(free=free, occupied=1),
        max_stay_min=max_stay_min,
    )


GROUPS = (
    group({"general"}, 1),
    group({"general", "permit:A"}, 10, max_stay_min=120),
    group({"permit:A"}, 100),
    group({"blue_badge"}, 1000),
    group(set(), 10000),
)


@pytest.mark.parametrize(
    ("driver", "stay_min", "free"),
    [
        ("general", None, 11),
        ("general", 120, 11),
        ("general", 121, 1),
        ("permit:A", 121, 111),
        ("permit:B", 121, 1),
        ("blue_badge", 121, 1001),
        ("ev", None, 11),
    ],
)
def test_l12_only_bays_for_this_driver_and_stay_count(driver: str, stay_min: int | None, free: int) -> None:
    assert usable(GROUPS, driver, stay_min).free == free


counts = st.builds(
    Counts,
    free=st.integers(0, 50),
    occupied=st.integers(0, 50),
    unknown=st.integers(0, 50),
    closed=st.integers(0, 50),
)
groups = st.lists(
    st.builds(
        Group,
        bay_type=st.sampled_from(BayType),
        access=st.frozensets(st.sampled_from(["general", "permit:A", "ev"])),
        counts=counts,
        max_stay_min=st.none() | st.integers(1, 600),
    ),
    max_size=5,
)


@given(groups)
def test_l4_what_is_withheld_claims_nothing_and_still_adds_up(held: list[Group]) -> None:
    total = sum((each.counts for each in held), Counts())
    known = ZoneAvailability(
        zone_id=ZoneId("z"),
        groups=tuple(held),
        free_min=total.free,
        free_max=total.free + total.unknown,
        as_of=None,
        source=Source.SENSOR,
        confidence=1.0,
        coverage=1.0,
        counts=total,
    )

    after = withheld(known)

    assert after.counts == Counts(unknown=total.capacity - total.closed, closed=total.closed)
    assert (after.free_min, after.free_max) == (0, total.capacity - total.closed)
    assert (after.confidence, after.coverage) == (1.0 if total.all_closed else 0.0, 0.0)


@given(groups, st.sampled_from(["general", "permit:A", "ev"]), st.none() | st.integers(1, 600))
def test_l12_a_longer_stay_never_frees_a_bay(held: list[Group], driver: str, stay_min: int | None) -> None:
    assert usable(held, driver, stay_min).capacity >= usable(held, driver, 10_000).capacity
