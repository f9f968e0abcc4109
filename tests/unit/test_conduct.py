"""What closed days say of single sensors: drift, echoes of a neighbour, usual short spells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from random import Random

from occupancy.cells import Held
from occupancy.conduct import Conduct, Unreliable
from occupancy.model import BayId, State, SuspicionKind, ZoneId
from tests.support.small_town import START

DAYS = [(START + timedelta(days=n), START + timedelta(days=n + 1)) for n in range(10)]
BAYS = [BayId(f"b{n}") for n in range(8)]
STREET = ZoneId("high-st")


def lived(chance: Random, days: int = 10, *, stuck_from: int | None = None, taken: bool = True) -> list[Held]:
    """Some stays every day, more on some; from a day on, always taken or always free."""
    edges = [(START, State.FREE)]
    for day in range(days):
        if stuck_from is not None and day >= stuck_from:
            continue
        at = START + timedelta(days=day, hours=chance.uniform(0, 2))
        while at < START + timedelta(days=day, hours=12):
            stay = timedelta(minutes=chance.choice([5, 40, 60, 90, 120]))
            edges += [(at, State.OCCUPIED), (at + stay, State.FREE)]
            at += stay + timedelta(minutes=chance.uniform(30, 90))
    if stuck_from is not None:
        edges.append(
            (max(edges[-1][0], START + timedelta(days=stuck_from)), State.OCCUPIED if taken else State.FREE)
        )
    edges.append((DAYS[days - 1][1] + timedelta(hours=1), State.UNKNOWN))
    return [Held(at, then, state) for (at, state), (then, _) in pairwise(edges)]


def judged(history: dict[BayId, list[Held]], before: Sequence[Unreliable] = (), days: int = 10) -> Conduct:
    devices = {bay_id: (f"s-{bay_id}", None) for bay_id in history}
    conduct = Conduct(DAYS[:days], [True] * days, devices, before)
    conduct.see(STREET, history, dict.fromkeys(history, "standard"))
    return conduct


def street(seed: int, days: int = 10) -> dict[BayId, list[Held]]:
    return {bay_id: lived(Random(f"{seed} {bay_id}"), days) for bay_id in BAYS}


def test_sensors_that_are_as_they_should_be_are_left_alone() -> None:
    assert [judged(street(seed)).unreliable for seed in range(20)] == [[]] * 20


def test_a_share_that_leaves_what_it_was_beside_its_street_is_drift_until_it_comes_back() -> None:
    history = street(1)
    history[BAYS[2]] = lived(Random(2), stuck_from=7)
    [found] = judged(history, days=9).unreliable
    assert (found.bay_id, found.device_id, found.kind) == ("b2", "s-b2", SuspicionKind.DRIFT)
    assert found.reason.startswith("taken 100% of a day")
    [still] = judged(history, [found]).unreliable
    assert still.evidence["usual"] == found.evidence["usual"], "what is usual is not learnt from a liar"
    assert judged(street(1), [found]).unreliable == []


def test_a_bay_that_changes_with_its_whole_street_does_not_drift() -> None:
    history = {bay_id: lived(Random(f"3 {bay_id}"), stuck_from=8) for bay_id in BAYS}
    assert judged(history).unreliable == []


def test_what_an_older_sensor_said_of_the_bay_is_not_held_against_a_new_one() -> None:
    history = street(1)
    history[BAYS[2]] = lived(Random(2), stuck_from=7)
    devices = {bay_id: (f"s-{bay_id}", DAYS[8][0] if bay_id == BAYS[2] else None) for bay_id in BAYS}
    conduct = Conduct(DAYS, [True] * 10, devices, ())
    conduct.see(STREET, history, dict.fromkeys(history, "standard"))
    assert conduct.unreliable == []


def test_a_day_off_says_nothing_new_about_drift() -> None:
    history = street(1)
    history[BAYS[2]] = lived(Random(2), stuck_from=7)
    for before in ((), tuple(judged(history).unreliable)):
        conduct = Conduct(DAYS, [True] * 9 + [False], {BAYS[2]: ("s-b2", None)}, before)
        conduct.see(STREET, history, dict.fromkeys(history, "standard"))
        assert conduct.unreliable == list(before)


def test_a_day_of_which_too_little_was_observed_acquits_nobody() -> None:
    history = street(1)
    history[BAYS[2]] = lived(Random(2), stuck_from=7)
    [found] = judged(history, days=9).unreliable
    history[BAYS[2]][-1] = history[BAYS[2]][-1]._replace(ended_at=DAYS[9][0] + timedelta(hours=2))
    history[BAYS[2]].append(Held(DAYS[9][0] + timedelta(hours=2), None, State.UNKNOWN))
    assert judged(history, [found]).unreliable == [found]
    assert judged(history).unreliable == [], "nor does it accuse"


def echoing(held: list[Held]) -> list[Held]:
    """Free, but for every third stay of a neighbour."""
    found = [Held(START, None, State.FREE)]
    for one in [one for one in held if one.state is State.OCCUPIED and one.ended_at is not None][::3]:
        start, end = one.started_at + timedelta(seconds=9), one.ended_at + timedelta(seconds=4)  # type: ignore[operator]
        found[-1] = found[-1]._replace(ended_at=start)
        found += [Held(start, end, State.OCCUPIED), Held(end, None, State.FREE)]
    return found


def cut_off(n: int, heard: timedelta, away: timedelta) -> list[Held]:
    """A sensor that is taken whenever it is heard, behind a gateway that goes away again and again."""
    found, at = [], START + timedelta(seconds=n)
    while at < DAYS[-1][1]:
        gone, back = at + heard, at + heard + away
        found += [Held(at, gone, State.OCCUPIED), Held(gone, back, State.UNKNOWN)]
        at = back
    return found


def test_bays_that_are_cut_off_together_do_not_echo_each_other() -> None:
    hour = timedelta(hours=1)
    history = {bay_id: cut_off(n, 3 * hour, hour) for n, bay_id in enumerate(BAYS)}
    assert judged(history).unreliable == []


def test_what_is_cut_off_is_no_short_spell() -> None:
    history = {
        bay_id: cut_off(n, timedelta(minutes=5), timedelta(minutes=10)) for n, bay_id in enumerate(BAYS)
    }
    assert judged(history).short_spells() == {"standard": 0.0, "high-st standard": 0.0}


def test_a_sensor_that_comes_and_goes_with_its_neighbour_echoes_it() -> None:
    history = street(4)
    history[BAYS[3]] = echoing(history[BAYS[4]])
    echoes = [one for one in judged(history).unreliable if one.kind is SuspicionKind.CROSSTALK]
    assert [(one.bay_id, one.evidence["neighbour"]) for one in echoes] == [("b3", "b4")]


def test_the_usual_number_of_short_spells_is_not_that_of_the_one_that_chatters() -> None:
    quiet = judged(street(5)).short_spells()
    history = street(5)
    history[BAYS[0]] = [
        Held(
            START + timedelta(minutes=5 * n),
            START + timedelta(minutes=5 * n + 5),
            (State.FREE, State.OCCUPIED)[n % 2],
        )
        for n in range(2000)
    ]
    loud = judged(history).short_spells()
    assert quiet.keys() == {"standard", "high-st standard"}
    assert 0 < quiet["standard"] < 3
    assert loud["high-st standard"] < 2 * quiet["standard"]
