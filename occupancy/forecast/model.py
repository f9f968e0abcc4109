"""What is learnt of the places of an area: all that forecasts are made of, besides what is seen now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from occupancy.forecast.issue import GRID, HORIZONS, Place
from occupancy.forecast.making import BLENDED, Horizon, Weeks
from occupancy.forecast.panel import DAYS_PER_WEEK, Floats, Ints
from occupancy.forecast.spread import KEPT, MISSES, PARTS_PER_DAY, Band
from occupancy.forecast.usual import NOTHING_KNOWN
from occupancy.model import Source

PRIOR = "prior"
"""The version of the model of a city of which nothing is known yet."""
LEFT = (1.0, 0.99, 0.98, 0.94, 0.83, 0.6, 0.5)
"""By horizon, what is left of a residual where nothing was learnt: as it was in large public car parks."""
REMEMBERED_DAYS = DAYS_PER_WEEK + 1
"""So many days of residuals are needed by a forecast: up to the target's time a week ago."""
TYPICAL_FROM_DAYS, FORECAST_FROM_DAYS = 1, 7
"""Days of a place that were seen, from which on it is said to be known by what is usual, and to be forecast."""
_WIDE, _NARROW = 0.45, 0.1


@dataclass(frozen=True, slots=True)
class Model:
    """Of the places of one area, on the grid of forecasts that are issued."""

    version: str
    trained_to: datetime | None
    """The midnight (UTC) up to which it has seen what happened; None: it has seen nothing."""
    places: tuple[Place, ...]
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

    def of(self, places: Sequence[Place], bays: Ints) -> Model:
        """The same for other places: one that it does not know is as those of its bay type are together, or as all."""
        if not self.places:
            return empty_model(places, bays)
        if tuple(places) == self.places:
            return self
        number = {place: number for number, place in enumerate(self.places)}
        new = sorted({place.bay_type for place in places if place not in number})
        together = {
            bay_type: [number[place] for place in number if place.bay_type is bay_type] or [*number.values()]
            for bay_type in new
        }
        pooled = {bay_type: len(number) + column for column, bay_type in enumerate(new)}
        taken = [number[place] if place in number else pooled[place.bay_type] for place in places]
        groups = list(together.values())

        def columns(table: Floats) -> Floats:
            means = [table[:, own].mean(1, keepdims=True) for own in groups]
            found: Floats = np.concatenate([table, *means], axis=1)[:, taken]
            return found

        weeks = self.weeks
        return replace(
            self,
            places=tuple(places),
            days=np.concatenate([self.days, np.zeros(len(groups), dtype=np.int64)])[taken],
            weeks=Weeks(columns(weeks.usual), columns(weeks.lately), columns(weeks.some_free)),
            residuals=columns(self.residuals),
            horizons=tuple(
                replace(
                    one,
                    weights=columns(one.weights.T).T,
                    trusted=columns(one.trusted.T).T,
                    band=_with_pooled(one.band, groups).of(taken),
                )
                for one in self.horizons
            ),
        )


def empty_model(places: Sequence[Place], bays: Ints) -> Model:
    """That of the first day: any share is as likely as any other, and what is seen now lasts for a while."""
    number = len(places)
    shape = (GRID.per_week, number)
    ridge_alone, tier_alone = np.eye(1, BLENDED).repeat(number, 0), np.eye(1, 2)
    half = np.broadcast_to(np.array(NOTHING_KNOWN), shape)
    return Model(
        version=PRIOR,
        trained_to=None,
        places=tuple(places),
        days=np.zeros(number, dtype=np.int64),
        weeks=Weeks(half, half, half),
        residuals=np.empty((0, number)),
        horizons=tuple(
            Horizon(
                ahead // GRID.step,
                left,
                None,
                ridge_alone,
                prior_band(left, bays),
                None,
                None,
                tier_alone.repeat(number, 0),
                tier_alone,
            )
            for ahead, left in zip(HORIZONS, LEFT, strict=True)
        ),
    )


def days_known(shares: Floats) -> Ints:
    """(places,): on how many whole days of a panel at least half of the steps of each were known."""
    days = shares[: len(shares) // GRID.per_day * GRID.per_day].reshape(-1, GRID.per_day, shares.shape[1])
    found: Ints = (2 * np.isfinite(days).sum(1) >= GRID.per_day).sum(0)
    return found


def remembered(trained_to: datetime) -> datetime:
    """From when on a model keeps residuals."""
    return trained_to - timedelta(days=REMEMBERED_DAYS)


def prior_band(left: float, bays: Ints) -> Band:
    """The less is left of what was seen, the wider; and by single bays."""
    width = _NARROW + _WIDE * np.sqrt(1 - left**2) + 0.5 / np.maximum(bays, 1)
    errors = width[:, None, None] * np.linspace(-1, 1, KEPT)
    shape = (len(bays), PARTS_PER_DAY)
    return Band(np.broadcast_to(errors, (*shape, KEPT)), np.full(shape, KEPT), np.full(len(bays), MISSES))


def _with_pooled(band: Band, groups: Sequence[Sequence[int]]) -> Band:
    """And after its places each group of them, by the errors of all of it."""
    ordered = np.empty((len(groups), PARTS_PER_DAY, KEPT))
    for own, errors_of in zip(groups, ordered, strict=True):
        for part in range(PARTS_PER_DAY):
            errors = np.sort(band.ordered[own, part], axis=None)
            errors = errors[np.isfinite(errors)]
            errors_of[part] = errors[np.linspace(0, len(errors) - 1, KEPT).astype(np.int64)]
    counts = np.full(ordered.shape[:2], KEPT)
    misses = [band.misses[own].mean(keepdims=True) for own in groups]
    return Band(
        np.concatenate([band.ordered, ordered]),
        np.concatenate([band.counts, counts]),
        np.concatenate([band.misses, *misses]),
    )
