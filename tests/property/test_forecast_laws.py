"""What holds of every outlook, whatever is known."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occupancy.forecast.capacity import CapacityAt
from occupancy.forecast.outlook import HorizonError, Outlook, outlook
from occupancy.forecast.profile import Cell, Profile, Week, profile_of
from occupancy.model import (
    Area,
    AreaId,
    BayType,
    Clock,
    Counts,
    Group,
    Name,
    Source,
    ZoneAvailability,
    ZoneId,
)

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
AREA = Area(
    area_id=AreaId("tre"),
    name=Name(en="Town"),
    time_zone="Europe/London",
    languages=("en",),
    clock=Clock.LIVE,
)
WEEK = Week(AREA, None)


def seen(free: int, occupied: int, unknown: int = 0, closed: int = 0) -> ZoneAvailability:
    counts = Counts(free=free, occupied=occupied, unknown=unknown, closed=closed)
    return ZoneAvailability(
        zone_id=ZoneId("s"),
        groups=(Group(bay_type=BayType.STANDARD, access=frozenset({"general"}), counts=counts),),
        free_min=free,
        free_max=free + unknown,
        as_of=NOW,
        source=Source.SENSOR,
        confidence=0.9,
        coverage=0.5,
        counts=counts,
    )


def usual(share: float, weeks: int = 8) -> Profile:
    """Noon until two, every Wednesday."""
    cells = [
        Cell(
            NOW - timedelta(weeks=week) + timedelta(minutes=15 * quarter),
            1000 * (1 - share),
            1000 * share,
            0,
        )
        for week in range(1, weeks + 1)
        for quarter in range(8)
    ]
    return profile_of(cells, WEEK, NOW)


def ahead(
    now_seen: ZoneAvailability, profile: Profile | None, minutes: float, bays: int | None = None
) -> Outlook:
    opened = now_seen.counts.capacity - now_seen.counts.closed
    usable = opened if bays is None else bays
    return outlook(
        now_seen,
        profile,
        CapacityAt(usable, max(usable, opened), closed=False),
        driver="general",
        prior_share=0.5,
        now=NOW,
        at=NOW + timedelta(minutes=minutes),
    )


few = st.integers(0, 60)
profiles = st.none() | st.builds(usual, st.floats(0, 1), st.integers(1, 8))


@given(
    st.builds(seen, few, few, few, few),
    profiles,
    st.integers(0, 1500),
    st.integers(0, 2000),
    st.integers(0, 1440),
    st.booleans(),
    st.integers(-60, 4000),
)
def test_an_outlook_holds_together(
    now_seen: ZoneAvailability,
    profile: Profile | None,
    usable: int,
    others: int,
    minutes: int,
    trusted: bool,
    age_s: int,
) -> None:
    found = outlook(
        now_seen,
        profile,
        CapacityAt(usable, usable + others, closed=usable == 0 and others == 0),
        driver="general",
        prior_share=0.5,
        now=NOW,
        at=NOW + timedelta(minutes=minutes),
        seen_to=NOW - timedelta(seconds=age_s),
        trusted=trusted,
    )

    assert found.usable_capacity == usable
    assert 0 <= found.free_low <= found.free_high <= usable
    assert found.source in (Source.TYPICAL, Source.PRIOR)
    assert (found.source is Source.TYPICAL) == (found.cells > 0)
    assert (found.expected_free is None) == (found.p_any is None)
    if found.expected_free is not None and found.p_any is not None:
        assert found.free_low <= found.expected_free <= found.free_high
        assert 0 <= found.p_any <= 1
        assert usable == 0 or 0 < found.p_any < 1
    elif not trusted:
        assert (found.free_low, found.free_high) == (0, usable)


@given(st.integers(1, 500), st.integers(0, 1440), st.integers(0, 20))
def test_l4_unknown_without_a_profile_is_no_claim(bays: int, minutes: int, closed: int) -> None:
    found = ahead(seen(0, 0, bays, closed), None, minutes)

    assert (found.expected_free, found.p_any, found.source) == (None, None, Source.PRIOR)
    assert (found.free_low, found.free_high) == (0, bays)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 1000), st.integers(1, 400))
def test_the_present_fades(free: int, occupied: int, minutes: int, more: int) -> None:
    near, far = (ahead(seen(free, occupied), None, after) for after in (minutes, minutes + more))
    half = (free + occupied) / 2

    assert near.expected_free is not None
    assert far.expected_free is not None
    assert abs(far.expected_free - half) <= abs(near.expected_free - half) + 1e-9


def test_less_known_is_a_wider_band() -> None:
    def width(found: Outlook) -> int:
        return found.free_high - found.free_low

    known, half = seen(20, 20), seen(10, 10, 20)
    assert width(ahead(known, None, 5)) < width(ahead(half, None, 5))
    assert width(ahead(known, None, 5)) < width(ahead(known, None, 60)) < width(ahead(known, None, 600))
    assert width(ahead(known, usual(0.5), 60)) < width(ahead(known, None, 60))
    assert width(ahead(known, usual(0.5, 8), 60)) < width(ahead(known, usual(0.5, 3), 60))


def test_what_is_usual_takes_over_from_what_is_seen() -> None:
    full = seen(0, 40)

    soon, later = ahead(full, usual(0.25), 5), ahead(full, usual(0.25), 90)
    assert soon.source is later.source is Source.TYPICAL
    assert soon.expected_free is not None
    assert later.expected_free is not None
    assert soon.expected_free < later.expected_free < 30


def test_l4_a_typical_value_stands_without_sensors_and_not_behind_a_dead_pipeline() -> None:
    blind = seen(0, 0, 40)

    assert ahead(blind, usual(0.25), 30).expected_free == pytest.approx(30)
    withheld = outlook(
        blind,
        usual(0.25),
        CapacityAt(40, 40, closed=False),
        driver="general",
        prior_share=0.5,
        now=NOW,
        at=NOW,
        trusted=False,
    )
    assert (withheld.expected_free, withheld.free_high) == (None, 40)


def test_l12_what_is_usual_for_others_bays_is_not_used() -> None:
    mixed = replace(
        seen(1, 9),
        groups=(
            Group(
                bay_type=BayType.STANDARD, access=frozenset({"permit:A"}), counts=Counts(free=0, occupied=8)
            ),
            Group(
                bay_type=BayType.STANDARD, access=frozenset({"general"}), counts=Counts(free=1, occupied=1)
            ),
        ),
    )

    found = ahead(mixed, usual(0.9), 5, bays=2)
    assert found.source is Source.PRIOR
    assert found.expected_free == pytest.approx(1.0, abs=0.05)


def test_closed_on_arrival_is_said() -> None:
    found = outlook(
        seen(5, 5),
        usual(0.5),
        CapacityAt(0, 0, closed=True),
        driver="general",
        prior_share=0.5,
        now=NOW,
        at=NOW + timedelta(hours=9),
        trusted=False,
    )

    assert (found.closed, found.usable_capacity, found.expected_free, found.p_any) == (True, 0, 0, 0)


@pytest.mark.parametrize("minutes", [-1, 1441])
def test_an_arrival_outside_the_horizon_is_refused(minutes: int) -> None:
    with pytest.raises(HorizonError):
        ahead(seen(5, 5), None, minutes)


def test_where_nothing_is_usual_what_is_seen_fades_into_what_is_usual_elsewhere() -> None:
    def free_tomorrow(prior_share: float) -> float | None:
        now_seen, bays = seen(20, 20), CapacityAt(40, 40, closed=False)
        at = NOW + timedelta(days=1)
        found = outlook(now_seen, None, bays, driver="general", prior_share=prior_share, now=NOW, at=at)
        assert found.source is Source.PRIOR
        return found.expected_free

    assert free_tomorrow(0.76) == pytest.approx(40 * 0.24, abs=1)
    assert free_tomorrow(0.12) == pytest.approx(40 * 0.88, abs=2)
