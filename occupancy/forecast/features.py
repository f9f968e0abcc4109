"""What a forecast is made of: numbers known at the moment it is made, for many moments and all places at once.

The unit is the residual: how far a place is from what is usual. Nothing here reads a step after the origin (a test
shuffles the future and finds every feature unchanged).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from occupancy.forecast.panel import DAYS_PER_WEEK, Floats, Grid, Ints, at_steps, known_mean

_LAGS = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60))
_OTHERS = 18
"""Features besides lags and shapes."""
_TREND = timedelta(minutes=30)
_SHAPES_UP_TO = timedelta(hours=12)
"""Beyond it, how the place moved yesterday says no more than where it was."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known, step by step; rows after the newest observation are not read."""

    grid: Grid
    shares: Floats
    """(steps, places); NaN: not known."""
    residuals: Floats
    """Shares less what was usual by the week as it was known on that day."""
    slots: Ints
    """Of the week, also of the steps that are forecast."""


def features(known: Known, usual: Floats, lately: Floats, origins: Ints, ahead: int) -> Floats:
    """(origins, places, features) for the step `ahead` steps after each origin; `usual` and `lately`: the week as known
    on the origins' day, by long memory and by short. What is not known is 0: as usual."""
    grid, day = known.grid, known.grid.per_day
    week = DAYS_PER_WEEK * day
    now, then = usual[known.slots[origins]], usual[known.slots[origins + ahead]]
    change = then - now
    residual = at_steps(known.residuals, origins)
    trend = residual - at_steps(known.residuals, origins - max(1, grid.steps(_TREND)))
    found = [residual]
    found += [at_steps(known.residuals, origins - lag) for lag in _lags(grid)]
    for before in (day, week):
        found.append(at_steps(known.residuals, origins + ahead - before))
    found.append(found[-1] - at_steps(known.residuals, origins - week))
    found += [change, then]
    for slots in (known.slots[origins], known.slots[origins + ahead]):
        found.append(lately[slots] - usual[slots])
    found += [residual * change, residual * then, residual * np.abs(residual)]
    angle = 2 * np.pi * (known.slots[origins] % day) / day
    found += [residual * wave(turns * angle)[:, None] for turns in (1, 2) for wave in (np.cos, np.sin)]
    for beside in (residual, trend):
        found.append(np.broadcast_to(known_mean(beside, axis=1)[:, None], residual.shape))
    if ahead * grid.step < _SHAPES_UP_TO:
        for before in (day, week):
            moved = at_steps(known.shares, origins + ahead - before) - at_steps(
                known.shares, origins - before
            )
            found.append(moved - change)
    found.append(np.ones_like(residual))
    rows: Floats = np.nan_to_num(np.stack(found, axis=-1), copy=False)
    return rows


def leant_on(left: float, ahead: int, grid: Grid) -> Floats:
    """The coefficients of a residual of which so much is left: what a fit begins with."""
    shapes = 2 if ahead * grid.step < _SHAPES_UP_TO else 0
    found = np.zeros(_OTHERS + len(_lags(grid)) + shapes)
    found[0] = left
    return found


def _lags(grid: Grid) -> list[int]:
    return sorted({grid.steps(lag) for lag in _LAGS if lag >= grid.step})
