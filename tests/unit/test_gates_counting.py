"""Counting a car park: anchors, passages, drift, silence, and counts that cannot be."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

from occupancy.availability import car_park_availability
from occupancy.car_park import CarPark, event_of
from occupancy.gates import CarParkCount, count_tail
from occupancy.model import AnyReading, Clock, Source, ZoneAvailability
from occupancy.registry import Registry
from tests.support.folded import Folded
from tests.support.small_town import HEARTBEAT_S, START, count, documents, health, passage

REGISTRY = Registry(documents())
ZONE = REGISTRY.zones["castle"]  # type: ignore[index]
PARK = CarPark(zone=ZONE, gates=REGISTRY.gates_by_zone[ZONE.zone_id], time_zone="Europe/London")
LIMIT_S = HEARTBEAT_S * 2.5


def counted(*readings: AnyReading, at_s: float) -> ZoneAvailability:
    park = CarParkCount(PARK)
    for reading in readings:
        park.add(event_of(reading, reading.observed_at(Clock.LIVE)))
    head = park.head
    if head is None:
        return car_park_availability(ZONE, None, None, is_open=True)
    span = count_tail(PARK, head, START + timedelta(seconds=at_s))[-1]
    return car_park_availability(ZONE, span, head.as_of, is_open=True)


def test_l4_passages_without_an_anchor_claim_nothing() -> None:
    answer = counted(passage("g-in", 1, 0, "in"), passage("g-out", 1, 5, "out"), at_s=10)
    assert (answer.counts.unknown, answer.free_min, answer.free_max) == (5, 0, 5)
    assert (answer.confidence, answer.coverage) == (0, 0)


def test_passages_move_an_absolute_count_and_widen_what_is_not_sure() -> None:
    answer = counted(count("g-count", 1, 0, 2), passage("g-in", 1, 5, "in"), at_s=10)
    assert (answer.counts.occupied, answer.counts.free) == (3, 2)
    assert (answer.free_min, answer.free_max) == (1, 3)
    assert answer.source is Source.COUNT
    exact = counted(
        count("g-count", 1, 0, 2), passage("g-in", 1, 5, "in"), count("g-count", 2, 6, 3), at_s=10
    )
    assert (exact.free_min, exact.free_max) == (2, 2)


def test_a_count_above_the_capacity_is_kept_flagged_and_shown_bounded() -> None:
    park = CarParkCount(PARK)
    park.add(event_of(count("g-count", 1, 0, 7), START))
    assert park.head is not None
    assert (park.head.occupied, park.head.over) == (7, True)
    answer = counted(count("g-count", 1, 0, 7), at_s=10)
    assert (answer.counts.occupied, answer.counts.free) == (5, 0)


def test_a_count_never_falls_below_nobody() -> None:
    park = CarParkCount(PARK)
    park.add(event_of(count("g-count", 1, 0, 0), START))
    park.add(event_of(passage("g-out", 1, 5, "out"), START + timedelta(seconds=5)))
    assert park.head is not None
    assert (park.head.occupied, park.head.over) == (0, True)


def test_a_silent_counter_is_carried_by_gates_that_all_speak() -> None:
    gates = [health(gate, n, n * 600) for n in range(1, 6) for gate in ("g-in", "g-out")]
    late = 3000
    assert counted(count("g-count", 1, 0, 2), at_s=late).counts.unknown == 5
    assert counted(count("g-count", 1, 0, 2), *gates, at_s=late).counts.occupied == 2
    one_silent = [g for g in gates if g.device_id == "g-in"]
    assert counted(count("g-count", 1, 0, 2), *one_silent, at_s=late).counts.unknown == 5


def test_l4_gates_carry_no_count_over_a_silence_of_one_of_them() -> None:
    """The counter's own promise may outlast the silence; beyond it only the gates could vouch, and one cannot."""
    docs = [(k, i, d | ({"expected_heartbeat_s": 3600} if i == "g-count" else {})) for k, i, d in documents()]
    registry = Registry(docs)
    park = CarPark(zone=ZONE, gates=registry.gates_by_zone[ZONE.zone_id], time_zone="Europe/London")
    carried = CarParkCount(park)
    spoken = [
        *(health("g-out", n, n * 600) for n in range(20)),
        *(health("g-in", n, n * 600) for n in range(20) if not 2 < n < 13),
    ]
    readings: list[AnyReading] = [count("g-count", 1, 0, 2), *spoken]
    for reading in readings:
        carried.add(event_of(reading, reading.received_at))
    assert carried.head is not None
    promised = START + timedelta(seconds=9000)
    last = count_tail(park, carried.head, START + timedelta(seconds=11_500))[-1]
    assert (last.started_at, last.occupied) == (promised, None)
    again = count("g-count", 2, 11_450, 3)
    carried.add(event_of(again, again.received_at))
    last = count_tail(park, carried.head, START + timedelta(seconds=11_500))[-1]
    assert last.occupied == 3


def test_after_a_silence_only_a_count_makes_it_known_again() -> None:
    first = count("g-count", 1, 0, 2)
    after = LIMIT_S + 100
    assert counted(first, passage("g-in", 1, after, "in"), at_s=after + 1).counts.unknown == 5
    assert counted(first, count("g-count", 2, after, 4), at_s=after + 1).counts.occupied == 4


def test_a_closed_car_park_is_closed_whatever_stands_in_it() -> None:
    answer = car_park_availability(ZONE, None, None, is_open=False)
    assert (answer.counts.closed, answer.free_min, answer.free_max) == (5, 0, 0)


def test_l3_late_passages_that_come_together_all_count_however_few_events_are_kept() -> None:
    """The first of them must not settle what the second has yet to find its place among."""
    on_time = [count("g-count", 1, 0, 0), *(passage("g-in", n, 10 * n, "in") for n in (2, 3, 4))]
    late = [passage("g-in", n, 0, "in") for n in (0, 1)]
    with patch("occupancy.gates.RECENT_EVENTS", 2):
        folded = Folded()
        for readings in (on_time, late):
            folded.append(readings)
    first, *_ = (span for zone, span in folded.rows()["counts"] if zone == "castle")
    assert (first.started_at, first.occupied) == (START, 2)
