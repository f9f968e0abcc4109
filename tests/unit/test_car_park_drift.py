"""What holds the count of a car park: corrections, bounds, nights, tokens, gaps, and capacity by the hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from occupancy.availability import car_park_availability
from occupancy.car_park import OPERATOR, CarPark, CountEvent, CountFold
from occupancy.cells import car_park_cell
from occupancy.drift import Drift, Learnt, counted
from occupancy.flows import Flow
from occupancy.gates import count_tail, step_count
from occupancy.model import DeviceId, ReadingKey, Source, ZoneAvailability
from occupancy.registry import Registry, document
from tests.support.small_town import START, documents


def park(**more: object) -> CarPark:
    docs = [(k, i, d | (more if i == "castle" else {})) for k, i, d in documents()]
    docs = [(k, i, d | ({"min_headway_s": 2} if i.startswith("g-") else {})) for k, i, d in docs]
    registry = Registry(docs)
    zone = registry.zones["castle"]  # type: ignore[index]
    return CarPark(zone=zone, gates=registry.gates_by_zone[zone.zone_id], time_zone="Europe/London")


NIGHT_S = 72_000
"""From START, 08:00, to the next night."""


class Counting:
    """One car park, told what happens at seconds after START."""

    def __init__(self, **more: object) -> None:
        self.park = park(**more)
        self.fold: CountFold | None = None
        self._seq = 0

    def tell(self, at_s: float, device: str, **said: object) -> CountFold:
        self._seq += 1
        at = START + timedelta(seconds=at_s)
        event = CountEvent(at, DeviceId(device), ReadingKey(0, 1, self._seq), **said)  # type: ignore[arg-type]
        self.fold, _ = step_count(self.park, self.fold, event)
        return self.fold

    def beat(self, start_s: float, end_s: float, *gates: str) -> None:
        at = start_s
        while at < end_s:
            for gate in gates or ("g-in", "g-out"):
                self.tell(at, gate)
            at += 600

    def answer(self, at_s: float) -> ZoneAvailability:
        assert self.fold is not None
        at = START + timedelta(seconds=at_s)
        span = count_tail(self.park, self.fold, at)[-1]
        in_use = self.park.capacity_at(at)
        return car_park_availability(self.park.zone, span, self.fold.as_of, is_open=True, capacity=in_use)


def test_the_share_that_is_missed_is_learnt_from_corrections_and_shrunk() -> None:
    once = Learnt().corrected(1000, 1000, 50)
    often = once
    for _ in range(20):
        often = often.corrected(1000, 1000, 50)
    missed_in, missed_out = often.missed
    assert missed_in - missed_out == pytest.approx(0.05, abs=0.01)
    assert 0 < once.missed[0] - once.missed[1] < missed_in - missed_out


def test_one_absurd_recount_teaches_little() -> None:
    drift = Drift(estimate=100, counted=100, ins=50, outs=50)
    _, learnt = counted(drift, Learnt(), 10_000)
    assert abs(learnt.missed[0]) < 0.3
    assert learnt.noise < 10


def test_the_estimate_stops_at_the_bounds_and_says_so() -> None:
    counting = Counting()
    counting.tell(0, OPERATOR, count=1)
    for n in range(3):
        fold = counting.tell(10 * n + 10, "g-out", delta=-1)
    assert (fold.occupied, fold.over) == (0, True)
    assert count_tail(counting.park, fold, None)[-1].health == "underflow"
    for n in range(8):
        fold = counting.tell(100 + 10 * n, "g-in", delta=1)
    assert (fold.occupied, fold.over) == (5, True)
    assert count_tail(counting.park, fold, None)[-1].health == "overflow"
    assert counting.answer(180).counts.free == 0


def test_double_reads_count_once() -> None:
    counting = Counting()
    counting.tell(0, OPERATOR, count=1)
    counting.tell(10, "g-in", delta=1)
    assert counting.tell(11, "g-in", delta=1).occupied == 2, "too soon behind on one lane"
    assert counting.tell(12, "g-in", delta=1).occupied == 3
    counting.tell(20, "g-in", delta=1, vehicle="a")
    assert counting.tell(35, "g-in", delta=1, vehicle="a").occupied == 4, "the same vehicle"
    counting.tell(40, "g-out", delta=-1, vehicle="a")
    assert counting.tell(50, "g-out", delta=-1, vehicle="a").occupied == 3


def test_a_vehicle_that_comes_again_has_left_unseen() -> None:
    counting = Counting()
    counting.tell(0, OPERATOR, count=1)
    counting.tell(10, "g-in", delta=1, vehicle="a")
    assert counting.tell(900, "g-in", delta=1, vehicle="a").occupied == 2


def test_what_never_left_is_missed_after_the_longest_stay_and_no_token_outlives_it() -> None:
    counting = Counting(longest_stay_h=1)
    counting.tell(0, "g-in", delta=1, vehicle="old")
    counting.beat(0, 600)
    counting.tell(600, OPERATOR, count=2)
    counting.beat(600, NIGHT_S + 600)
    assert counting.tell(NIGHT_S + 610, "g-in", delta=1, vehicle="a").occupied == 3
    counting.beat(NIGHT_S + 1200, NIGHT_S + 6000)
    assert counting.fold is not None
    assert counting.fold.visits.inside == ()
    counting.beat(NIGHT_S + 6000, NIGHT_S + 2 * 86_400 - 600)
    assert counting.fold.occupied == 3, "not before the night that ends all stays of the first whole day"
    counting.beat(NIGHT_S + 2 * 86_400, NIGHT_S + 2 * 86_400 + 600)
    assert counting.fold.occupied == 2


def test_a_misread_plate_on_either_side_of_a_recount_corrects_nothing() -> None:
    counting = Counting(longest_stay_h=1)
    counting.tell(-2 * 86_400, "g-in", delta=1, vehicle="old")
    counting.beat(-2 * 86_400, 0)
    counting.tell(0, "g-in", delta=1, vehicle="a")
    counting.tell(600, OPERATOR, count=3)
    counting.tell(700, "g-out", delta=-1, vehicle="a-misread")
    counting.beat(1200, NIGHT_S + 2 * 86_400)
    assert counting.fold is not None
    assert counting.fold.occupied == 2


def test_l5_what_is_not_known_of_the_missed_share_widens_the_interval_and_not_the_trust_in_the_night() -> (
    None
):
    learnt = Learnt(floor=20, floor_weight=1, nights=5)
    drift = Drift(estimate=100, variance=100, counted=100)
    biased = Drift(estimate=100, variance=100, bias=10_000, counted=100)
    assert biased.spread > drift.spread
    assert biased.slept(learnt, None, 400).estimate == drift.slept(learnt, None, 400).estimate
    soon, late = (Drift(estimate=40, counted=40, ins=n, outs=n).since_counted(learnt) for n in (10, 1000))
    assert (
        learnt.slept(90, late, 400).floor - learnt.floor
        < (learnt.slept(90, soon, 400).floor - learnt.floor) / 2
    )


def test_a_misread_plate_cancels_out() -> None:
    counting = Counting(longest_stay_h=1)
    counting.tell(-7200, "g-in", delta=1, vehicle="old")
    counting.beat(-6600, 0)
    counting.tell(0, OPERATOR, count=2)
    counting.tell(10, "g-in", delta=1, vehicle="a")
    counting.tell(60, "g-out", delta=-1, vehicle="a-misread")
    counting.beat(600, 7800)
    assert counting.fold is not None
    assert counting.fold.occupied == 2


def test_l5_a_silence_is_bridged_by_what_is_usual_and_called_an_estimate() -> None:
    counting = Counting(capacity=500)
    for day in range(4):
        start = day * 86_400.0
        counting.tell(start, OPERATOR, count=100)
        for n in range(288):
            counting.tell(start + 300 * n + 1, "g-in", delta=1 if n % 2 else None)
            counting.tell(start + 300 * n + 2, "g-out", delta=-1 if n % 2 else None)
    day = 4 * 86_400.0
    counting.tell(day, OPERATOR, count=100)
    for n in range(24):  # two hours: g-in says nothing while g-out goes on
        counting.tell(day + 300 * n + 2, "g-out", delta=-1 if n % 2 else None)
    assert counting.answer(day + 7000).counts.unknown == 500
    counting.tell(day + 7210, "g-in")
    answer = counting.answer(day + 7211)
    assert answer.source is Source.ESTIMATE
    assert abs(answer.counts.occupied - 100) <= 5
    assert answer.free_min <= 400 <= answer.free_max
    counting.tell(day + 7300, OPERATOR, count=97)
    assert counting.answer(day + 7301).source is Source.COUNT


def test_the_night_brings_a_lost_count_back() -> None:
    counting = Counting(capacity=400, night_floor=20)
    counting.tell(0, OPERATOR, count=100)
    counting.beat(0, 1200)
    counting.beat(1200, 7200, "g-out")
    counting.beat(7200, 71_000)  # START is 08:00, the night is 72,000 s later
    assert counting.answer(71_000).counts.unknown == 400
    counting.beat(71_000, 73_000)
    answer = counting.answer(72_900)
    assert answer.counts.unknown == 0
    assert answer.source is Source.ESTIMATE
    assert answer.free_min <= 380 <= answer.free_max


def test_a_flow_is_known_after_two_whole_hours_of_its_kind() -> None:
    hour = datetime(2026, 3, 2, 9, tzinfo=UTC)
    flow = Flow(hour - timedelta(hours=1))
    for day in range(2):
        flow = flow.broken(hour + timedelta(days=day, hours=-1))
        flow = flow.passed(hour + timedelta(days=day), 1).passed(hour + timedelta(days=day, minutes=9), 1)
        assert flow.between(hour, hour + timedelta(hours=1)) is None
        flow = flow.passed(hour + timedelta(days=day, hours=1), 0)
    assert flow.between(hour, hour + timedelta(minutes=30)) == (1.0, 0.0)
    assert flow.between(hour, hour + timedelta(hours=2)) is None


def test_capacity_goes_by_the_hour_and_by_the_car_parks_own_system() -> None:
    hours = [{"days": "daily", "starts": "08:00", "ends": "09:00", "capacity": 2}]
    counting = Counting(capacity_hours=hours)
    zone = counting.park.zone
    assert document(zone)["capacity_hours"] == hours
    counting.tell(0, OPERATOR, count=1)
    counting.beat(0, 3700)
    answer = counting.answer(1200)
    assert (answer.counts.free, answer.counts.closed, answer.counts.capacity) == (1, 3, 5)
    assert counting.answer(3700).counts.free == 4
    counting.tell(3710, "g-count", count=1, capacity=3)
    assert (counting.answer(3711).counts.free, counting.answer(3711).counts.closed) == (2, 2)
    assert counting.fold is not None
    spans = count_tail(counting.park, counting.fold, None)
    cell = car_park_cell(zone, START + timedelta(hours=1, minutes=15), spans, None, counting.park.capacity_at)
    assert (cell.free_s, cell.occupied_s, cell.closed_s) == (1800, 900, 1800)
