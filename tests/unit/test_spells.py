"""What is learnt of spells: ends per hour by kind of bay, part of the week and age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from occupancy.calendar import day_bounds
from occupancy.model import AreaId, Bay, BayId, BayType, State, ZoneId
from occupancy.spell_lesson import SpellLesson
from occupancy.spells import (
    AGES_H,
    ALL,
    CELLS,
    LearntSpells,
    Spell,
    SpellRates,
    cell_of,
    hour_of_week,
    kind_of,
    part_of_week,
)
from tests.support.lessons import learn

LONDON = "Europe/London"
MONDAY = day_bounds(LONDON, datetime(2026, 9, 14, tzinfo=UTC).date())
HOUR = timedelta(hours=1)


def bay(number: int = 0, zone: str = "high-st", rules: tuple[str, ...] = ()) -> Bay:
    return Bay(
        bay_id=BayId(f"bay-{number}"),
        zone_id=ZoneId(zone),
        area_id=AreaId("town"),
        bay_type=BayType.STANDARD,
        lat=51.5,
        lon=-3.2,
        rule_ids=rules,
    )


def spells_of(length: timedelta, *, own: Bay, day: tuple[datetime, datetime] = MONDAY) -> list[Spell]:
    """Occupied and free in turn, each for as long, over a whole day."""
    found = []
    at, state = day[0], State.OCCUPIED
    while at < day[1]:
        found.append(Spell(own.bay_id, state, at, at + length, at + length))
        at, state = at + length, State.FREE if state is State.OCCUPIED else State.OCCUPIED
    return found


def known_of(spells: list[Spell], *bays: Bay) -> LearntSpells:
    return learn(None, spells, {one.bay_id: one for one in bays}, MONDAY, LONDON)


def test_every_hour_of_a_day_is_counted_once_with_every_end() -> None:
    own = bay()
    learnt = known_of(spells_of(timedelta(minutes=40), own=own), own)
    for kind in (ALL, kind_of(own)):
        rates = learnt.kinds[kind]
        assert sum(map(sum, rates.hours)) == pytest.approx(24, abs=0.01)
        assert sum(map(sum, rates.ends)) == 36
        older = sum(rates.hours[1][cell_of(part, 1.5)] for part in range(8))
        assert older == 0, "none of these spells gets as old as an hour"


def test_a_spell_counts_for_the_day_with_the_age_that_it_has_there_and_one_that_lasts_has_no_end() -> None:
    own = bay()
    since = MONDAY[0] - 10 * HOUR
    learnt = known_of([Spell(own.bay_id, State.OCCUPIED, since, None, MONDAY[1] + HOUR)], own)
    rates = learnt.kinds[ALL]
    assert sum(map(sum, rates.ends)) == 0
    assert sum(rates.hours[1]) == pytest.approx(24)
    by_age = [sum(rates.hours[1][age :: len(AGES_H) + 1]) for age in range(len(AGES_H) + 1)]
    assert by_age == pytest.approx([0, 0, 0, 0, 0, 6, 18])


def test_what_was_seen_fades_with_the_days() -> None:
    own = bay()
    first = known_of(spells_of(HOUR, own=own), own)
    day = (MONDAY[1], MONDAY[1] + 24 * HOUR)
    second = learn(first, [], {own.bay_id: own}, day, LONDON)
    assert sum(map(sum, second.kinds[ALL].ends)) == pytest.approx(24 * 0.5 ** (1 / 14), rel=1e-3)
    assert second.until == day[1]


def test_ends_per_hour_come_near_those_that_were_seen_and_a_kind_has_its_own() -> None:
    short, long = bay(1, rules=("half-hour",)), bay(2, rules=("resident",))
    spells = []
    for number in range(100):
        for own, length in ((short, timedelta(minutes=20)), (long, 6 * HOUR)):
            one = bay(number * 2 + (own is long), rules=own.rule_ids)
            spells += spells_of(length, own=one)
    bays = [bay(n, rules=(short, long)[n % 2].rule_ids) for n in range(200)]
    rates = SpellRates(known_of(spells, *bays).kinds)
    young = cell_of(0, 0.2)  # from midnight on, when long ones begin, too
    assert rates.of(kind_of(bays[0]), 1)[young] == pytest.approx(3, rel=0.1)
    assert (
        rates.of(kind_of(bays[1]), 1)[young] < rates.of(ALL, 1)[young] < rates.of(kind_of(bays[0]), 1)[young]
    )
    assert rates.of("a kind that nobody knows", 1)[young] == rates.of(ALL, 1)[young]


def test_a_part_of_the_week_that_was_never_seen_ends_spells_seldom() -> None:
    bays = [bay(number) for number in range(100)]
    spells = [spell for one in bays for spell in spells_of(timedelta(minutes=30), own=one)]
    rates = SpellRates(known_of(spells, *bays).kinds)
    monday, sunday = cell_of(4, 0.2), cell_of(part_of_week(6 * 24 + 13), 0.2)
    assert rates.of(ALL, 1)[sunday] < rates.of(ALL, 1)[monday] / 3


def test_a_zone_of_quick_turnover_is_told_from_a_slow_one() -> None:
    quick = [bay(number, zone="quick") for number in range(50)]
    slow = [bay(number, zone="slow") for number in range(50, 100)]
    spells = [spell for one in quick for spell in spells_of(timedelta(minutes=30), own=one)]
    spells += [spell for one in slow for spell in spells_of(timedelta(minutes=90), own=one)]
    (_, (quick_ends, quick_expected)), (_, (slow_ends, slow_expected)) = known_of(
        spells, *quick, *slow
    ).zones.values()
    assert quick_ends > 1.2 * quick_expected
    assert slow_ends < slow_expected / 1.2


def test_the_hours_of_the_days_on_which_the_clocks_change_are_all_counted() -> None:
    own = bay()
    for day, hours in ((datetime(2026, 3, 29, tzinfo=UTC), 23), (datetime(2026, 10, 25, tzinfo=UTC), 25)):
        bounds = day_bounds(LONDON, day.date())
        spells = [Spell(own.bay_id, State.FREE, bounds[0], None, bounds[1])]
        learnt = learn(None, spells, {own.bay_id: own}, bounds, LONDON)
        assert sum(learnt.kinds[ALL].hours[0]) == pytest.approx(hours)


def test_parts_of_the_week_are_those_of_the_clock_on_the_wall() -> None:
    assert hour_of_week(datetime(2026, 7, 6, 23, 30, tzinfo=UTC), LONDON) == 24  # a Monday, and Tuesday there
    assert [part_of_week(hour) for hour in (0, 2, 3, 23, 24, 5 * 24, 6 * 24 + 23, 7 * 24)] == [
        *(0, 0, 1, 7, 0, 8, 23, 0)
    ]
    assert {part_of_week(hour) for hour in range(168)} == set(range(CELLS // (len(AGES_H) + 1)))


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.sampled_from(State),
            st.integers(-100_000, 90_000),
            st.integers(0, 200_000),
            st.booleans(),
        ),
        max_size=20,
    )
)
def test_what_is_learnt_is_the_same_in_any_order_and_goes_through_json(found: list) -> None:  # type: ignore[type-arg]
    bays = {one.bay_id: one for one in map(bay, range(3))}
    spells = []
    for number, state, start, length, ends in found:
        since = MONDAY[0] + timedelta(seconds=start)
        until = since + timedelta(seconds=length)
        spells.append(Spell(BayId(f"bay-{number}"), state, since, until if ends else None, until))
    learnt = learn(None, spells, bays, MONDAY, LONDON)
    again = learn(None, spells[::-1], bays, MONDAY, LONDON)
    assert msgspec.json.encode(again) == msgspec.json.encode(learnt)
    assert msgspec.json.decode(msgspec.json.encode(learnt), type=LearntSpells) == learnt
    for rates in learnt.kinds.values():
        assert min(map(min, rates.hours)) >= 0
        assert sum(map(sum, rates.hours)) <= 24 * len(spells) + 0.1


def test_days_taken_in_a_street_at_a_time_teach_the_same_to_the_byte_in_any_order() -> None:
    days = [day_bounds(LONDON, datetime(2026, 10, 23 + n, tzinfo=UTC).date()) for n in range(4)]
    streets = [
        [bay(10 * zone + n, zone=f"street-{zone}", rules=(f"rule-{n % 3}",)) for n in range(5)]
        for zone in range(4)
    ]
    bays = {one.bay_id: one for street in streets for one in street}
    spells = [
        [
            spell
            for n, one in enumerate(street)
            for spell in spells_of(timedelta(seconds=2000 + 777 * n), own=one, day=(days[0][0], days[-1][1]))
        ]
        for street in streets
    ]
    before = known_of(spells_of(HOUR, own=bay()), bay())
    by_street, at_once = (SpellLesson(before, days, LONDON) for _ in range(2))
    for own in spells:
        by_street.see(own, bays)
    at_once.see([spell for own in zip(*spells, strict=False) for spell in own], bays)
    for own in spells:
        at_once.see(own[min(map(len, spells)) :], bays)
    assert msgspec.json.encode(by_street.learnt()) == msgspec.json.encode(at_once.learnt())
    one_by_one: LearntSpells | None = before
    for day in days:
        one_by_one = learn(one_by_one, [spell for own in spells for spell in own], bays, day, LONDON)
    assert msgspec.json.encode(one_by_one) == msgspec.json.encode(by_street.learnt())
