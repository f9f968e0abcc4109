"""Occupied shares of many places on one grid of time: what forecasts are learnt from and made of.

Rows are steps of time, columns are places. A share is of the bays in service, from 0 (empty) to 1 (full); NaN is not
known. Arrays are NumPy's because every figure here is made for all places at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DAY = timedelta(days=1)
DAYS_PER_WEEK = 7


@dataclass(frozen=True, slots=True)
class Grid:
    """Steps of equal length, a whole number of them a day."""

    step: timedelta

    def __post_init__(self) -> None:
        if self.step <= timedelta() or DAY % self.step:
            raise ValueError(f"a step of {self.step} does not divide a day")

    @property
    def per_day(self) -> int:
        return DAY // self.step

    @property
    def per_week(self) -> int:
        return DAYS_PER_WEEK * self.per_day

    def steps(self, span: timedelta) -> int:
        """The steps in a span, to the nearest one."""
        return round(span / self.step)


def at_steps(values: Floats, steps: Ints) -> Floats:
    """Rows of some steps; NaN for those before the first."""
    found: Floats = np.where((steps >= 0)[:, None], values[np.maximum(steps, 0)], np.nan)
    return found


def known_mean(values: Floats, axis: int) -> Floats:
    """The mean of what is known along an axis; NaN where nothing is."""
    seen = np.isfinite(values)
    counts = seen.sum(axis)
    totals = np.where(seen, values, 0.0).sum(axis)
    found: Floats = np.divide(totals, counts, out=np.full(totals.shape, np.nan), where=counts > 0)
    return found


@dataclass(frozen=True, slots=True)
class Panel:
    """What is known of some places. `slots` says of each step which one of the week it is by the clock on the wall,
    from 0 on Monday at midnight; holidays are Sundays; weeks of declared days are counted on (`civil_slots`)."""

    grid: Grid
    shares: Floats
    """(steps, places)"""
    slots: Ints
    """(steps,)"""

    @property
    def steps(self) -> int:
        return int(self.shares.shape[0])

    @property
    def places(self) -> int:
        return int(self.shares.shape[1])
