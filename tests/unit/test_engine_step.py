"""One sensor's readings, step by step: transitions, what was missed, durations, silence, confidence."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise, product

import pytest
from msgspec import structs
from msgspec.structs import replace

from occupancy.device_fold import CutOff, DeviceFold, Watch
from occupancy.model import Clock, Reading, ReadingKey, State, StateReading
from occupancy.repair import Holding
from occupancy.step import fold_all, step, tick
from occupancy.transitions import KINDS, TABLE, Kind, Says, Verdict
from tests.support.small_town import START, health, state

HEARTBEAT = timedelta(hours=3)
WATCH = Watch(HEARTBEAT * 2.5, HEARTBEAT * 1.25, Clock.LIVE)
MIN = 60


def change(seq: int, at_s: float, occupied: bool, prev_s: int | None = None) -> StateReading:
    return replace(state("s0", seq, at_s, occupied), prev_s=prev_s)


def beat(seq: int, at_s: float, occupied: bool | None, cause: str = "heartbeat") -> StateReading:
    return state("s0", seq, at_s, occupied, cause=cause)


def story(*readings: Reading, watch: Watch = WATCH) -> tuple[DeviceFold, list[Holding]]:
    """The fold after the readings, and every holding so far."""
    fold, settled, _ = fold_all(None, readings, watch)
    assert fold is not None
    return fold, [*settled, *fold.trail]


def told(holdings: list[Holding]) -> list[tuple[str, float]]:
    """(state, seconds after the start) of each holding."""
    return [(h.state.value, (h.since - START).total_seconds()) for h in holdings]


def last_verdict(*readings: Reading, watch: Watch = WATCH) -> Verdict:
    fold, verdict = None, None
    for reading in readings:
        fold, _, (verdict, *_) = step(fold, reading, watch)
    assert verdict is not None
    return verdict


def test_the_table_is_total() -> None:
    ways = [*product((Kind.EDGE, Kind.REPEAT), (Says.FREE, Says.OCCUPIED, Says.CANNOT_TELL))]
    states = (State.FREE, State.OCCUPIED, State.UNKNOWN)
    assert set(TABLE) == {(s, *way) for s, way in product(states, [*ways, (Kind.NONE, Says.NOTHING)])}
    assert set(KINDS) == set(type(next(iter(KINDS))))


@pytest.mark.parametrize(("way", "to"), TABLE.items(), ids=lambda value: "-".join(map(str, value)))
def test_each_transition_is_what_the_table_says(
    way: tuple[State, Kind, Says], to: tuple[State, Verdict]
) -> None:
    known, kind, says = way
    before: Reading = health("s0", 1, 0)
    if known is not State.UNKNOWN:
        before = change(1, 0, known is State.OCCUPIED)
    word: Reading = health("s0", 2, MIN)
    if kind is not Kind.NONE:
        occupied = None if says is Says.CANNOT_TELL else says is Says.OCCUPIED
        word = beat(2, MIN, occupied, "change" if kind is Kind.EDGE else "heartbeat")
    fold, _ = story(before, word)
    assert (fold.now.state, last_verdict(before, word)) == to


def test_a_reading_twice_changes_nothing_and_an_older_one_is_left_to_history() -> None:
    fold, _ = story(change(2, 0, True))
    assert step(fold, change(2, 0, True), WATCH) == (fold, (), (Verdict.DUPLICATE,))
    assert step(fold, change(1, -60, False), WATCH) == (fold, (), (Verdict.SUPERSEDED,))


def test_a_heartbeat_that_contradicts_places_the_missed_edge_in_the_middle() -> None:
    fold, held = story(change(1, 0, False), beat(2, 60 * MIN, False), beat(4, 120 * MIN, True))
    assert told(held) == [("free", 0), ("occupied", 90 * MIN)]
    assert (fold.now.inferred, fold.now.uncertain_s) == (True, 30 * MIN)
    assert fold.now.reason == (
        "heartbeat at 2026-11-02 10:00:00Z: occupied, contradicts free at 2026-11-02 09:00:00Z"
    )


def test_a_boot_states_the_bay_anew() -> None:
    fold, held = story(change(1, 0, True), state("s0", 0, 60 * MIN, False, boot=2, cause="boot"))
    assert told(held) == [("occupied", 0), ("free", 30 * MIN)]
    assert fold.now.inferred


def test_the_next_duration_says_when_the_contradicted_edge_was() -> None:
    _, held = story(
        change(1, 0, False),
        beat(3, 120 * MIN, True),
        change(4, 150 * MIN, False, prev_s=100 * MIN),
    )
    assert told(held) == [("free", 0), ("occupied", 50 * MIN), ("free", 150 * MIN)]
    assert (held[1].inferred, held[1].uncertain_s) == (True, 0.0)


def test_a_duration_from_the_heartbeat_on_says_that_the_sensor_found_out_by_itself() -> None:
    """It counts from when it noticed, which says nothing about the edge."""
    _, held = story(
        change(1, 0, False),
        beat(2, 120 * MIN, True),
        change(3, 150 * MIN, False, prev_s=30 * MIN),
    )
    assert told(held) == [("free", 0), ("occupied", 60 * MIN), ("free", 150 * MIN)]


def test_two_equal_changes_split_the_stay_after_the_last_evidence() -> None:
    fold, held = story(change(1, 0, True), beat(2, 60 * MIN, True), change(4, 100 * MIN, True))
    assert told(held) == [("occupied", 0), ("free", 80 * MIN), ("occupied", 100 * MIN)]
    assert [h.inferred for h in held] == [False, True, False]
    assert fold.missed == 1


def test_two_equal_changes_with_a_duration_are_split_to_the_second() -> None:
    _, held = story(change(1, 0, True), change(3, 100 * MIN, True, prev_s=95))
    assert told(held) == [("occupied", 0), ("free", 100 * MIN - 95), ("occupied", 100 * MIN)]
    assert held[1].uncertain_s == 0


def test_two_equal_changes_at_one_instant_say_nothing_new() -> None:
    _, held = story(change(1, 0, True), change(2, 0, True))
    assert told(held) == [("occupied", 0)]


def test_a_duration_shows_that_a_pair_was_missed() -> None:
    readings = (change(1, 0, True), beat(2, 60 * MIN, True), change(5, 120 * MIN, False, prev_s=20 * MIN))
    _, held = story(*readings)
    assert told(held) == [("occupied", 0), ("free", 80 * MIN), ("occupied", 100 * MIN), ("free", 120 * MIN)]
    assert last_verdict(*readings) is Verdict.PAIRED


def test_no_pair_is_made_up_where_no_message_is_missing() -> None:
    _, held = story(change(1, 0, True), change(2, 60 * MIN, False, prev_s=55 * MIN))
    assert told(held) == [("occupied", 0), ("free", 60 * MIN)]


def test_a_duration_fills_a_silence() -> None:
    end = 20 * 3600
    _, held = story(change(1, 0, True), change(9, end, False, prev_s=end))
    assert told(held) == [("occupied", 0), ("free", end)]
    _, held = story(change(1, 0, True), change(9, end, False, prev_s=3600))
    assert told(held) == [
        ("occupied", 0),
        ("unknown", 7.5 * 3600),
        ("occupied", end - 3600),
        ("free", end),
    ]


def test_a_duration_fills_what_was_before_the_first_word_but_not_for_months() -> None:
    _, held = story(change(1, 0, True, prev_s=600))
    assert told(held) == [("free", -600), ("occupied", 0)]
    _, held = story(change(1, 0, True, prev_s=2**32 - 1))
    assert told(held) == [("occupied", 0)]


def test_a_duration_does_not_reach_back_over_a_move() -> None:
    watch = Watch(WATCH.silent_after, WATCH.overdue_after, Clock.LIVE, (START + timedelta(minutes=30),))
    _, held = story(change(1, 0, True), change(2, 60 * MIN, True, prev_s=50 * MIN), watch=watch)
    assert told(held) == [("occupied", 0), ("free", 30 * MIN), ("occupied", 60 * MIN)]


def test_a_duration_does_not_overrule_what_the_sensor_itself_said_since() -> None:
    _, held = story(change(1, 0, False), beat(2, 50 * MIN, None), change(3, 60 * MIN, True, prev_s=3600))
    assert told(held) == [("free", 0), ("unknown", 50 * MIN), ("occupied", 60 * MIN)]


def test_silence_is_overdue_then_unknown() -> None:
    fold, _ = story(change(1, 0, False))
    found = []
    for hours in (3, 3.75, 7.5):
        standing = tick(fold, START + timedelta(hours=hours), WATCH)
        found.append((standing.trail[-1].state, standing.verdict, standing.confidence))
    (s0, v0, c0), (s1, v1, c1), (s2, v2, c2) = found
    assert (s0, s1, s2) == (State.FREE, State.FREE, State.UNKNOWN)
    assert (v0, v1, v2) == (None, Verdict.OVERDUE, Verdict.SILENT)
    assert 1 > c0 > c1 > c2 == 0


def test_a_sensor_that_missed_much_is_believed_less() -> None:
    good = [beat(n, n * MIN, False) for n in range(1, 60)]
    bad = [beat(n, n * MIN, n % 2 == 0) for n in range(1, 60)]
    now = START + timedelta(hours=1)
    sure, unsure = (tick(story(*readings)[0], now, WATCH).confidence for readings in (good, bad))
    assert sure > 0.97
    assert unsure < 0.8


def test_the_reason_of_every_state_is_short_however_long_the_story() -> None:
    readings = [beat(n, n * 3000, n % 2 == 0) for n in range(1, 200)]
    fold, held = story(*readings)
    assert max(len(h.reason) for h in held) < 140
    assert all(a.since <= b.since for a, b in pairwise(held))
    assert len(fold.trail) <= 3


def test_every_edge_is_right_to_the_second_over_all_changes_of_the_clocks() -> None:
    """Stays over the 36 changes of Europe/London from 2020 to 2037 last as long as they lasted."""
    for year in range(2020, 2038):
        for month in (3, 10):
            last = datetime(year, month, 31, 1, tzinfo=START.tzinfo)
            turn = last - timedelta(days=(last.weekday() + 1) % 7)
            shift = (turn - START).total_seconds()
            _, held = story(change(1, shift - 1800, True), change(2, shift + 1801, False, prev_s=3601))
            assert held[1].since - held[0].since == timedelta(seconds=3601)
            assert not held[1].inferred


def test_an_outage_ends_the_evidence_until_the_next_word() -> None:
    cut = cut_off_at(60 * MIN)
    _, seen = story(beat(0, 0, True), beat(9, 100 * MIN, True), watch=cut)
    assert told(seen) == [("occupied", 0), ("unknown", 60 * MIN), ("occupied", 100 * MIN)]
    fold, _ = story(beat(0, 0, True), watch=cut)
    assert tick(fold, START + timedelta(minutes=70), cut).verdict is Verdict.CUT_OFF


@pytest.mark.parametrize(
    ("after", "whole"),
    [
        (beat(1, 100 * MIN, True), True),
        (beat(2, 100 * MIN, True), True),
        (beat(3, 100 * MIN, True), False),
        (change(2, 100 * MIN, False), True),
        (change(3, 100 * MIN, False), False),
        (beat(2, 100 * MIN, False), False),
        (health("s0", 1, 100 * MIN), True),
        (health("s0", 2, 100 * MIN), False),
        (replace(beat(1, 100 * MIN, True), key=ReadingKey(0, 2, 1)), False),
    ],
    ids=lambda value: str(value) if isinstance(value, bool) else f"{value.key.boot}-{value.key.seq}",
)
def test_an_outage_hides_nothing_where_the_numbers_leave_no_room_for_a_change_and_the_one_back(
    after: Reading, whole: bool
) -> None:
    _, seen = story(beat(0, 0, True), after, watch=cut_off_at(60 * MIN))
    assert (("unknown", 60 * MIN) not in told(seen)) is whole


def test_a_duration_heals_what_an_outage_cut() -> None:
    cut = cut_off_at(60 * MIN)
    words = change(0, 0, True), beat(9, 100 * MIN, True)
    _, whole = story(*words, change(10, 120 * MIN, False, 120 * MIN), watch=cut)
    assert told(whole) == [("occupied", 0), ("free", 120 * MIN)]
    _, another = story(*words, change(10, 120 * MIN, False, 30 * MIN), watch=cut)
    assert told(another) == [
        ("occupied", 0),
        ("unknown", 60 * MIN),
        ("occupied", 90 * MIN),
        ("free", 120 * MIN),
    ]
    assert (another[2].before, another[2].inferred) == (State.FREE, True)


def cut_off_at(*began_s: float) -> Watch:
    """The sensor's promises, and outages that began so many seconds after the start."""
    return structs.replace(
        WATCH, cut_offs=tuple(CutOff(START + timedelta(seconds=s), "outage") for s in began_s)
    )
