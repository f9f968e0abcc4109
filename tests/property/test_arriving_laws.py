"""Laws of what a driver is told to expect on arrival, whatever an issue says."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from occupancy.forecast.arrivals import Arriving, Expectation
from occupancy.forecast.issue import HORIZONS, Issue, Place
from occupancy.forecast.nearby import alike_within, any_of
from occupancy.model import Source, ZoneId
from tests.support.issues import ISSUED_AT, issue_of

SHARES = st.floats(0, 1)
BAYS = st.integers(1, 40)


@st.composite
def issues(draw: st.DrawFn) -> Issue:
    count = draw(st.integers(1, 4))
    free = draw(st.lists(st.lists(SHARES, min_size=7, max_size=7), min_size=count, max_size=count))
    return issue_of(
        [Place(ZoneId(f"z{number}")) for number in range(count)],
        draw(st.lists(BAYS, min_size=count, max_size=count)),
        np.array(free),
        spread=draw(st.floats(0, 0.5)),
        any_free=draw(st.none() | SHARES),
    )


MINUTES = st.floats(0, 1500)


def told(issue: Issue, minutes: float, usable: list[int], bend: float = 0.0) -> Expectation:
    arriving = Arriving(issue, ISSUED_AT + timedelta(minutes=minutes))
    found = arriving.expected(dict(zip(issue.places, usable, strict=False)), bend)
    assert found is not None
    return found


@given(issues(), MINUTES, st.lists(st.integers(0, 60), min_size=4, max_size=4), st.floats(-0.5, 0.5))
def test_what_is_told_adds_up(issue: Issue, minutes: float, usable: list[int], bend: float) -> None:
    """Quantiles ascend; nothing is negative or more than the bays; more bays are never likelier than fewer."""
    found = told(issue, minutes, usable, bend)
    assert found.usable == sum(usable[: len(issue.places)])
    assert list(found.quantiles) == sorted(found.quantiles)
    assert found.quantiles[0] >= -1e-9
    assert found.quantiles[-1] <= found.usable + 1e-9
    assert found.p_any <= found.expected_free <= found.usable + 1e-9 or found.usable == 0
    chances = [found.p_at_least(wanted) for wanted in (*range(1, 8), 50, 1000)]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] == found.p_any
    assert all(0 <= chance <= 0.995 for chance in chances)
    assert chances[-1] == 0


@given(issues(), MINUTES, st.integers(1, 39))
def test_more_usable_bays_never_make_a_free_one_less_likely(issue: Issue, minutes: float, fewer: int) -> None:
    some, more = told(issue, minutes, [fewer]), told(issue, minutes, [fewer + 1])
    assert some.p_any <= more.p_any + 1e-9
    assert some.p_at_least(2) <= more.p_at_least(2) + 1e-9


@given(issues(), st.sampled_from(range(7)))
def test_at_its_horizons_all_bays_are_told_what_the_issue_says(issue: Issue, horizon: int) -> None:
    at = ISSUED_AT + HORIZONS[horizon]
    bays = int(issue.bays[0])
    found = Arriving(issue, at).expected({issue.places[0]: bays})
    assert found is not None
    assert found.p_any == pytest.approx(float(issue.any_free[0, horizon]), abs=1e-5)
    assert found.quantiles == pytest.approx(issue.quantiles[0, horizon] * bays)
    assert found.expected_free == pytest.approx(
        max(float(issue.free[0, horizon]) * bays, float(issue.any_free[0, horizon])), abs=1e-5
    )


def together(shares: list[float], **more: float) -> tuple[Issue, Expectation]:
    """Places of one zone, three bays each, and what is told of all their bays."""
    places = [Place(ZoneId("z"), rule_ids=(str(number),)) for number in range(len(shares))]
    issue = issue_of(places, [3] * len(places), shares, **more)
    found = Arriving(issue, ISSUED_AT).expected(dict.fromkeys(places, 3))
    assert found is not None
    return issue, found


@given(st.lists(SHARES, min_size=1, max_size=4))
def test_a_zone_is_at_least_as_good_as_its_best_place_and_no_better_than_their_sum(
    shares: list[float],
) -> None:
    issue, found = together(shares)
    alone = issue.any_free[:, 0]
    assert found.p_any >= alone.max() - 1e-5
    assert found.p_any <= min(alone.sum(), 1 - np.prod(1 - alone), 0.995) + 1e-5


def test_places_of_one_street_go_together_as_streets_at_one_spot_do() -> None:
    """Two places with an even chance each: independent ones would promise 0.75."""
    issue, found = together([0.5, 0.5], any_free=0.5)
    assert found.p_any == pytest.approx(2 / 3, abs=1e-4)
    assert found.p_any == pytest.approx(any_of([0.5, 0.5], alike_within([0.0])))
    off = 3 * (issue.quantiles[0, 0, -1] - 0.5)
    assert found.quantiles[-1] - 3 == pytest.approx(math.sqrt(3) * off), "more than the root of two"
    assert found.p_at_least(4) > 0.15, "that both are nearly empty: of independent places 0.11"


@given(st.lists(SHARES, min_size=2, max_size=3), st.floats(0.0, 0.2))
def test_a_better_place_never_makes_the_zone_worse(shares: list[float], better: float) -> None:
    more = [min(shares[0] + better, 1.0), *shares[1:]]
    assert together(shares)[1].p_any <= together(more)[1].p_any + 1e-9


def test_what_is_usual_bends_the_line_between_two_noons() -> None:
    """At 4 and at 24 hours a third is free, and usually so; at night, between them, all but a tenth is."""
    place = Place(ZoneId("z"))
    issue = issue_of([place], [10], [1 / 3], any_free=0.6)
    night = ISSUED_AT + timedelta(hours=14)

    def usual(at: datetime) -> float:
        return 0.1 if at == night else 2 / 3

    arriving = Arriving(issue, night)
    straight, bent = arriving.expected({place: 10}), arriving.expected({place: 10}, arriving.bend(usual))
    assert straight is not None
    assert bent is not None
    assert straight.expected_free == pytest.approx(10 / 3)
    assert bent.expected_free == pytest.approx(9)
    assert bent.p_any > 0.95 > straight.p_any
    noon = Arriving(issue, ISSUED_AT + timedelta(hours=24))
    assert noon.bend(usual) == pytest.approx(0)
    assert arriving.bend(lambda _: None) == 0


def test_an_issue_says_nothing_of_places_that_it_does_not_have() -> None:
    known, other, closed = (Place(ZoneId(name)) for name in ("a", "b", "c"))
    arriving = Arriving(issue_of([known, closed], [4, 0], [0.5, 0.5]), ISSUED_AT)
    assert arriving.expected({known: 4, other: 1}) is None
    assert arriving.expected({closed: 2}) is None
    nothing = arriving.expected({known: 0, other: 0})
    assert nothing is not None
    assert (nothing.usable, nothing.expected_free, nothing.p_any) == (0, 0, 0)


def test_the_least_known_place_says_where_an_answer_is_from() -> None:
    first, second = Place(ZoneId("a")), Place(ZoneId("b"))
    issue = issue_of([first, second], [4, 4], [0.5, 0.5])
    mixed = Issue(
        **{name: getattr(issue, name) for name in Issue.__slots__ if name != "sources"},
        sources=(Source.FORECAST, Source.TYPICAL),
    )
    found = Arriving(mixed, ISSUED_AT).expected({first: 4, second: 4})
    alone = Arriving(mixed, ISSUED_AT).expected({first: 4})
    assert found is not None
    assert alone is not None
    assert (alone.source, found.source) == (Source.FORECAST, Source.TYPICAL)
