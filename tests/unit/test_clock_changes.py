"""All 36 changes of Europe/London's clocks from 2020 to 2037: rules, limits, cells and capacities, to the second (L7).

The instants are worked out here from the law (the last Sunday of March and of October, 01:00 UTC), not from the tables
that the code reads. In March the wall clock skips 01:00 to 02:00; in October it shows it twice.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from occupancy.calendar import civil_at, instants_of
from occupancy.car_park import CarPark, CountSpan
from occupancy.cell_pass import capacities, closing, shut_parts
from occupancy.cells import Held, car_park_cells
from occupancy.limits import Limits
from occupancy.model import BayId, State, ZoneId
from occupancy.registry import Registry
from occupancy.rules import is_open, rules_at
from occupancy.street_cells import street_cells
from tests.support.folded import Folded
from tests.support.small_town import AREA, START, documents, state

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOURS = {"days": "sun", "starts": "01:30", "ends": "02:30"}
"""By the wall clock; `parts_of` says when that is."""


def change_of(year: int, month: int) -> datetime:
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)


CHANGES = [change_of(year, month) for year in range(2020, 2038) for month in (3, 10)]
every_change = pytest.mark.parametrize("turn", CHANGES, ids=lambda turn: f"{turn:%Y-%m}")


def forward(turn: datetime) -> bool:
    return turn.month == 3


def parts_of(turn: datetime) -> list[tuple[datetime, datetime]]:
    """When the wall clock is from 01:30 to 02:30: what is skipped is missing, what comes twice counts twice."""
    if forward(turn):
        return [(turn, turn + 30 * MINUTE)]
    return [(turn - 30 * MINUTE, turn), (turn + 30 * MINUTE, turn + 90 * MINUTE)]


def registry(*rules: dict[str, Any], **castle: Any) -> Registry:
    docs = {(kind, id): doc for kind, id, doc in documents()}
    docs["zone", "castle"] = {**docs["zone", "castle"], **castle}
    docs["area", AREA] = {**docs["area", AREA], "overstay_grace_min": 2}
    for n, rule in enumerate(rules):
        docs["rule", f"r{n}"] = {"area_id": AREA, **rule}
        docs["bay", "high-st-0"] = {**docs["bay", "high-st-0"], "rule_ids": [f"r{i}" for i in range(n + 1)]}
    return Registry((kind, id, doc) for (kind, id), doc in docs.items())


@every_change
def test_wall_times_that_are_skipped_or_come_twice(turn: datetime) -> None:
    day = turn.replace(tzinfo=None)

    def at(hour: int, minute: int, second: int = 0) -> tuple[datetime, ...]:
        return instants_of("Europe/London", day.replace(hour=hour, minute=minute, second=second))

    if forward(turn):
        assert at(0, 59, 59) == (turn - SECOND,)
        assert at(1, 0) == at(1, 30) == at(1, 59, 59) == ()
        assert at(2, 0) == (turn,)
        assert (civil_at("Europe/London", turn - SECOND).minute, civil_at("Europe/London", turn).minute) == (
            59,
            120,
        )
    else:
        assert at(0, 59, 59) == (turn - timedelta(hours=1) - SECOND,)
        assert at(1, 0) == (turn - timedelta(hours=1), turn)
        assert at(1, 59, 59) == (turn - SECOND, turn + timedelta(hours=1) - SECOND)
        assert at(2, 0) == (turn + timedelta(hours=1),)
        assert (civil_at("Europe/London", turn - SECOND).minute, civil_at("Europe/London", turn).minute) == (
            119,
            60,
        )


@every_change
def test_rules_and_opening_hours_begin_and_end_to_the_second(turn: datetime) -> None:
    found = registry({"use": "pay", **HOURS}, opening=[{"days": "sun", "opens": "01:30", "closes": "02:30"}])
    bay, park = found.bays[BayId("high-st-0")], found.zones[ZoneId("castle")]
    for starts, ends in parts_of(turn):
        for at, holds in ((starts - SECOND, False), (starts, True), (ends - SECOND, True), (ends, False)):
            assert bool(rules_at(found, bay, at)) is holds
            assert is_open(found, park, at) is holds


@every_change
def test_cells_hold_the_seconds_that_were_closed(turn: datetime) -> None:
    found = registry({"use": "no_parking", **HOURS})
    street = found.zones[ZoneId("high-st")]
    span = (turn - timedelta(hours=2), turn + timedelta(hours=2))
    bays = found.bays_by_zone[street.zone_id]
    free = {bay.bay_id: [Held(span[0], None, State.FREE)] for bay in bays}
    cells = street_cells(street, span, bays, free, shut_parts(found, street, span))
    shut = {cell.cell_at: cell.closed_s for cell in cells if cell.closed_s}
    quarters = [
        starts + n * 15 * MINUTE
        for starts, ends in parts_of(turn)
        for n in range((ends - starts) // (15 * MINUTE))
    ]
    assert shut == dict.fromkeys(quarters, 900.0)
    assert all(cell.free_s + cell.closed_s == len(bays) * 900.0 for cell in cells)


@every_change
def test_the_capacity_by_the_hour_holds_to_the_second(turn: datetime) -> None:
    hours = [{"days": "sun", "starts": "01:30", "ends": "02:30", "capacity": 2}]
    found = registry(capacity_hours=hours)
    castle = found.zones[ZoneId("castle")]
    park = CarPark(zone=castle, gates=(), time_zone="Europe/London")
    for starts, ends in parts_of(turn):
        edges = (starts - SECOND, starts, ends - SECOND, ends)
        assert [park.capacity_at(at) for at in edges] == [5, 2, 2, 5]
    span = (turn - timedelta(hours=2), turn + timedelta(hours=2))
    count = CountSpan(started_at=span[0], ended_at=None, occupied=1, over=False, passages=0)
    cells = car_park_cells(castle, span, [count], closing(found, castle, span), capacities(found, castle))
    smaller = sum(((ends - starts) for starts, ends in parts_of(turn)), timedelta(0)).total_seconds()
    assert sum(cell.closed_s for cell in cells) == 3 * smaller
    assert sum(cell.free_s for cell in cells) == 4 * 4 * 3600 - 3 * smaller


@every_change
def test_a_car_parks_night_is_at_four_by_the_wall(turn: datetime) -> None:
    park = CarPark(zone=registry().zones[ZoneId("castle")], gates=(), time_zone="Europe/London")
    night = park.night_after(turn)
    assert night == turn + timedelta(hours=2 if forward(turn) else 3)
    assert park.night_after(night - SECOND) == night
    assert park.night_after(night) == night + timedelta(days=1)


@every_change
def test_a_limit_counts_elapsed_time_within_its_hours(turn: datetime) -> None:
    bay = BayId("high-st-0")
    all_day = registry({"use": "limited_waiting", "days": "daily", "max_stay_min": 60})
    arrived = turn - 30 * MINUTE + 17 * SECOND
    runs_out = Limits(all_day).runs_out(all_day.bays[bay], arrived)
    assert runs_out is not None
    assert runs_out.over_from == arrived + timedelta(hours=1)
    within = registry({"use": "limited_waiting", **HOURS, "max_stay_min": 20})
    for starts, ends in parts_of(turn):
        runs_out = Limits(within).runs_out(within.bays[bay], starts - SECOND)
        assert runs_out is not None
        assert (runs_out.over_from, runs_out.candidate_at) == (starts + 20 * MINUTE, starts + 22 * MINUTE)
        assert runs_out.over_to == ends


@every_change
def test_an_overstay_across_a_change_is_as_long_as_it_was(turn: datetime) -> None:
    """Arrived half an hour before, limit 60 min, gone after 80."""
    docs = [("rule", "r0", {"area_id": AREA, "use": "limited_waiting", "days": "daily", "max_stay_min": 60})]
    for kind, id, doc in documents():
        more = {"rule_ids": ["r0"]} if id == "high-st-0" else {}
        more |= {"overstay_grace_min": 2} if kind == "area" else {}
        more |= {"expected_heartbeat_s": 7200} if kind == "sensor" else {}
        docs.append((kind, id, {**doc, **more}))
    town = Folded(docs)
    from_s = (turn - START).total_seconds() - 1800
    words = [("change", -600, False), ("change", 0, True), ("change", 4800, False)]
    town.append(watermark_s=from_s - 601)
    for seq, (cause, after_s, occupied) in enumerate(words):
        town.append(
            [state("s0", seq, from_s + after_s, occupied, cause=cause)], watermark_s=from_s + after_s + 1
        )
    [overstay] = town.rows()["overstays"]
    arrived = turn - 30 * MINUTE
    assert (overstay.arrived_at, overstay.over_from) == (arrived, arrived + 60 * MINUTE)
    assert overstay.candidate_at == arrived + 62 * MINUTE
    assert overstay.confirmed_at == overstay.ended_at == arrived + 80 * MINUTE
