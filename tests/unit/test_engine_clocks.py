"""Device clocks that are wrong, late messages, and how the two are told apart."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from occupancy.device_fold import Watch
from occupancy.model import Clock, StateReading
from occupancy.step import fold_all, step
from occupancy.transitions import Verdict
from tests.support.small_town import START, state

WATCH = Watch(timedelta(days=4), timedelta(days=2), Clock.LIVE)
HOUR = 3600
YEARS = 56 * 365 * 24 * HOUR


def said(seq: int, true_s: float, occupied: bool, *, error_s: float = 0, delay_s: float = 1) -> StateReading:
    """What happened at `true_s`, told by a clock that is ahead by `error_s`, and received `delay_s` later."""
    reading = state("s0", seq, true_s + error_s, occupied)
    return replace(reading, received_at=START + timedelta(seconds=true_s + delay_s))


def placed(*readings: StateReading, watch: Watch = WATCH) -> tuple[list[float], list[tuple[Verdict, ...]]]:
    """Seconds after the start of every holding, and each reading's verdicts."""
    fold, verdicts, held = None, [], []
    for reading in readings:
        fold, settled, judged = step(fold, reading, watch)
        held.extend(settled)
        verdicts.append(judged)
        assert fold.as_of <= max(r.received_at for r in readings)
    assert fold is not None
    held.extend(fold.trail)
    return [(h.since - START).total_seconds() for h in held], verdicts


@pytest.mark.parametrize("error_s", [-300, -HOUR, -5 * HOUR, 300, HOUR, YEARS, -YEARS])
def test_a_clock_that_is_wrong_by_as_much_at_each_arrival_is_put_right(error_s: float) -> None:
    true = [0, 2 * HOUR, 5 * HOUR, 9 * HOUR]
    found, verdicts = placed(*(said(n, t, n % 2 == 1, error_s=error_s) for n, t in enumerate(true)))
    assert found == pytest.approx(true, abs=5) or found[1:] == pytest.approx(true[1:], abs=5)
    assert Verdict.RECKONED in verdicts[-1]


def test_a_late_batch_is_believed_and_the_clock_with_it() -> None:
    """Ten hours kept at a gateway: delays shrink while the receipt stays."""
    true = [n * HOUR for n in range(10)]
    batch = [said(n, t, n % 2 == 1, delay_s=10 * HOUR - t + 2 * n) for n, t in enumerate(true)]
    found, verdicts = placed(*batch, said(10, 11 * HOUR, False))
    assert found == [*true, 11 * HOUR]
    assert all(Verdict.LATE in judged for judged in verdicts[:-1])
    assert verdicts[-1] == (Verdict.APPLIED,)


def test_two_late_arrivals_with_other_delays_prove_nothing() -> None:
    found, _ = placed(
        said(1, 0, True, delay_s=2 * HOUR),
        said(2, 3 * HOUR, False, delay_s=HOUR),
        said(3, 9 * HOUR, True, delay_s=4 * HOUR),
    )
    assert found == [0, 3 * HOUR, 9 * HOUR]


def test_the_first_reading_of_a_clock_set_back_is_placed_again_when_the_second_proves_it() -> None:
    found, _ = placed(
        said(1, 0, True),
        said(2, 10 * HOUR, False, error_s=-HOUR),
        said(3, 12 * HOUR, True, error_s=-HOUR),
    )
    assert found == pytest.approx([0, 10 * HOUR, 12 * HOUR], abs=5)


def test_a_clock_that_is_set_right_again_is_believed_at_once() -> None:
    wrong = [said(n, n * HOUR, n % 2 == 1, error_s=-HOUR) for n in range(1, 5)]
    found, verdicts = placed(*wrong, said(6, 6 * HOUR, True), said(7, 7 * HOUR, False))
    assert found[-1] == 7 * HOUR
    assert verdicts[-1] == (Verdict.APPLIED,)


def test_a_drifting_clock_is_never_wrong_by_more_than_minutes() -> None:
    """400 millionths slow over 14 days: eight minutes by the end."""
    true = [n * 2 * HOUR for n in range(12 * 14)]
    found, _ = placed(*(said(n, t, n % 2 == 1, error_s=-t * 400e-6) for n, t in enumerate(true)))
    assert len(found) == len(true)
    assert max(abs(a - b) for a, b in zip(found, true, strict=True)) < 250


def test_a_batch_of_a_clock_that_was_never_set_ends_at_its_receipt() -> None:
    true = [0, HOUR, 2 * HOUR]
    found, _ = placed(*(said(n, t, n == 1, error_s=-YEARS, delay_s=3 * HOUR - t) for n, t in enumerate(true)))
    assert found == sorted(found)
    assert found[-1] == 3 * HOUR


def test_a_reboot_may_set_the_clock() -> None:
    wrong = [said(n, n * HOUR, n % 2 == 1, error_s=-YEARS) for n in range(1, 4)]
    again = replace(said(1, 5 * HOUR, False, error_s=-YEARS - HOUR), key=wrong[0].key._replace(boot=2))
    right = replace(said(1, 7 * HOUR, True), key=wrong[0].key._replace(boot=3))
    found, verdicts = placed(*wrong, again, right)
    assert found[-2:] == pytest.approx([5 * HOUR, 7 * HOUR], abs=5)
    assert verdicts[-1] == (Verdict.APPLIED,)


def test_a_device_without_a_clock_is_placed_by_its_age() -> None:
    reading = replace(said(1, 100, True), at=None, age_ms=31_000)
    found, verdicts = placed(reading)
    assert found == [70]
    assert verdicts == [(Verdict.APPLIED,)]


def test_an_event_area_takes_times_as_they_are() -> None:
    event = Watch(WATCH.silent_after, WATCH.overdue_after, Clock.EVENT)
    fold, held, _ = fold_all(None, [said(1, -YEARS, True, delay_s=YEARS), said(2, 1 - YEARS, False)], event)
    assert fold is not None
    assert fold.now.since - held[0].since == timedelta(seconds=1)


def test_times_that_no_calendar_holds_are_survived() -> None:
    far = [
        said(n, n * HOUR, n % 2 == 1, error_s=7000 * 365.0 * 24 * HOUR * (1 if n % 2 else 0))
        for n in range(6)
    ]
    found, _ = placed(*far)
    assert found == pytest.approx([n * HOUR for n in range(6)], abs=HOUR + 5)
