"""What forecasts are made of before anything was learnt: the prior, what is seen now, and wide bands."""

from __future__ import annotations

import numpy as np

from occupancy.forecast.issue import HORIZONS
from occupancy.forecast.making import BLENDED, Horizon, Weeks
from occupancy.forecast.panel import DAYS_PER_WEEK, Floats, Grid, Ints
from occupancy.forecast.prior import chance_of_a_free_bay, spread_around
from occupancy.forecast.spread import KEPT, MISSES, PARTS_PER_DAY, Band

LEFT = (1.0, 0.99, 0.98, 0.94, 0.83, 0.6, 0.5)
"""By horizon, what is left of a residual where nothing was learnt: as it was in large public car parks."""
_AT_ONCE = 0.1
"""So far, and by half a bay, a place may be from where it was a moment ago."""
_UNSEEN = 0.0
"""What is taken to be left for the farthest band: it is also that of places at which nothing is seen."""
_QUANTILES = (np.arange(KEPT) + 0.5) / KEPT


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
            band=untaught_band(left if ahead < HORIZONS[-1] else _UNSEEN, usual, bays),
            odds=None,
            grown=None,
            trusted=first_tier.repeat(number, 0),
            trusted_chances=first_tier,
        )
        for ahead, left in zip(HORIZONS, LEFT, strict=True)
        if not ahead % grid.step
    )


def untaught_band(left: float, usual: Floats, bays: Ints) -> Band:
    """The less is left of what was seen, the more of how far places of a kind lie apart; and single bays."""
    by_part = usual.reshape(DAYS_PER_WEEK, PARTS_PER_DAY, -1, len(bays)).mean((0, 2)).T
    apart = np.sqrt(1 - left**2) * (spread_around(by_part, _QUANTILES) - by_part[..., None])
    moved = (_AT_ONCE + 0.5 / np.maximum(bays, 1))[:, None, None] * (2 * _QUANTILES - 1)
    errors = np.sign(moved) * np.hypot(apart, moved)
    return Band(errors, np.full(errors.shape[:2], KEPT), np.full(len(bays), MISSES))
