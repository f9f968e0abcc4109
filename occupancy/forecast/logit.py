"""How probable something is, by logistic regression on what forecasts and the present say of it."""

from __future__ import annotations

import numpy as np

from occupancy.forecast.panel import Floats

KEPT = 200_000
"""Rows that it is fitted to, at most: the newest."""
FEWEST = 500
HALF_LIFE_DAYS = 60.0
"""A day's rows count half as much as those of sixty days later: a place that filled every noon may fill no more."""
_PENALTY, _STEPS, _CLOSE = 1.0, 12, 1e-6
EDGE = 0.005
"""No probability is nearer to certainty."""


class Logit:
    """One horizon's; rows are kept, and fitted again when it is asked to."""

    def __init__(self) -> None:
        self._rows: list[Floats] = []
        self._came: list[Floats] = []
        self._size = 0
        self.coefficients: Floats | None = None

    def take_up(self, rows: Floats, came: Floats) -> None:
        """A day's (samples, features), and whether it came true (1) or not (0)."""
        self._rows.append(rows)
        self._came.append(came)
        self._size += len(rows)
        while self._size - len(self._rows[0]) >= KEPT:
            self._size -= len(self._rows.pop(0))
            self._came.pop(0)

    def fit(self) -> None:
        """By Newton's method from where it was; nothing is changed while too little is known, or only one outcome."""
        if self._size < FEWEST:
            return
        rows, came = np.concatenate(self._rows), np.concatenate(self._came)
        if came.min() == came.max():
            return
        ages = np.repeat(np.arange(len(self._rows))[::-1], [len(day) for day in self._rows])
        counts = 0.5 ** (ages / HALF_LIFE_DAYS)
        found = np.zeros(rows.shape[1]) if self.coefficients is None else self.coefficients
        least = _loss(found, rows, came, counts)
        for _ in range(_STEPS):
            said = logistic(rows @ found)
            slope = rows.T @ (counts * (came - said)) - _PENALTY * found
            curve = (rows * (counts * said * (1 - said))[:, None]).T @ rows + _PENALTY * np.eye(len(found))
            step = np.linalg.solve(curve, slope)
            loss = _loss(found + step, rows, came, counts)
            while (
                loss > least and np.abs(step).max() > _CLOSE
            ):  # Newton's method goes too far where curves are flat
                step /= 2
                loss = _loss(found + step, rows, came, counts)
            if loss > least:
                break
            found, least = found + step, loss
            if np.abs(step).max() < _CLOSE:
                break
        self.coefficients = found

    def chance(self, rows: Floats) -> Floats | None:
        """(samples,) between `EDGE` and 1 - `EDGE`; None: it is not fitted yet."""
        return None if self.coefficients is None else probability(self.coefficients, rows)


def probability(coefficients: Floats, rows: Floats) -> Floats:
    """Between `EDGE` and 1 - `EDGE`, of rows whose last axis is the features."""
    found: Floats = np.clip(logistic(rows @ coefficients), EDGE, 1 - EDGE)
    return found


def _loss(found: Floats, rows: Floats, came: Floats, counts: Floats) -> float:
    """What is minimised: the weighed log loss, and the penalty."""
    odds = rows @ found
    return float((counts * (np.logaddexp(0, odds) - came * odds)).sum() + _PENALTY / 2 * found @ found)


def logistic(values: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-np.clip(values, -30, 30)))
    return found


def log_odds(chances: Floats) -> Floats:
    """The inverse of `logistic`, for chances that keep off the ends."""
    kept = np.clip(chances, EDGE / 5, 1 - EDGE / 5)
    found: Floats = np.log(kept / (1 - kept))
    return found
