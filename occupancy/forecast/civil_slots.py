"""Which time of the week steps of a grid are by the clock on the wall: where panels of instants meet civil time."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from occupancy.forecast.panel import Grid, Ints
from occupancy.forecast.profile import Week

_QUARTER = timedelta(minutes=15)


def slots_of(week: Week, grid: Grid, first: datetime, count: int) -> Ints:
    """The slot of the week of `count` steps from `first` on; the grid's steps divide a quarter of an hour."""
    each = _QUARTER // grid.step
    before = (first - _floor(first)) // grid.step
    quarters = -(-(count + before) // each)
    begin = _floor(first)
    slots = np.array([week.slot(begin + number * _QUARTER) for number in range(quarters)], dtype=np.int64)
    within = np.arange(each)
    found: Ints = (slots[:, None] * each + within).ravel()[before : before + count]
    return found


def _floor(at: datetime) -> datetime:
    return at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
