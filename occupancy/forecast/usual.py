"""What is usual at each slot of the week, for all places at once: means in which a day weighs less as it ages.

Where a slot of a place has been seen seldom, it leans on what is known beside it: the same time on other days of its
kind, the same time on any day, the same time at other places, and at last on what is usual elsewhere (the prior), or
on a half where not even that is known. Each step of that ladder counts as much as some days that were seen, so that
what is usual is there from the first day on and gets particular with time.
"""

from __future__ import annotations

import numpy as np

from occupancy.forecast.panel import DAYS_PER_WEEK, Floats, Grid, Ints

HALF_LIFE_DAYS = 28.0
"""A day counts half as much as one four weeks younger: habits change with the season, and road works end."""
LATELY_DAYS = 8.0
"""Likewise, of what has been usual lately: beside the other it says where it goes."""
NOTHING_KNOWN = 0.5
_POOL_DAYS, _ANY_DAY_DAYS, _CLASS_DAYS = 2.0, 1.0, 0.25
"""How many seen days the wider mean is worth to the narrower one."""
_CLASSES = (slice(0, 5), slice(5, 6), slice(6, 7))
"""Mondays to Fridays, Saturdays, Sundays."""


class UsualWeek:
    """Weighted sums by slot of the week and place."""

    def __init__(
        self,
        grid: Grid,
        places: int,
        half_life_days: float = HALF_LIFE_DAYS,
        prior: Floats | float = NOTHING_KNOWN,
    ) -> None:
        """`prior`: what is usual before anything was seen, (slots of the week, places) or one number for all."""
        self._grid = grid
        self._prior = np.broadcast_to(prior, (grid.per_week, places))
        self._decay = 0.5 ** (1 / half_life_days)
        self._weights = np.zeros((grid.per_week, places))
        self._totals = np.zeros((grid.per_week, places))

    def take_up(self, slots: Ints, shares: Floats) -> None:
        """A day is over: what was seen in its steps is taken up, everything before it is a day older."""
        self._weights *= self._decay
        self._totals *= self._decay
        seen = np.isfinite(shares)
        np.add.at(self._weights, slots, seen)
        np.add.at(self._totals, slots, np.where(seen, shares, 0.0))

    def shares(self) -> Floats:
        """What is usual, (slots of the week, places); always a number. The ladder is of how far from the prior places
        are, so that a place leans on how busy others are, not on when they are."""
        shape = (DAYS_PER_WEEK, self._grid.per_day, -1)
        weights = self._weights.reshape(shape)
        totals = (self._totals - self._weights * self._prior).reshape(shape)
        of_all = _leant(totals.sum((0, 2)), weights.sum((0, 2)), 0.0, _POOL_DAYS)
        any_day = _leant(totals.sum(0), weights.sum(0), of_all[:, None], _ANY_DAY_DAYS)
        usual = np.empty(weights.shape)
        for days in _CLASSES:
            of_class = _leant(totals[days].sum(0), weights[days].sum(0), any_day, _CLASS_DAYS)
            usual[days] = _leant(totals[days], weights[days], of_class, _CLASS_DAYS)
        return np.clip(self._prior + usual.reshape(self._weights.shape), 0.0, 1.0)


def _leant(totals: Floats, weights: Floats, wider: Floats | float, worth: float) -> Floats:
    return (totals + worth * wider) / (weights + worth)
