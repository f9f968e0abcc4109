"""Words of a feed on a grid: what holds, for how long, and what is not believed."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from occupancy.forecast.gridding import Words, busy_steps, day_of, fragments, panel_of, step_of
from occupancy.forecast.panel import Grid, Panel

MONDAY = np.datetime64("2026-06-01T00:00:00")


def said(minutes: list[float], shares: list[float], places: list[int] | None = None) -> Words:
    times = MONDAY + (np.array(minutes) * 60e6).astype("timedelta64[us]")
    return Words(np.array(places or [0] * len(minutes)), times.astype("datetime64[us]"), np.array(shares))


def changing(hours: int) -> Words:
    """A feed of changes: another share every five minutes."""
    minutes = [5.0 * number for number in range(12 * hours)]
    return said(minutes, [0.1 + number % 2 * 0.1 for number in range(len(minutes))])


def test_half_hourly_words_lie_on_the_nearest_half_hour() -> None:
    words = said([-1 + 60, 25 + 60, 61 + 60, 92 + 60], [0.1, 0.2, 0.3, 0.4])
    assert step_of(words) == timedelta(minutes=30)
    panel = panel_of(words, 1, step_of(words))
    assert panel.shares[2:6, 0].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert np.isnan(panel.shares[6:]).all()
    assert panel.slots[0] == 0
    assert panel.steps == 48


def test_a_change_holds_for_three_hours_at_most() -> None:
    words = changing(24)
    assert step_of(words) == timedelta(minutes=5)
    quiet = Words(words.places[:40], words.times[:40], words.shares[:40])
    panel = panel_of(quiet, 1, timedelta(minutes=5))
    last = 39
    assert panel.shares[last : last + 37, 0].tolist() == [quiet.shares[-1]] * 37
    assert np.isnan(panel.shares[last + 37 :, 0]).all()


def test_full_for_longer_than_six_hours_is_not_believed() -> None:
    words = changing(48)
    shares = words.shares.copy()
    shares[100:180] = 1.0  # six hours and forty minutes
    shares[300:360] = 1.0  # five hours
    panel = panel_of(Words(words.places, words.times, shares), 1, timedelta(minutes=5))
    assert np.isnan(panel.shares[100:180, 0]).all()
    assert (panel.shares[300:360, 0] == 1.0).all()


def test_fragments_are_found() -> None:
    shares = np.full((96, 3), 0.5)
    shares[10:, 2] = np.nan
    assert fragments(Panel(Grid(timedelta(minutes=30)), shares, np.arange(96))).tolist() == [
        False,
        False,
        True,
    ]


def test_busy_steps_are_those_at_which_something_is_known() -> None:
    shares = np.full((96, 1), np.nan)
    shares.reshape(2, 48, 1)[:, 16:34] = 0.5
    panel = Panel(Grid(timedelta(minutes=30)), shares, np.arange(96))
    assert busy_steps(panel, timedelta(hours=7), timedelta(hours=12)).tolist() == list(range(16, 25))


def test_a_day_outside_of_the_data_is_refused() -> None:
    times = said([0, 30, 60, 1470], [0.1] * 4).times
    assert day_of(times, np.datetime64("2026-06-02")) == 1
    with pytest.raises(ValueError, match="2026-06-02"):
        day_of(times, np.datetime64("2026-06-03"))


def test_a_step_divides_the_day() -> None:
    with pytest.raises(ValueError, match="does not divide"):
        Grid(timedelta(minutes=7))
