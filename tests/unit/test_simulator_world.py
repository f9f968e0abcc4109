"""The simulated city: one vehicle in a bay, within capacity, believable, and the same for the same seed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.civil import LocalWeek
from simulator.plan import Admission, BayPlan, CarParkPlan, CityPlan, Profile, Timetable
from simulator.streets import BETWEEN_VEHICLES_MS
from simulator.world import BayChanged, Passed, World

MONDAY = datetime(2026, 10, 12, tzinfo=UTC)
HOUR_MS = 3_600_000
PUBLIC = Admission(frozenset({"general"}), 120)
BY_DAY = (8 * 60, 18 * 60)
TIMETABLES = (
    Timetable((0,), (Admission(frozenset({"general"})),)),
    Timetable((0,), (PUBLIC,)),
    Timetable((0,), (Admission(frozenset({"permit:A"})),)),
    Timetable((0,), (Admission(frozenset({"general", "permit:A"}), 120),)),
    Timetable((0,), (Admission(frozenset({"blue_badge"})),)),
    Timetable((0,), (Admission(frozenset({"loading"})),)),
)
NIGHTLY_CLOSED = tuple((day * 1440 + 7 * 60, day * 1440 + 22 * 60) for day in range(7))


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def city(streets: int = 4, bays: int = 24) -> CityPlan:
    profiles = list(Profile)
    return CityPlan(
        area_id="town",
        time_zone="Europe/London",
        bays=tuple(
            BayPlan(
                bay_id=f"b{street}-{number}",
                zone_id=f"z{street}",
                profile=profiles[street % 4],
                timetable=TIMETABLES[number % len(TIMETABLES)],
            )
            for street in range(streets)
            for number in range(bays)
        ),
        car_parks=(
            CarParkPlan(zone_id="always", capacity=60),
            CarParkPlan(zone_id="small", capacity=5, profile=Profile.OFFICE),
            CarParkPlan(zone_id="day", capacity=80, opening=NIGHTLY_CLOSED),
        ),
    )


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), start_h=st.integers(0, 7 * 24), hours=st.integers(1, 30))
def test_truth_is_consistent(seed: int, start_h: int, hours: int) -> None:
    plan = city()
    start_ms = ms(MONDAY + timedelta(hours=start_h))
    world = World(plan, seed=seed, start_ms=start_ms)
    taken = {bay.bay_id for bay in plan.bays if bay.bay_id in set(world.occupied_bays())}
    inside = [world.in_car_park(number) for number in range(3)]
    assert all(0 <= count <= park.capacity for count, park in zip(inside, plan.car_parks, strict=True))
    left: dict[str, int] = {}
    vehicles: set[int] = set()
    before_ms = start_ms
    for event in world.advance(start_ms + hours * HOUR_MS):
        assert event.at_ms >= before_ms
        before_ms = event.at_ms
        if isinstance(event, BayChanged):
            bay_id = plan.bays[event.bay].bay_id
            assert (bay_id in taken) is not event.occupied, (
                "two vehicles in a bay, or one leaving an empty bay"
            )
            assert event.previous_ms >= 0
            if event.occupied:
                taken.add(bay_id)
                assert event.at_ms - left.get(bay_id, 0) >= BETWEEN_VEHICLES_MS
            else:
                taken.discard(bay_id)
                left[bay_id] = event.at_ms
            assert world.is_occupied(event.bay) is event.occupied
        else:
            inside[event.car_park] += 1 if event.inward else -1
            assert 0 <= inside[event.car_park] <= plan.car_parks[event.car_park].capacity
            assert (event.vehicle in vehicles) is False or not event.inward
            vehicles.add(event.vehicle)
    assert taken == set(world.occupied_bays())
    assert inside == [world.in_car_park(number) for number in range(3)]


def test_the_same_seed_gives_the_same_city() -> None:
    start_ms = ms(MONDAY + timedelta(hours=9))

    def events(seed: int) -> list[BayChanged | Passed]:
        return list(World(city(), seed=seed, start_ms=start_ms).advance(start_ms + 6 * HOUR_MS))

    assert events(5) == events(5)
    assert events(5) != events(6)


def test_nobody_uses_a_bay_that_is_not_for_them() -> None:
    """L12 in the truth: with public drivers only, bays that admit others stay empty."""
    closed = Timetable((0,), (Admission(frozenset()),))
    plan = replace(
        city(streets=1),
        bays=tuple(
            BayPlan(bay_id=f"b{number}", zone_id="z", profile=Profile.SHOPPING, timetable=timetable)
            for number, timetable in enumerate([closed] * 10 + [TIMETABLES[1]] * 10)
        ),
        car_parks=(),
    )
    start_ms = ms(MONDAY + timedelta(hours=9))
    world = World(plan, seed=1, start_ms=start_ms)
    changed = {event.bay for event in world.advance(start_ms + 8 * HOUR_MS) if isinstance(event, BayChanged)}
    assert changed
    assert changed <= set(range(10, 20))


def test_a_shopping_street_is_fuller_at_noon_than_at_night() -> None:
    plan = replace(city(streets=1, bays=300), car_parks=())
    noon = World(plan, seed=1, start_ms=ms(MONDAY + timedelta(hours=11)))
    night = World(plan, seed=1, start_ms=ms(MONDAY + timedelta(hours=2)))
    assert 0.4 < len(noon.occupied_bays()) / 300 < 0.95
    assert len(night.occupied_bays()) < len(noon.occupied_bays()) * 0.7


def test_a_city_left_to_itself_stays_believable() -> None:
    plan = replace(city(streets=4, bays=60), car_parks=())
    world = World(plan, seed=3, start_ms=ms(MONDAY))
    shares = []
    for hour in range(1, 49):
        changes = sum(1 for _ in world.advance(ms(MONDAY + timedelta(hours=hour))))
        shares.append(len(world.occupied_bays()) / 240)
        assert changes < 240 * 4
    assert all(0.1 < share < 0.9 for share in shares)


def test_a_closed_car_park_lets_nobody_in() -> None:
    plan = replace(city(), bays=())
    world = World(plan, seed=1, start_ms=ms(MONDAY))
    week = LocalWeek("Europe/London")
    for event in world.advance(ms(MONDAY + timedelta(days=2))):
        if isinstance(event, Passed) and event.car_park == 2:
            assert plan.car_parks[2].is_open(week.minute(event.at_ms))


@pytest.mark.parametrize(
    ("at", "minute"),
    [
        (datetime(2026, 10, 12, 0, 0, tzinfo=UTC), 60),
        (datetime(2026, 10, 25, 0, 59, tzinfo=UTC), 6 * 1440 + 119),
        (datetime(2026, 10, 25, 1, 0, tzinfo=UTC), 6 * 1440 + 60),
        (datetime(2026, 10, 26, 0, 0, tzinfo=UTC), 0),
    ],
)
def test_l7_the_minute_of_the_local_week_follows_the_clock_changes(at: datetime, minute: int) -> None:
    assert LocalWeek("Europe/London").minute(ms(at)) == minute


@pytest.mark.parametrize("starts", [(), (1,), (0, 0), (0, 10_080), (0, 9, 5)])
def test_a_timetable_covers_the_week_in_order(starts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"timetable|starts"):
        Timetable(starts, (PUBLIC,) * len(starts))
