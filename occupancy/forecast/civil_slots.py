"""Which time of the week steps of a grid are by the clock on the wall: where panels of instants meet civil time.

Days that the area's calendar declares to be other than ordinary have weeks of their own, one after the other behind the
ordinary one: slot modulo the week is the time of the week, slot by the week the kind of day.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from occupancy.forecast.panel import Grid, Ints
from occupancy.forecast.profile import Week

_QUARTER = timedelta(minutes=15)


def slots_of(week: Week, grid: Grid, first: datetime, count: int) -> Ints:
    """The slot of `count` steps from `first` on; the grid's steps divide a quarter of an hour."""
    each = _QUARTER // grid.step
    before = (first - _floor(first)) // grid.step
    quarters = -(-(count + before) // each)
    begin = _floor(first)
    times = [begin + number * _QUARTER for number in range(quarters)]
    slots = np.array([week.slot(at) for at in times], dtype=np.int64) * each
    slots += np.array([week.declared(at) for at in times], dtype=np.int64) * grid.per_week
    found: Ints = (slots[:, None] + np.arange(each)).ravel()[before : before + count]
    return found


def _floor(at: datetime) -> datetime:
    return at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
