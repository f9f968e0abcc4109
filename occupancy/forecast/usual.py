"""What is usual at each slot of the week, for all places at once: means in which a day weighs less as it ages.

Where a slot of a place has been seen seldom, it leans on what is known beside it: the same time on other days of its
kind, the same time on any day, the same time at other places, and at last on what is usual elsewhere (the prior), or
on a half where not even that is known. Each step of that ladder counts as much as some days that were seen, so that
what is usual is there from the first day on and gets particular with time.
"""

from __future__ import annotations

import numpy as np

from occupancy.forecast.declared_days import Departures
from occupancy.forecast.panel import DAYS_PER_WEEK, Floats, Grid, Ints
from occupancy.forecast.spread import PARTS_PER_DAY

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
        declared: int = 0,
    ) -> None:
        """`prior`: what is usual before anything was seen, (slots of the week, places) or one number for all;
        `declared`: kinds of days other than ordinary ones, see `civil_slots`."""
        self._grid = grid
        self._prior = np.broadcast_to(prior, (grid.per_week, places))
        self._decay = 0.5 ** (1 / half_life_days)
        self._weights = np.zeros((grid.per_week, places))
        self._totals = np.zeros((grid.per_week, places))
        self._parts = np.arange(grid.per_week) % grid.per_day * PARTS_PER_DAY // grid.per_day
        self._declared = [Departures(grid.per_day // PARTS_PER_DAY, places) for _ in range(declared)]

    def take_up(self, slots: Ints, shares: Floats) -> None:
        """A day is over: what was seen in its steps is taken up, everything before it is a day older."""
        self._weights *= self._decay
        self._totals *= self._decay
        kinds, times = np.divmod(slots, self._grid.per_week)
        for kind, departures in enumerate(self._declared, start=1):
            own = times[kinds == kind]
            if len(own):
                departures.take_up(self._parts[own], shares[kinds == kind] - self._ordinary()[own])
        times, shares = times[kinds == 0], shares[kinds == 0]
        seen = np.isfinite(shares)
        np.add.at(self._weights, times, seen)
        np.add.at(self._totals, times, np.where(seen, shares, 0.0))

    def shares(self) -> Floats:
        """What is usual, (slots of the week, places), and behind it as much for each kind of declared days; always a
        number."""
        usual = self._ordinary()
        others = [np.clip(usual + one.usual()[self._parts], 0.0, 1.0) for one in self._declared]
        return np.concatenate([usual, *others]) if others else usual

    def _ordinary(self) -> Floats:
        """Of ordinary days. The ladder is of how far from the prior places are, so that a place leans on how busy
        others are, not on when they are."""
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
