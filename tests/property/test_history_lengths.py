"""Lengths of stays by the minute: what is said of them is what a list of them would say."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from occupancy.history.definitions import HISTOGRAM_MIN
from occupancy.history.lengths import added_up, lengths_of, whole_minutes

SECOND = 1_000_000
stays = st.lists(st.integers(0, 3 * 86_400 * SECOND), max_size=60)


def plain_share(share: float, minutes: list[int]) -> float:
    place = share * (len(minutes) - 1)
    low, high = minutes[math.floor(place)], minutes[math.ceil(place)]
    return low + (high - low) * (place - math.floor(place))


@given(lasted=stays.filter(bool), share=st.sampled_from([0.5, 0.85, 0.95]) | st.floats(0, 1))
def test_a_share_of_the_stays_is_that_of_the_list(lasted: list[int], share: float) -> None:
    minutes = sorted(whole_minutes(us) for us in lasted)
    assert lengths_of(lasted).share(share) == plain_share(share, minutes)


@given(parts=st.lists(stays, max_size=5))
def test_parts_added_up_are_the_whole(parts: list[list[int]]) -> None:
    whole, found = [us for part in parts for us in part], added_up(map(lengths_of, parts))
    expected = lengths_of(whole)
    assert (list(found.minutes), list(found.counts)) == (list(expected.minutes), list(expected.counts))
    assert found.sum_s == expected.sum_s == sum(us // SECOND for us in whole)
    assert found.stays == len(whole)


@given(lasted=stays)
def test_each_stay_is_in_the_class_of_its_minutes(lasted: list[int]) -> None:
    found = lengths_of(lasted).by_class()
    minutes = [whole_minutes(us) for us in lasted]
    bounds = [-1, *HISTOGRAM_MIN, math.inf]
    assert found == [sum(above < minute <= upto for minute in minutes) for above, upto in pairwise(bounds)]


def test_minutes_are_rounded_half_up() -> None:
    assert [whole_minutes(s * SECOND) for s in (0, 29, 30, 89, 90, 150)] == [0, 0, 1, 1, 2, 3]
    assert whole_minutes(30 * SECOND - 1) == 0
