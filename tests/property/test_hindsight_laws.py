"""What is entered late for past time: the rows are those of readings in order, and of a rebuild (L3)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from occupancy.learnt import holds_from
from occupancy.model import StateReading, SuspicionKind
from tests.property.test_suspect_laws import DAYS, END_S, LATEST_S, OVER_S, spoken
from tests.support.changed import CHANGES, LEAVING, Change, overrides, two_streets
from tests.support.examples import of_profile
from tests.support.folded import Folded
from tests.support.lessons import drifting, lesson
from tests.support.seeded import seeded
from tests.support.small_town import START, state

Entered = tuple[int, Sequence[Change]]
"""After how many seconds, and what, at one position."""

MOMENTS = st.sampled_from([0, 20_000, 60_000, 100_000, 200_000, END_S, END_S + LATEST_S])
JUDGED = st.tuples(MOMENTS, overrides().map(lambda one: [one]) | st.sampled_from(CHANGES))
ANY = JUDGED | st.tuples(MOMENTS, st.sampled_from(LEAVING))


def told(
    readings: Sequence[StateReading],
    entered: Sequence[Entered],
    *,
    seed: int | None,
    restarts: bool = False,
    early: bool = False,
) -> Folded:
    """`seed` None: each reading as it is said; else up to two days late. `early`: what is entered comes first."""
    chance = random.Random(seed)
    with patch("occupancy.outages.BROKEN", 2):
        pages_of = 9 if seed is None else chance.choice([3, 9])
        town = Folded(two_streets(), pages_of=pages_of, cells_until=START + timedelta(hours=6))
        town.append(watermark_s=0)
        for _, changes in sorted(entered, key=lambda one: one[0]) if early else ():
            town.append(changes=changes)
        delays = (0, 0, 0, 900, 50_000, LATEST_S) if seed is not None else (0,)
        due = [
            ((reading.received_at - START).total_seconds() + chance.choice(delays), n)
            for n, reading in enumerate(readings)
        ]
        lessons = {
            day * 86_400 + 3600: (drifting("high-st-1", "s1"),) if day == 1 else () for day in range(DAYS)
        }
        moments = {*lessons, OVER_S, *(0 if early else at for at, _ in entered)}
        moments |= {int(at) + 1 for at, _ in due if at < END_S and (seed is None or chance.random() < 0.5)}
        for moment in sorted(moments):
            ready = [n for at, n in due if at <= moment]
            due = [(at, n) for at, n in due if at > moment]
            if seed is not None:
                chance.shuffle(ready)
            town.append([readings[n] for n in ready], watermark_s=moment)
            for at, changes in () if early else entered:
                if at == moment:
                    town.append(changes=changes)
            if moment in lessons:
                begins = holds_from(START + timedelta(seconds=moment))
                rate = 1.5 if moment < 100_000 else 3.0
                town.append(
                    learnt=lesson(begins, ends_per_h=rate, short_per_day=0.1, unreliable=lessons[moment])
                )
            if restarts and chance.random() < 0.3:
                town.lay()
                town.crash()
        town.lay()
        return town


@settings(max_examples=of_profile(8), deadline=None)
@given(said=st.integers(0, 2**16), entered=st.lists(ANY, max_size=4), seed=st.integers(0, 2**16))
def test_l3_late_words_give_the_same_rows_whatever_was_entered_meanwhile(
    said: int, entered: list[Entered], seed: int
) -> None:
    readings = spoken(said)
    assert told(readings, entered, seed=seed).rows() == told(readings, entered, seed=None).rows()


@settings(max_examples=of_profile(8), deadline=None)
@given(
    said=st.integers(0, 2**16), entered=st.lists(JUDGED, max_size=4), seed=st.none() | st.integers(0, 2**16)
)
def test_l3_what_is_entered_late_gives_the_same_rows_as_early(
    said: int, entered: list[Entered], seed: int | None
) -> None:
    readings = spoken(said)
    assert told(readings, entered, seed=seed).rows() == told(readings, entered, seed=seed, early=True).rows()


@settings(max_examples=of_profile(4), deadline=None)
@given(said=st.integers(0, 2**16), entered=st.lists(ANY, max_size=4), seed=st.integers(0, 2**16))
def test_l3_a_restart_or_rebuild_gives_the_same_rows_whatever_was_entered_meanwhile(
    said: int, entered: list[Entered], seed: int
) -> None:
    town = told(spoken(said), entered, seed=seed, restarts=True)
    with patch("occupancy.outages.BROKEN", 2):
        assert town.rebuilt(pages_of=1).rows() == town.rows()
        assert town.rebuilt(pages_of=20, together=True).rows() == town.rows()


@settings(max_examples=of_profile(8), deadline=None)
@given(
    said=st.integers(0, 2**16),
    entered=st.lists(ANY, max_size=4),
    seed=st.integers(0, 2**16),
    share=st.floats(0.05, 1),
    together=st.booleans(),
)
def test_l3_a_rebuild_from_any_position_gives_the_same_rows_whatever_was_entered_meanwhile(
    said: int, entered: list[Entered], seed: int, share: float, together: bool
) -> None:
    with patch("occupancy.sensed.CHECKPOINT_EVERY", 3):
        town = told(spoken(said), entered, seed=seed)
        with patch("occupancy.outages.BROKEN", 2):
            later = seeded(town, int(len(town.log) * share), pages_of=20, together=together)
    assert later.rows() == town.rows()


def test_the_examples_have_outages_overstays_and_suspicions_of_every_kind() -> None:
    said = [state("s0", 1, 4000, False), state("s1", 1, 60, False), state("s1", 2, 90_000, False)]
    said += [state("s0", 2, 5000, True), state("s0", 3, 12_000, False), state("s0", 4, 100_000, True)]
    said += [state("s2", n, 5000 + n * 300, n % 2 == 0) for n in range(1, 40)]
    said += [state("s2", 40 + n, n * 20_000, True, cause="heartbeat") for n in range(1, 6)]
    rows = told(said, [], seed=None).rows()
    assert {row.group for row in rows["outages"].values()} == {"gateway/gw-a", "area/town"}
    assert rows["overstays"]
    assert {row.kind for row in rows["suspicions"].values()} == {*SuspicionKind} - {SuspicionKind.CROSSTALK}
