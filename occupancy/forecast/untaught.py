"""What forecasts are made of before anything was learnt: the prior, what is seen now, and wide bands."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from occupancy.forecast.issue import HORIZONS
from occupancy.forecast.logit import log_odds
from occupancy.forecast.making import BLENDED, Horizon, Weeks
from occupancy.forecast.panel import DAYS_PER_WEEK, Floats, Grid, Ints
from occupancy.forecast.prior import chance_of_a_free_bay, spread_around
from occupancy.forecast.spread import KEPT, MISSES, PARTS_PER_DAY, Band

LEFT = (1.0, 0.99, 0.98, 0.94, 0.83, 0.6, 0.5)
"""By horizon, what is left of a residual where nothing was learnt: as it was in large public car parks."""
_AT_ONCE = 0.1
"""So far, and by half a bay, a place may be from where it was a moment ago."""
_STAY = timedelta(hours=1.6)
"""How long a bay is taken on average: 1,399 stays in two-hour bays of Charlottesville. Where few bays are taken one by
one, a place is where it was no longer than that; to large car parks it makes no difference."""
_UNSEEN = 0.0
"""What is taken to be left for the farthest band: it is also that of places at which nothing is seen."""
_QUANTILES = (np.arange(KEPT) + 0.5) / KEPT
_DEVIATES = log_odds(_QUANTILES) * np.sqrt(3) / np.pi
"""Quantiles of a logistic distribution with a standard deviation of 1."""


def untaught_weeks(usual: Floats, bays: Ints) -> Weeks:
    """By what is usual, (slots of the week, places)."""
    return Weeks(usual, usual, chance_of_a_free_bay(usual, bays))


def untaught_horizons(usual: Floats, bays: Ints, grid: Grid) -> tuple[Horizon, ...]:
    """Those of `HORIZONS` that the grid has steps for: what is seen fades towards what is usual."""
    number = len(bays)
    alone, first_tier = np.eye(1, BLENDED).repeat(number, 0), np.eye(1, 2)
    return tuple(
        Horizon(
            ahead=grid.steps(ahead),
            left=left,
            coefficients=None,
            weights=alone,
            band=untaught_band(ahead, left if ahead < HORIZONS[-1] else _UNSEEN, usual, bays),
            odds=None,
            grown=None,
            trusted=first_tier.repeat(number, 0),
            trusted_chances=first_tier,
        )
        for ahead, left in zip(HORIZONS, LEFT, strict=True)
        if not ahead % grid.step
    )


def untaught_band(ahead: timedelta, left: float, usual: Floats, bays: Ints) -> Band:
    """The less is left of what was seen, the more of how far places of a kind lie apart; and of the chance of single
    bays the more, the more of them have changed hands."""
    number = np.maximum(bays, 1)[:, None, None]
    by_part = usual.reshape(DAYS_PER_WEEK, PARTS_PER_DAY, -1, len(bays)).mean((0, 2)).T
    apart = np.sqrt(1 - left**2) * (spread_around(by_part, _QUANTILES) - by_part[..., None])
    changed = 1 - np.exp(-2 * (ahead / _STAY))
    by_bay = np.sqrt(changed * by_part * (1 - by_part))[..., None] / np.sqrt(number) * _DEVIATES
    moved = (_AT_ONCE + 0.5 / number) * (2 * _QUANTILES - 1)
    errors = np.sign(_DEVIATES) * np.sqrt(apart**2 + by_bay**2 + moved**2)
    return Band(errors, np.full(errors.shape[:2], KEPT), np.full(len(bays), MISSES))
