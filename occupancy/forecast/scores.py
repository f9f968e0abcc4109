"""How good forecasts were: the measures that are published, and how sure a difference between two models is.

Sums are kept by day, so that years of many places never sit in memory, and because what lies in one day is not
independent: whole days are drawn to say how sure a difference is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from occupancy.forecast.panel import Floats
from occupancy.forecast.spread import LEVELS

BINS = 10
DRAWS = 1_000


class Interval(NamedTuple):
    """A mean and the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


class DaySums(NamedTuple):
    """Of one model on one day: sums over what was forecast."""

    forecasts: int
    off: float
    """Absolute errors of the share."""
    off_squared: float
    pinball: float
    inside: int
    """How often the truth was within the 90 % band."""
    brier: float
    within3: int
    """How often the nearest whole number of bays was off by no more than 3 % of all bays, rounded to whole bays."""
    within4: int


class Scores:
    """One model's, at one horizon."""

    def __init__(self) -> None:
        self._days: list[DaySums] = []
        self._said, self._came = np.zeros(BINS), np.zeros(BINS)

    def take_up(
        self, truth: Floats, shares: Floats, quantiles: Floats, chances: Floats, came: Floats, bays: Floats
    ) -> None:
        """One day: the truth, the forecast, its quantiles (samples, levels), the chance of a free bay, whether there
        was one (1) or not (0), and how many bays there are."""
        off = np.abs(shares - truth)
        bays_off = np.abs(np.rint(shares * bays) - np.rint(truth * bays))
        self._days.append(
            DaySums(
                forecasts=len(truth),
                off=float(off.sum()),
                off_squared=float((off**2).sum()),
                pinball=float(pinball(truth, quantiles).sum()),
                inside=int(((truth >= quantiles[:, 0]) & (truth <= quantiles[:, -1])).sum()),
                brier=float(((chances - came) ** 2).sum()),
                within3=int((bays_off <= np.rint(0.03 * bays)).sum()),
                within4=int((bays_off <= np.rint(0.04 * bays)).sum()),
            )
        )
        bins = np.minimum((chances * BINS).astype(np.int64), BINS - 1)
        self._said += np.bincount(bins, chances, BINS)
        self._came += np.bincount(bins, came, BINS)

    @property
    def forecasts(self) -> int:
        return sum(day.forecasts for day in self._days)

    def mean(self, name: str) -> float:
        """Of one of the sums of `DaySums`, by forecast. NaN where there is none."""
        total = sum(getattr(day, name) for day in self._days)
        return total / self.forecasts if self.forecasts else float("nan")

    @property
    def calibration_error(self) -> float:
        """Expected calibration error, by bins of a tenth: how far from what was said is what came."""
        return (
            float(np.abs(self._said - self._came).sum() / self.forecasts) if self.forecasts else float("nan")
        )

    def less(self, other: Scores, name: str, seed: int) -> Interval:
        """The mean of one of the sums less that of another model on the same forecasts, by drawing days."""
        pairs = zip(self._days, other._days, strict=True)
        totals = np.array([getattr(one, name) - getattr(against, name) for one, against in pairs])
        return drawn(totals, [day.forecasts for day in self._days], seed)


def drawn(totals: Floats, counts: Sequence[int] | Floats, seed: int) -> Interval:
    """The mean by days that are drawn with replacement (block bootstrap)."""
    weights = np.asarray(counts, dtype=float)
    dice = np.random.default_rng(seed)
    days = dice.integers(0, len(totals), (DRAWS, len(totals)))
    means = totals[days].sum(1) / np.maximum(weights[days].sum(1), 1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(totals.sum() / max(weights.sum(), 1)), float(low), float(high))


def pinball(truth: Floats, quantiles: Floats) -> Floats:
    """(samples,): the mean over `LEVELS` of what each quantile is off, weighed by its level (Koenker and Bassett)."""
    off = truth[:, None] - quantiles
    levels = np.array(LEVELS)
    found: Floats = np.maximum(levels * off, (levels - 1) * off).mean(1)
    return found


def best(scores: Iterable[tuple[str, Scores]], name: str) -> str:
    """The model with the least of a sum."""
    return min(scores, key=lambda one: one[1].mean(name))[0]
