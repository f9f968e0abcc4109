"""The counting of a car park over arbitrary words of its gates, tokens, recounts and nights: L3, L4, L10."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import pairwise
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from occupancy.availability import car_park_availability
from occupancy.car_park import OPERATOR, CarPark, CountEvent
from occupancy.gates import CarParkCount, count_tail
from occupancy.model import DeviceId, ReadingKey
from occupancy.registry import Registry
from tests.support.examples import of_profile
from tests.support.small_town import START, documents


def _park() -> CarPark:
    more = {"longest_stay_h": 2, "night_floor": 1}
    docs = [(k, i, d | (more if i == "castle" else {})) for k, i, d in documents()]
    docs = [(k, i, d | ({"min_headway_s": 3} if i == "g-out" else {})) for k, i, d in docs]
    registry = Registry(docs)
    zone = registry.zones["castle"]  # type: ignore[index]
    return CarPark(zone=zone, gates=registry.gates_by_zone[zone.zone_id], time_zone="Europe/London")


PARK = _park()


@st.composite
def events(draw: st.DrawFn) -> list[CountEvent]:
    """Words of gates, counter and operator, each with a key of its own, in order of time."""
    found = []
    at = START
    for seq in range(draw(st.integers(1, 40))):
        at += timedelta(seconds=draw(st.sampled_from([0, 1, 20, 400, 1400, 1600, 7300, 40_000])))
        key = ReadingKey(0, 1, seq)
        vehicle = draw(st.sampled_from([None, "a", "b", "c"]))
        match draw(st.sampled_from(["in", "in", "out", "out", "alive", "count", "recount"])):
            case "in":
                found.append(CountEvent(at, DeviceId("g-in"), key, delta=1, vehicle=vehicle))
            case "out":
                found.append(CountEvent(at, DeviceId("g-out"), key, delta=-1, vehicle=vehicle))
            case "alive":
                found.append(CountEvent(at, DeviceId(draw(st.sampled_from(["g-in", "g-out"]))), key))
            case "count":
                capacity = draw(st.sampled_from([None, 3, 5, 8]))
                count = draw(st.integers(0, 7))
                found.append(CountEvent(at, DeviceId("g-count"), key, count=count, capacity=capacity))
            case _:
                found.append(CountEvent(at, OPERATOR, key, count=draw(st.integers(0, 7))))
    return found


@settings(max_examples=of_profile(200), deadline=None)
@given(told=events(), seed=st.integers(0, 2**16))
def test_l3_any_order_and_any_checkpoint_gives_the_same_count(told: list[CountEvent], seed: int) -> None:
    in_order = CarParkCount(PARK)
    for event in told:
        in_order.add(event)
    shuffled = list(told)
    random.Random(seed).shuffle(shuffled)
    anyhow = CarParkCount(PARK)
    for event in shuffled:
        anyhow.add(event)
    assert anyhow.head == in_order.head
    with patch("occupancy.gates.RECENT_EVENTS", 2):
        often = CarParkCount(PARK)
        for event in told:
            often.add(event)
            if bases := often.settle():
                often = CarParkCount(PARK, bases[-1], often.recent)
    assert often.head == in_order.head


@settings(max_examples=of_profile(200), deadline=None)
@given(told=events(), together=st.integers(1, 9))
def test_l3_where_a_checkpoint_lies_does_not_depend_on_how_events_come(
    told: list[CountEvent], together: int
) -> None:
    with patch("occupancy.gates.RECENT_EVENTS", 2):
        one_by_one, batched = CarParkCount(PARK), CarParkCount(PARK)
        alone = [base for event in told for _ in [one_by_one.add(event)] for base in one_by_one.settle()]
        bases = []
        for start in range(0, len(told), together):
            for event in told[start : start + together]:
                batched.add(event)
            bases.extend(batched.settle())
    assert bases == alone
    assert (batched.base, batched.recent) == (one_by_one.base, one_by_one.recent)


@settings(max_examples=of_profile(200), deadline=None)
@given(told=events())
def test_l4_the_count_is_never_negative_nor_above_capacity_and_its_spans_never_overlap(
    told: list[CountEvent],
) -> None:
    count = CarParkCount(PARK)
    spans = []
    for event in told:
        cut, closed = count.add(event)
        spans = [span for span in spans if cut is None or span.started_at < cut]
        spans += closed
        assert count.head is not None
        tail = count_tail(PARK, count.head, event.at)
        answer = car_park_availability(PARK.zone, tail[-1], event.at, is_open=True)
        in_use = answer.counts.capacity - answer.counts.closed
        assert 0 <= answer.free_min <= answer.counts.free <= answer.free_max <= in_use
        assert answer.counts.occupied <= in_use
    spans += count_tail(PARK, count.head, told[-1].at + timedelta(days=1)) if count.head else []
    for before, after in pairwise(spans):
        assert before.ended_at is not None
        assert before.started_at < before.ended_at <= after.started_at


@settings(max_examples=of_profile(100), deadline=None)
@given(told=events())
def test_l10_no_token_stays_in_the_count_beyond_the_longest_stay(told: list[CountEvent]) -> None:
    count = CarParkCount(PARK)
    for event in told:
        count.add(event)
        assert count.head is not None
        if event.count is None:
            visits = (*count.head.visits.inside, *count.head.visits.left)
            assert all(event.at - visit.at < PARK.longest_stay for visit in visits)
