"""How probable it is that at least one bay is free: what the errors of the past say, made better by what is known now.

A forecast's mean and its errors alone know less than that: not whether the place is full now, for how long it has been,
how fast it fills, nor whether it was full at that time yesterday.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from occupancy.forecast.logit import EDGE, log_odds, probability
from occupancy.forecast.panel import DAYS_PER_WEEK, Floats, Grid, Ints, at_steps

HALF_A_BAY = 0.5
"""Shares are measured; fewer free bays than that are none."""
_BEFORE = tuple(timedelta(minutes=minutes) for minutes in (15, 30, 60))
_FILLS_FOR = timedelta(minutes=30)
"""How fast a place fills is read from so long."""
_LOOKED_BACK = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Moment:
    """What is known when chances are said: rows are origins, columns are places."""

    grid: Grid
    shares: Floats
    """(steps, places), of all steps; what is after an origin is not read."""
    bays: Floats
    origins: Ints
    ahead: int
    expected: Floats
    """Occupied shares that are forecast."""
    by_errors: Floats
    """The chance of a free bay by the forecast's errors."""
    usual_now: Floats
    """At what share of such times a bay was free lately: times like the origin's,"""
    usual_then: Floats
    """and times like the target's."""

    def free(self, back: int) -> Floats:
        """Free bays some steps before the origins; NaN: not known."""
        found: Floats = (1 - at_steps(self.shares, self.origins - back)) * self.bays
        return found


def chance_features(moment: Moment) -> Floats:
    """(origins, places, features)."""
    grid, ahead, now = moment.grid, moment.ahead, moment.free(0)
    expected = (1 - moment.expected) * moment.bays
    full = _full(now)
    usual = log_odds(moment.usual_then)
    window = max(1, grid.steps(_FILLS_FOR))
    change = now - moment.free(window)
    as_before = np.clip(now + change * min(ahead / window, 4.0), 0.0, moment.bays)
    looks = range(0, grid.steps(_LOOKED_BACK), window)
    for_long = np.stack([_full(moment.free(back)) for back in looks]).mean(0)
    found = [
        log_odds(moment.by_errors),
        usual,
        log_odds(moment.usual_now) - usual,
        np.log1p(expected),
        1 / (1 + expected),
        np.log1p(now),
        1 / (1 + now),
        1 / (1 + as_before),
        full,
        for_long,
        full * usual,
        full * for_long,
        *(_full(moment.free(grid.steps(back))) for back in _BEFORE if back >= grid.step),
        *(_full(moment.free(days * grid.per_day - ahead)) for days in (1, DAYS_PER_WEEK)),
        np.log(moment.bays) * np.ones_like(expected),
        np.ones_like(expected),
    ]
    rows: Floats = np.nan_to_num(np.stack(found, axis=-1))
    return rows


def limits(bays: Floats, wanted: int = 1) -> Floats:
    """The occupied share, by place, up to which at least so many bays are free."""
    found: Floats = 1 - (wanted - HALF_A_BAY) / bays
    return found


def chance(odds: Floats | None, rows: Floats, by_errors: Floats) -> Floats:
    """(samples, places): by the logit's coefficients; while it is not fitted, by the errors."""
    return np.clip(by_errors, EDGE, 1 - EDGE) if odds is None else probability(odds, rows)


def _full(free: Floats) -> Floats:
    """1: full, -1: not, 0: not known."""
    found: Floats = np.where(np.isfinite(free), np.where(free < HALF_A_BAY, 1.0, -1.0), 0.0)
    return found
