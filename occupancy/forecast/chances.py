"""How probable it is that at least one bay is free: what the errors of the past say, made better by what is known now.

A forecast's mean and its errors alone know less than that.
"""

from __future__ import annotations

import numpy as np

from occupancy.forecast.logit import EDGE, Logit, log_odds
from occupancy.forecast.panel import Floats


def chance_features(by_errors: Floats, usual: Floats, expected: Floats, now: Floats, bays: Floats) -> Floats:
    """(samples, places, features). `by_errors`: the chance by the forecast's errors; `usual`: at what share of such times
    a bay was free; `expected` and `now`: occupied shares; `bays`: of each place."""
    free, free_now = (1 - expected) * bays, (1 - now) * bays
    one = np.ones_like(expected)
    found = [
        log_odds(by_errors),
        log_odds(usual),
        np.log1p(free),
        1 / (1 + free),
        1 / (1 + free_now),
        (free_now < HALF_A_BAY) * one,
        now - expected,
        np.log(bays) * one,
        one,
    ]
    return np.stack(found, axis=-1)


HALF_A_BAY = 0.5
"""Shares are measured; fewer free bays than that are none."""


def limits(bays: Floats, wanted: int = 1) -> Floats:
    """The occupied share, by place, up to which at least so many bays are free."""
    found: Floats = 1 - (wanted - HALF_A_BAY) / bays
    return found


def chance(logit: Logit, rows: Floats, by_errors: Floats) -> Floats:
    """(samples, places): by the logit, as long as it is not fitted by the errors."""
    found = logit.chance(rows.reshape(-1, rows.shape[-1]))
    return np.clip(by_errors, EDGE, 1 - EDGE) if found is None else found.reshape(by_errors.shape)
