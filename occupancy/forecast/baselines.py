"""The forecasts that ours must beat, from the same window and nothing more."""

from __future__ import annotations

import numpy as np

from occupancy.forecast.panel import Floats

PERSISTENCE, LAST_WEEK, TIME_OF_WEEK, DECAYED_RESIDUAL = (
    "persistence",
    "last_week",
    "time_of_week",
    "decayed_residual",
)
BASELINES = (PERSISTENCE, LAST_WEEK, TIME_OF_WEEK, DECAYED_RESIDUAL)
OURS = "baycast"


class Decay:
    """What is left of a residual at one horizon: the slope through the origin, over all that was seen."""

    def __init__(self) -> None:
        self._products = self._squares = 0.0

    def take_up(self, residuals: Floats, later: Floats) -> None:
        """Residuals when a forecast was made, and what they had become when its time came."""
        self._products += float(residuals @ later)
        self._squares += float(residuals @ residuals)

    @property
    def left(self) -> float:
        """From 0 to 1."""
        return min(max(self._products / self._squares, 0.0), 1.0) if self._squares else 0.0


def baselines(now: Floats, week_before: Floats, mean: Floats, faded: Floats) -> dict[str, Floats]:
    """Each by its name. `week_before` is NaN where it is not known: then the mean stands for it."""
    return {
        PERSISTENCE: now,
        LAST_WEEK: np.where(np.isfinite(week_before), week_before, mean),
        TIME_OF_WEEK: mean,
        DECAYED_RESIDUAL: faded,
    }
