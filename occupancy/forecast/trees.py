"""The second tier: boosted trees that mend what the first tier leaves, where they have shown of late that they do.

They need LightGBM (`pip install 'baycast[trees]'`); without it, or without the OpenMP library that it needs of the
machine, nothing is grown and the first tier stands. What was grown is kept as text, so that a model is data.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from occupancy.forecast.panel import DAYS_PER_WEEK, Floats, Grid, Ints

REMEMBERED_DAYS = 182
KEPT_PER_DAY = 600
"""Samples of a day that are learnt from: two years of a city are as quick as those of a car park."""
FEWEST = 15_000
"""With fewer, trees are worse than what they are to mend."""
_TREES = 150
_ASKED_BY = {"num_threads": 1}
"""Threads wait for each other by spinning, which is slow where other processes want the processors, too."""
_GROWN_BY = {
    **_ASKED_BY,
    "num_leaves": 31,
    "learning_rate": 0.06,
    "min_data_in_leaf": 100,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "feature_fraction": 0.7,
    "seed": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


def _lightgbm() -> Any:
    try:
        import lightgbm
    except (ImportError, OSError):
        return None
    return lightgbm


def available() -> bool:
    """Whether trees can be grown, and what was grown can be asked, here."""
    return _lightgbm() is not None


def tree_rows(
    grid: Grid, slots: Ints, bays: Floats, parts: Sequence[Floats], own: tuple[Ints, Ints]
) -> Floats:
    """(samples, features): what the first tier goes by, when it is, and how many bays a place has. `slots` are those of
    the targets; `parts` are (origins, places) or (origins, places, features), of which the samples are `own`."""
    rows, places = own
    found = [part[rows, places].reshape(len(rows), -1) for part in parts]
    of_time = (slots % grid.per_day / grid.per_day, slots // grid.per_day % DAYS_PER_WEEK)
    found += [each[rows, None].astype(float) for each in of_time]
    return np.concatenate([*found, bays[places, None]], axis=1)


class Grown:
    """What was grown for one horizon: how far the share will be from the first tier's, and the chance of a free bay."""

    def __init__(self, further: str, chances: str | None) -> None:
        self.further_text, self.chances_text = further, chances

    def further(self, rows: Floats) -> Floats | None:
        """(samples,); None: there is no LightGBM here, or none that can make something of what was grown."""
        return self._further.asked(rows)

    def chances(self, rows: Floats) -> Floats | None:
        """(samples,); None also where a free bay was never in doubt."""
        return None if self._chances is None else self._chances.asked(rows)

    @property
    def fault(self) -> str | None:
        """Why trees that are here cannot be asked; None: they can."""
        return self._further.fault or (self._chances.fault if self._chances is not None else None)

    @cached_property
    def _further(self) -> _Booster:
        return _Booster(self.further_text)

    @cached_property
    def _chances(self) -> _Booster | None:
        return None if self.chances_text is None else _Booster(self.chances_text)


class Trees:
    """Collects what one horizon's are grown from."""

    def __init__(self) -> None:
        self._days: list[tuple[Floats, Floats, Floats]] = []
        self._dice = np.random.default_rng(1)

    def drawn(self, known: NDArray[np.bool_]) -> tuple[Ints, Ints]:
        """Which of a day's (origins, places) to learn from."""
        rows, places = known.nonzero()
        if len(rows) <= KEPT_PER_DAY:
            return rows, places
        own = self._dice.choice(len(rows), KEPT_PER_DAY, replace=False)
        return rows[own], places[own]

    def take_up(self, rows: Floats, off: Floats, came: Floats) -> None:
        """A day's: (samples, features), how far the truth was from the first tier, whether a bay was free (1)."""
        self._days.append((rows.astype(np.float32), off, came))
        del self._days[:-REMEMBERED_DAYS]

    def grow(self) -> Grown | None:
        """None: there is too little to grow from, or no LightGBM."""
        library = _lightgbm()
        if library is None or sum(len(rows) for rows, _, _ in self._days) < FEWEST:
            return None
        rows, off, came = (np.concatenate(column) for column in zip(*self._days, strict=True))

        def grown(objective: str, wanted: Floats) -> str:
            made = library.train({**_GROWN_BY, "objective": objective}, library.Dataset(rows, wanted), _TREES)
            return str(made.model_to_string())

        # The absolute error is what forecasts are judged by, and what a driver meets.
        in_doubt = 0.0 < came.mean() < 1.0
        return Grown(grown("l1", off), grown("binary", came) if in_doubt else None)


class _Booster:
    """Says nothing where LightGBM is not, and from its first fault on: the first tier stands."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.fault: str | None = None
        self._made: Any = None
        self._library = _lightgbm()

    def asked(self, rows: Floats) -> Floats | None:
        """(samples,)."""
        if self._library is None:
            return None
        try:
            if self._made is None:
                self._made = self._library.Booster(model_str=self._text)
            return np.asarray(self._made.predict(rows, **_ASKED_BY))
        except (self._library.basic.LightGBMError, ValueError) as fault:
            self.fault = str(fault)
            self._library = None
            return None
