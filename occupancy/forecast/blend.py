"""How far each place is trusted to the ridge: a place that hardly moves is better told by what it is now.

One ridge serves all places, so for some of them a simpler forecast is off by less. The forecast of a place is a weighed
mean of a few; the weights are those that would have been off by least at that place lately.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from occupancy.forecast.panel import Floats

HALF_LIFE_DAYS = 28.0
"""An error counts half as much as one of four weeks later."""
EARNED = 0.15
"""What is not of the first forecast must have been off by so much less: small differences of a few weeks are chance."""
_PARTS = 4
"""Weights are quarters."""


class Blend:
    """Of `forecasts` kinds of forecast, the first of which is followed until another one has earned its place."""

    def __init__(self, places: int, forecasts: int, *, earned: float = EARNED, squared: bool = False) -> None:
        """`squared`: squared errors count (of a chance: its Brier score), not absolute ones."""
        self._earned, self._power = earned, 2 if squared else 1
        shares = [parts for parts in product(range(_PARTS + 1), repeat=forecasts) if sum(parts) == _PARTS]
        self._offered = np.array(sorted(shares, reverse=True)) / _PARTS
        """(offers, forecasts), the first forecast alone first: it wins a tie."""
        self._off = np.zeros((len(self._offered), places))
        self.weights: Floats = np.tile(self._offered[0], (places, 1))
        """(places, forecasts), each place's adding up to 1."""

    def take_up(self, truth: Floats, forecasts: Sequence[Floats]) -> None:
        """A day's (samples, places), NaN in `truth` where it is not known."""
        self._off *= 0.5 ** (1 / HALF_LIFE_DAYS)
        whole = _whole(forecasts)
        for offer, weights in enumerate(self._offered):
            off = np.abs(np.tensordot(weights, whole, 1) - truth) ** self._power
            self._off[offer] += np.where(np.isfinite(off), off, 0.0).sum(0)

    def settle(self) -> None:
        """Go by the errors that there are now from here on."""
        handicap = 1 + self._earned * (1 - self._offered[:, :1])
        self.weights = self._offered[(self._off * handicap).argmin(0)]


def blended(forecasts: Sequence[Floats], weights: Floats) -> Floats:
    """(samples, places), by `weights` (places, forecasts); a forecast that is not known (NaN) is stood in for by the
    first."""
    found: Floats = np.einsum("fsp,pf->sp", _whole(forecasts), weights)
    return found


def _whole(forecasts: Sequence[Floats]) -> Floats:
    first = forecasts[0]
    return np.stack([first, *(np.where(np.isfinite(other), other, first) for other in forecasts[1:])])
