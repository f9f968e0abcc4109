"""Who came to a street since one of its bays was freed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from occupancy.arrivals import LOOKED_BACK, Arrivals, Came, Key
from occupancy.cells import Held
from occupancy.model import BayId, BayInterval, DeviceId, State
from occupancy.registry import Registry
from tests.support.small_town import START, documents

HOUR = timedelta(hours=1)
REGISTRY = Registry(documents())
ALIKE = [bay for bay in REGISTRY.bays_by_zone["high-st"] if bay.bay_type.value == "standard"]  # type: ignore[index]
FIRST, SECOND = ALIKE[0], ALIKE[1]


def key(bay_id: BayId) -> Key:
    return bay_id, DeviceId(f"s{bay_id[-1]}")


def held(bay_id: BayId, state: State, start_h: float, end_h: float | None) -> BayInterval:
    return BayInterval(
        bay_id=bay_id,
        started_at=START + start_h * HOUR,
        ended_at=None if end_h is None else START + end_h * HOUR,
        state=state,
        reason="",
        device_id=key(bay_id)[1],
    )


def visits(bay_id: BayId, *free_until_h: float) -> list[BayInterval]:
    """Free from the start, with a visit of half an hour at each of these."""
    rows, at = [], 0.0
    for until in free_until_h:
        rows += [
            held(bay_id, State.FREE, at, until),
            held(bay_id, State.OCCUPIED, until, until + 0.5),
        ]
        at = until + 0.5
    return [*rows, held(bay_id, State.FREE, at, None)]


def street(*second_h: float) -> Arrivals:
    arrivals = Arrivals(REGISTRY)
    arrivals.turn(START)
    arrivals.saw(key(FIRST.bay_id), START, [held(FIRST.bay_id, State.FREE, 0, None)])
    arrivals.saw(key(SECOND.bay_id), START, visits(SECOND.bay_id, *second_h))
    return arrivals


def at(hours: float) -> datetime:
    return START + hours * HOUR


def test_arrivals_beside_a_free_bay_are_counted_to_the_quarter_with_the_bays_that_were_free() -> None:
    arrivals = street(1.1, 2.1)
    arrivals.turn(at(1.2))
    assert arrivals.since(FIRST, START).seen == 0, "the quarter of an hour is not over"
    arrivals.turn(at(1.25))
    assert arrivals.since(FIRST, START) == Came(1, 2.0)
    arrivals.turn(at(4))
    assert arrivals.since(FIRST, START) == Came(2, 2.0)
    assert arrivals.since(FIRST, at(2)) == Came(1, 2.0)
    assert arrivals.since(FIRST, at(3)) == Came(0, 2)


def test_bays_are_looked_at_again_when_the_quarter_is_over_and_at_once_when_it_was() -> None:
    arrivals = street(1.1)
    assert arrivals.turn(at(1.2)) >= {FIRST.bay_id}
    assert arrivals.turn(at(1.24)) == set()
    assert arrivals.turn(at(1.3)) >= {FIRST.bay_id}
    assert arrivals.turn(at(1.9)) >= {FIRST.bay_id}
    assert arrivals.turn(at(2.9)) == set(), "nobody came or went"
    arrivals.saw(key(SECOND.bay_id), START, visits(SECOND.bay_id, 1.1, 2.0))
    assert arrivals.turn(at(2.91)) >= {FIRST.bay_id}, "a late word"
    assert arrivals.since(FIRST, START).seen == 2


def test_what_follows_silence_is_no_arrival_and_other_kinds_of_bays_are_not_beside() -> None:
    arrivals = street()
    rows = [
        held(SECOND.bay_id, State.FREE, 0, 1),
        held(SECOND.bay_id, State.UNKNOWN, 1, 2),
        held(SECOND.bay_id, State.OCCUPIED, 2, None),
    ]
    arrivals.saw(key(SECOND.bay_id), START, rows)
    for other in REGISTRY.bays.values():
        if other not in ALIKE:
            arrivals.saw(key(other.bay_id), START, visits(other.bay_id, 1.0, 2.0))
    arrivals.turn(at(4))
    assert arrivals.since(FIRST, START) == Came(0, 1)


def test_it_takes_up_where_an_earlier_process_stopped() -> None:
    before, after = street(1.1, 20.0, 26.1), Arrivals(REGISTRY)
    before.turn(at(27))
    rows = {
        key(FIRST.bay_id): [held(FIRST.bay_id, State.FREE, 0, None)],
        key(SECOND.bay_id): visits(SECOND.bay_id, 1.1, 20.0, 26.1)[2:],
    }
    kept = {key: [Held(row.started_at, row.ended_at, row.state) for row in own] for key, own in rows.items()}
    after.load(kept, at(27))
    for hours in (3, 19, 26):
        freed_at = at(27) - LOOKED_BACK + hours * HOUR - 3 * HOUR
        assert after.since(FIRST, freed_at) == before.since(FIRST, freed_at)
    assert after.turn(at(27.3)) >= {FIRST.bay_id}, "what changed before it stopped was not looked at yet"


def test_what_is_held_is_bounded_though_nobody_asks_who_came() -> None:
    """As long as nothing is learnt nobody does; a rebuild may fold years of that."""
    arrivals = Arrivals(REGISTRY)
    known = [held(SECOND.bay_id, State.FREE, 0, 1)]
    for hour in range(1, 400):
        known[-1:] = [
            replace(known[-1], ended_at=at(hour)),
            held(SECOND.bay_id, State.OCCUPIED if hour % 2 else State.FREE, hour, None),
        ]
        arrivals.saw(key(SECOND.bay_id), known[-2].started_at, known[-2:])
        arrivals.turn(at(hour))
    assert len(arrivals._held[SECOND.bay_id][key(SECOND.bay_id)[1]]) < 30
