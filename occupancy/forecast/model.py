"""What is learnt of the places of an area: all that forecasts are made of, besides what is seen now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from occupancy.forecast.issue import GRID, Place
from occupancy.forecast.kinds import Kind
from occupancy.forecast.making import Horizon, Weeks
from occupancy.forecast.panel import DAYS_PER_WEEK, Floats, Ints
from occupancy.forecast.prior import usual_week
from occupancy.forecast.untaught import untaught_horizons, untaught_weeks
from occupancy.model import Source

PRIOR = "prior"
"""The version of the model of a city of which nothing is known yet."""
REMEMBERED_DAYS = DAYS_PER_WEEK + 1
"""So many days of residuals are needed by a forecast: up to the target's time a week ago."""
TYPICAL_FROM_DAYS, FORECAST_FROM_DAYS = 1, 7
"""Days of a place that were seen, from which on it is said to be known by what is usual, and to be forecast."""


@dataclass(frozen=True, slots=True)
class Model:
    """Of the places of one area, on the grid of forecasts that are issued."""

    version: str
    trained_to: datetime | None
    """The midnight (UTC) up to which it has seen what happened; None: it has seen nothing."""
    places: tuple[Place, ...]
    kinds: tuple[Kind, ...]
    days: Ints
    """(places,): days of which at least half was known of each."""
    weeks: Weeks
    residuals: Floats
    """(steps, places): how far from usual the last days before `trained_to` were, by what was usual then."""
    horizons: tuple[Horizon, ...]
    """In the order of `HORIZONS`."""

    @property
    def sources(self) -> tuple[Source, ...]:
        """By place, on which rung of the ladder it stands."""
        fitted = all(horizon.coefficients is not None for horizon in self.horizons)
        return tuple(
            Source.PRIOR
            if days < TYPICAL_FROM_DAYS
            else Source.FORECAST
            if fitted and days >= FORECAST_FROM_DAYS
            else Source.TYPICAL
            for days in self.days
        )


def empty_model(places: Sequence[Place], kinds: Sequence[Kind], bays: Ints) -> Model:
    """That of the first day: what is usual elsewhere, and what is seen now lasts for a while."""
    usual = usual_week(kinds, GRID)
    return Model(
        version=PRIOR,
        trained_to=None,
        places=tuple(places),
        kinds=tuple(kinds),
        days=np.zeros(len(places), dtype=np.int64),
        weeks=untaught_weeks(usual, bays),
        residuals=np.empty((0, len(places))),
        horizons=untaught_horizons(usual, bays, GRID),
    )


def days_known(shares: Floats) -> Ints:
    """(places,): on how many whole days of a panel at least half of the steps of each were known."""
    days = shares[: len(shares) // GRID.per_day * GRID.per_day].reshape(-1, GRID.per_day, shares.shape[1])
    found: Ints = (2 * np.isfinite(days).sum(1) >= GRID.per_day).sum(0)
    return found


def remembered(trained_to: datetime) -> datetime:
    """From when on a model keeps residuals."""
    return trained_to - timedelta(days=REMEMBERED_DAYS)
