"""Hours of streets and car parks, on a day small enough to verify on paper."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from occupancy.car_park import CountSpan
from occupancy.history.car_parks import car_park_hours
from occupancy.history.hour import HOUR, Dim, HourRow, Scope, Series
from occupancy.history.kerb import Kerb
from occupancy.history.lengths import Lengths
from occupancy.history.streets import BayPast, HeldBy, VisitEnds, street_hours
from occupancy.model import BayId, DeviceId, Overstay, OverstayState, Quality, State, Zone
from occupancy.registry import Registry
from tests.support.small_town import documents

EIGHT = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
MINUTE_US = 60_000_000
SENSOR = DeviceId("s0")
FREE, OCCUPIED, UNKNOWN = State.FREE, State.OCCUPIED, State.UNKNOWN


def at(minutes: float) -> datetime:
    return EIGHT + timedelta(minutes=minutes)


def registry(rules: Sequence[dict[str, Any]] = ()) -> Registry:
    docs: list[tuple[str, str, Any]] = []
    for kind, id, doc in documents(2):
        ruled = kind == "bay" and rules and doc["bay_type"] == "standard"
        more = {"rule_ids": [f"rule-{n}" for n in range(len(rules))]} if ruled else {}
        docs.append((kind, id, {**doc, **more}))
    for n, rule in enumerate(rules):
        docs.append(("rule", f"rule-{n}", {"area_id": "town", "days": "daily", **rule}))
    return Registry(docs)


def held(*edges: tuple[float, State]) -> list[HeldBy]:
    ends = [start for start, _ in edges[1:]]
    return [
        HeldBy(at(start), at(end) if end is not None else None, state, SENSOR)
        for (start, state), end in zip(edges, [*ends, None], strict=True)
    ]


def visit(arrived: float, departed: float | None, departure: Quality | None = Quality.OBSERVED) -> VisitEnds:
    if departed is None:
        return VisitEnds(at(arrived), None, Quality.OBSERVED, None, SENSOR)
    return VisitEnds(at(arrived), at(departed), Quality.OBSERVED, departure, SENSOR)


def hours_of(
    past: dict[str, BayPast], *, hours: int = 1, rules: Sequence[dict[str, Any]] = ()
) -> dict[Any, HourRow]:
    known = registry(rules)
    zone = known.zones["high-st"]  # type: ignore[index]
    rows = street_hours(
        zone,
        (EIGHT, EIGHT + hours * HOUR),
        known.bays_by_zone[zone.zone_id],
        {BayId(bay): own for bay, own in past.items()},
        Kerb(known),
    )
    return {(row.series.dim, row.series.value, row.hour_at): row for row in rows}


def test_bay_time_is_told_by_state_and_what_nobody_said_is_unknown() -> None:
    """Two bays of an hour: one free 20 min, then taken 30, then unknown 10; of the other nothing is known."""
    rows = hours_of({"high-st-0": BayPast(intervals=held((-60, FREE), (20, OCCUPIED), (50, UNKNOWN)))})
    every = rows[Dim.ALL, "", EIGHT]
    assert every.in_service_us == 120 * MINUTE_US
    assert (every.free_us, every.occupied_us, every.closed_us) == (20 * MINUTE_US, 30 * MINUTE_US, 0)
    assert every.unknown_us == 70 * MINUTE_US
    standard = rows[Dim.BAY_TYPE, "standard", EIGHT]
    assert (standard.in_service_us, standard.occupied_us) == (60 * MINUTE_US, 30 * MINUTE_US)
    assert rows[Dim.BAY_TYPE, "blue_badge", EIGHT].unknown_us == 60 * MINUTE_US
    assert rows[Dim.USE, "unrestricted", EIGHT].in_service_us == 120 * MINUTE_US


def test_slots_of_five_minutes_add_up_to_their_hour() -> None:
    every = hours_of({"high-st-0": BayPast(intervals=held((-60, FREE), (22, OCCUPIED), (50, UNKNOWN)))})[
        Dim.ALL, "", EIGHT
    ]
    assert every.slots is not None
    assert [us // MINUTE_US for us in every.slots.free] == [5, 5, 5, 5, 2, 0, 0, 0, 0, 0, 0, 0]
    assert [us // MINUTE_US for us in every.slots.occupied] == [0, 0, 0, 0, 3, 5, 5, 5, 5, 5, 0, 0]
    assert set(every.slots.in_service) == {10 * MINUTE_US}


def test_a_stay_counts_where_it_begins_and_where_it_ends_and_its_length_only_where_both_are_known() -> None:
    rows = hours_of(
        {
            "high-st-0": BayPast(
                stays=[
                    visit(-30, 10),
                    visit(20, 30, departure=Quality.CENSORED),
                    visit(55, 70),
                    visit(110, None),
                ]
            )
        },
        hours=2,
    )
    first, second = rows[Dim.ALL, "", EIGHT], rows[Dim.ALL, "", EIGHT + HOUR]
    assert (first.arrivals, first.departures, first.stays, first.censored) == (
        2,
        1,
        Lengths(2400, (40,), (1,)),
        1,
    )
    assert (second.arrivals, second.departures, second.stays, second.censored) == (
        1,
        1,
        Lengths(900, (15,), (1,)),
        0,
    )
    assert first.slots is not None
    assert first.slots.arrivals == (0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1)


def test_what_a_distrusted_sensor_said_is_not_known() -> None:
    past = BayPast(
        intervals=held((-60, OCCUPIED)),
        stays=[visit(5, 25), visit(45, 50)],
        distrusted={SENSOR: [(at(15), at(40))]},
    )
    every = hours_of({"high-st-0": past})[Dim.ALL, "", EIGHT]
    assert every.occupied_us == 35 * MINUTE_US
    assert (every.arrivals, every.stays) == (1, Lengths(300, (5,), (1,)))


def test_some_free_and_all_taken_are_of_the_bays_that_general_drivers_may_use() -> None:
    """The Blue Badge bay is free all the hour, which helps no general driver."""
    rows = hours_of(
        {
            "high-st-0": BayPast(intervals=held((-60, OCCUPIED), (15, FREE), (40, UNKNOWN))),
            "high-st-1": BayPast(intervals=held((-60, FREE))),
        }
    )
    every, badge = rows[Dim.ALL, "", EIGHT], rows[Dim.BAY_TYPE, "blue_badge", EIGHT]
    assert every.usable_us == 60 * MINUTE_US
    assert (every.all_taken_us, every.some_free_us) == (15 * MINUTE_US, 25 * MINUTE_US)
    assert badge.some_free_us == 60 * MINUTE_US


def test_uses_follow_the_rules_over_the_day_and_a_closed_bay_is_neither_free_nor_taken() -> None:
    rules = [
        {"use": "pay", "starts": "08:30", "ends": "09:00", "max_stay_min": 60},
        {"use": "no_parking", "starts": "09:00", "ends": "10:00"},
    ]
    rows = hours_of({"high-st-0": BayPast(intervals=held((-60, OCCUPIED)))}, hours=2, rules=rules)
    assert rows[Dim.USE, "pay", EIGHT].occupied_us == 30 * MINUTE_US
    assert rows[Dim.USE, "unrestricted", EIGHT].occupied_us == 30 * MINUTE_US
    nine = rows[Dim.USE, "no_parking", EIGHT + HOUR]
    assert (nine.closed_us, nine.occupied_us, nine.free_us) == (60 * MINUTE_US, 0, 0)
    assert rows[Dim.ALL, "", EIGHT + HOUR].usable_us == 0


def test_an_overstay_counts_when_its_limit_ran_out_with_the_time_beyond_it() -> None:
    def over(state: OverstayState, ended: float | None, over_to: float | None) -> Overstay:
        return Overstay(
            bay_id=BayId("high-st-0"),
            arrived_at=at(-100),
            device_id=SENSOR,
            rule_id="r",
            rule_version="1",
            limit_min=110,
            grace_min=10,
            over_from=at(10),
            over_to=None if over_to is None else at(over_to),
            candidate_at=at(20),
            confirmed_at=at(20),
            ended_at=None if ended is None else at(ended),
            state=state,
            evidence="",
            exemptions=(),
        )

    told = [over(OverstayState.CANDIDATE, None, None), over(OverstayState.PUBLISHED, 100, 40)]
    every = hours_of({"high-st-0": BayPast(overstays=told)})[Dim.ALL, "", EIGHT]
    assert (every.over_candidates, every.over_confirmed, every.over_s) == (2, 1, 1800)


def test_a_car_park_is_told_by_its_count_within_its_capacity() -> None:
    zone: Zone = registry().zones["castle"]  # type: ignore[index]

    def count(
        start: float, end: float | None, occupied: int | None, capacity: int | None = None
    ) -> CountSpan:
        return CountSpan(
            started_at=at(start),
            ended_at=None if end is None else at(end),
            occupied=occupied,
            over=False,
            passages=0,
            spread=0,
            capacity=capacity,
            estimated=False,
        )

    counts = [count(-10, 10, 2), count(10, 20, 7), count(20, 40, 3, 4), count(40, None, None)]
    (row,) = car_park_hours(zone, (EIGHT, EIGHT + HOUR), counts, None)
    assert row.series == Series(Scope.ZONE, "castle")
    assert row.in_service_us == 300 * MINUTE_US
    assert row.occupied_us == (2 * 10 + 5 * 10 + 3 * 20) * MINUTE_US
    assert row.free_us == (3 * 10 + 0 + 1 * 20) * MINUTE_US
    assert row.closed_us == 20 * MINUTE_US
    assert row.unknown_us == 100 * MINUTE_US
    assert (row.some_free_us, row.all_taken_us, row.usable_us) == (
        30 * MINUTE_US,
        10 * MINUTE_US,
        60 * MINUTE_US,
    )
    assert (row.arrivals, row.departures) == (5, 4)
