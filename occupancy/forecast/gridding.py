"""Words of car parks and streets, said at any time, laid on a grid: what held at each step, as far as it is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from occupancy.forecast.panel import Floats, Grid, Ints, Panel

STEPS = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60))
HELD = timedelta(hours=3)
"""How long a word holds in a feed that speaks of changes only."""
FULL_AT_MOST = timedelta(hours=6)
"""Feeds of changes say "none free" of what is closed, too: for longer it is not believed."""
_CHANGES_ONLY = 0.5
"""With fewer words that repeat the one before, a feed speaks of changes only."""
_FRAGMENT = 0.25
"""A place that is known at fewer of the steps than this share of what is usual is left out."""
_US = np.timedelta64(1, "us")


@dataclass(frozen=True, slots=True)
class Words:
    """What was said, in any order: of which place (a number), when (by the clock on its wall), how full."""

    places: Ints
    times: NDArray[np.datetime64]
    shares: Floats
    """Occupied; NaN: closed, or not known."""


def step_of(words: Words) -> timedelta:
    """The step that fits a feed: 5 minutes for one of changes, else about how often it speaks."""
    if _is_of_changes(words):
        return STEPS[0]
    order = np.lexsort((words.times, words.places))
    same = np.diff(words.places[order]) == 0
    apart = float(np.median(np.diff(words.times[order])[same] / _US)) / 1e6
    return min(STEPS, key=lambda step: abs(step.total_seconds() - apart))


def panel_of(words: Words, places: int, step: timedelta) -> Panel:
    """The panel from the first midnight on. Words of changes hold on, others are of the nearest
    step."""
    grid, midnight = Grid(step), words.times.min().astype("datetime64[D]")
    days = days_of(words.times)
    changes = _is_of_changes(words)
    position = (words.times - midnight) / np.timedelta64(step // timedelta(microseconds=1), "us")
    rows = (np.floor(position) if changes else np.rint(position)).astype(np.int64)
    inside = rows < days * grid.per_day
    order = np.argsort(words.times[inside], kind="stable")
    shares = np.full((days * grid.per_day, places), np.nan)
    said = np.zeros(shares.shape, dtype=bool)
    where = rows[inside][order], words.places[inside][order]
    shares[where], said[where] = words.shares[inside][order], True
    if changes:
        _hold(shares, said, grid)
        _disbelieve(shares, grid)
    first = (int(midnight.astype("datetime64[D]").astype(np.int64)) + 3) % 7  # 1 January 1970 was a Thursday
    slots = (np.arange(len(shares)) + first * grid.per_day) % grid.per_week
    return Panel(grid, shares, slots)


def fragments(panel: Panel) -> NDArray[np.bool_]:
    """Places of which too little is known to be judged."""
    known = np.isfinite(panel.shares).sum(0)
    found: NDArray[np.bool_] = known < _FRAGMENT * np.median(known[known > 0])
    return found


def _is_of_changes(words: Words) -> bool:
    order = np.lexsort((words.times, words.places))
    same = np.diff(words.places[order]) == 0
    again = np.diff(words.shares[order])[same] == 0
    often = float(np.median(np.diff(words.times[order])[same] / _US)) / 1e6 < STEPS[1].total_seconds()
    return bool(often and again.mean() < _CHANGES_ONLY)


def _hold(shares: Floats, said: NDArray[np.bool_], grid: Grid) -> None:
    """Let each word hold until the next one, for `HELD` at most."""
    steps = np.arange(len(shares))[:, None]
    last = np.maximum.accumulate(np.where(said, steps, -1), axis=0)
    held = (last >= 0) & (steps - last <= grid.steps(HELD))
    found = np.take_along_axis(shares, np.maximum(last, 0), axis=0)
    shares[:] = np.where(held, found, np.nan)


def _disbelieve(shares: Floats, grid: Grid) -> None:
    """Forget runs of "none free" that are longer than `FULL_AT_MOST`."""
    most = grid.steps(FULL_AT_MOST)
    for place in range(shares.shape[1]):
        full = np.concatenate(([False], shares[:, place] >= 1, [False]))
        edges = np.flatnonzero(np.diff(full.astype(np.int8)))
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            if end - start > most:
                shares[start:end, place] = np.nan


def busy_steps(panel: Panel, start: timedelta, end: timedelta) -> Ints:
    """The steps of a day from `start` to `end`, both included, at which places are known."""
    per_day = panel.grid.per_day
    known = np.isfinite(panel.shares).sum(1)[: panel.steps // per_day * per_day].reshape(-1, per_day).sum(0)
    step = np.arange(per_day)
    inside = (step >= start // panel.grid.step) & (step <= end // panel.grid.step)
    found: Ints = np.flatnonzero(inside & (known > 0.2 * known.max()))
    return found


def days_of(times: NDArray[np.datetime64]) -> int:
    """How many days there are from the first to the last, both included."""
    first, last = (at.astype("datetime64[D]") for at in (times.min(), times.max()))
    return int((last - first) // np.timedelta64(1, "D")) + 1


def day_of(times: NDArray[np.datetime64], day: np.datetime64) -> int:
    """The number of a date, from the day of the first time on. Raises `ValueError` outside of them."""
    midnight, last = times.min().astype("datetime64[D]"), days_of(times) - 1
    number = int((day - midnight) // np.timedelta64(1, "D"))
    if not 0 < number <= last:
        raise ValueError(
            f"{day} is not after the first day of the data and up to its last ({midnight + last})"
        )
    return number
