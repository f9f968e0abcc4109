"""Least squares whose sums grow day by day: what was learnt long ago fades, nothing is fitted anew from the start."""

from __future__ import annotations

import numpy as np

from occupancy.forecast.panel import Floats

HALF_LIFE_DAYS = 28.0
PENALTY = 3.0
"""Added to the diagonal (squared shares): coefficients of what was hardly seen stay where they lean."""


class Ridge:
    """Normal equations of one horizon, for all places together."""

    def __init__(self, half_life_days: float = HALF_LIFE_DAYS, penalty: float = PENALTY) -> None:
        self._decay, self._penalty = 0.5 ** (1 / half_life_days), penalty
        self._squares: Floats | None = None
        self._products: Floats | None = None

    def take_up(self, rows: Floats, targets: Floats) -> None:
        """What a day has shown: (samples, features) and how far from usual the target was."""
        squares, products = rows.T @ rows, rows.T @ targets
        if self._squares is not None and self._products is not None:
            squares = squares + self._decay * self._squares
            products = products + self._decay * self._products
        self._squares, self._products = squares, products

    def solve(self, leant: Floats | float = 0.0) -> Floats | None:
        """The coefficients, which lean on `leant` as long as little was seen; None: nothing was seen yet."""
        if self._squares is None or self._products is None:
            return None
        penalty = self._penalty * np.eye(len(self._products))
        return np.asarray(
            np.linalg.solve(self._squares + penalty, self._products + self._penalty * leant), dtype=np.float64
        )
