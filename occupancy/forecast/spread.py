"""How far forecasts were off, by place and part of the day: what a forecast's quantiles are made of.

Split-conformal: the errors that were made are kept, and their quantiles are laid around the next forecast. The miss
rate that is aimed at follows the one that is seen (adaptive conformal inference, Gibbs and Candes 2021), so that drift
widens the band instead of making it wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from occupancy.forecast.panel import Floats, Ints

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
PARTS_PER_DAY = 8
KEPT = 256
"""Errors by place and part of the day: with one an hour, about three months."""
ENOUGH = 60
"""Fewer errors of a part of the day lean on those of the whole day, and those of a place on those of all."""
MISSES = 0.1
_ADAPTED_BY = 0.01
_BEFORE_ANY = 0.35
"""The half width of the band where no error was made yet."""


@dataclass(frozen=True, slots=True)
class Band:
    """The errors that count for a forecast of one horizon, by place."""

    ordered: Floats
    """(places, parts of the day, kept), in order; NaN beyond their number."""
    counts: Ints
    """(places, parts of the day)"""
    misses: Floats
    """(places,): the rate that is aimed at."""

    def of(self, places: Sequence[int]) -> Band:
        """Of some of the places."""
        return Band(self.ordered[places], self.counts[places], self.misses[places])

    def where(self, own: NDArray[np.bool_], other: Band) -> Band:
        """This one at the places that are flagged, and another at the rest."""
        return Band(
            np.where(own[:, None, None], self.ordered, other.ordered),
            np.where(own[:, None], self.counts, other.counts),
            np.where(own, self.misses, other.misses),
        )

    def around(self, shares: Floats, parts: Ints) -> Floats:
        """(samples, places, levels): the quantiles of what may come, from 0 to 1 and in order."""
        found = np.empty((*shares.shape, len(LEVELS)))
        for part in np.unique(parts):
            own = parts == part
            found[own] = shares[own][:, :, None] + self._quantiles(part)
        return np.maximum.accumulate(np.clip(found, 0.0, 1.0), axis=2)

    def _quantiles(self, part: int) -> Floats:
        """(places, levels): of the errors of a part of the day."""
        half = self.misses / 2
        levels = np.stack([half, *(np.full_like(half, level) for level in LEVELS[1:-1]), 1 - half], axis=-1)
        ordered, last = self.ordered[:, part], np.maximum(self.counts[:, part] - 1, 0)[:, None]
        place = levels * last
        below = np.floor(place).astype(np.int64)
        low = np.take_along_axis(ordered, below, axis=1)
        high = np.take_along_axis(ordered, np.minimum(below + 1, last), axis=1)
        found: Floats = low + (place - below) * (high - low)
        return found

    def chance_below(self, shares: Floats, parts: Ints, limits: Floats) -> Floats:
        """(samples, places): how probable it is that the share is at most the place's limit."""
        found = np.empty(shares.shape)
        for part in np.unique(parts):
            own = parts == part
            room = limits - shares[own]
            under = np.stack([(self.ordered[:, part] <= some[:, None]).sum(1) for some in room])
            found[own] = (under + 0.5) / (self.counts[:, part] + 1)
        return found


class Spread:
    """The errors (truth less forecast) of one horizon as they are made, for all places."""

    def __init__(self, places: int) -> None:
        self._errors = np.full((places, PARTS_PER_DAY, KEPT), np.nan)
        self._next = np.zeros(PARTS_PER_DAY, dtype=np.int64)
        self._misses = np.full(places, MISSES)
        self._sorted, self._counts = _in_order(self._errors)

    def take_up(self, errors: Floats, parts: Ints) -> None:
        """(samples, places) and the part of the day that each sample's target lies in; NaN: it was not known."""
        for row, part in zip(errors, parts, strict=True):
            self._errors[:, part, self._next[part] % KEPT] = row
            self._next[part] += 1

    def settle(self) -> None:
        """Go by the errors that there are now from here on."""
        self._sorted, self._counts = _in_order(self._errors)

    def missed(self, outside: Floats) -> None:
        """(samples, places): 1 where the truth was outside of the band, 0 inside, NaN where it is not known."""
        for row in outside:
            aimed = self._misses + _ADAPTED_BY * (MISSES - row)
            self._misses = np.where(np.isfinite(row), np.clip(aimed, 0.01, 0.3), self._misses)

    @property
    def band(self) -> Band:
        """As it is aimed now, by the errors of when it was settled last."""
        return Band(self._sorted, self._counts, self._misses)


def _in_order(errors: Floats) -> tuple[Floats, Ints]:
    """(places, parts, kept): the errors that count for each part of the day in order, and how many they are."""
    places = errors.shape[0]
    ordered = np.sort(errors, axis=2)  # NaN last
    counts = np.isfinite(ordered).sum(2)
    whole = np.sort(errors.reshape(places, -1), axis=1)
    of_whole = np.isfinite(whole).sum(1)
    of_all = np.sort(errors, axis=None)
    of_all = of_all[np.isfinite(of_all)]
    if len(of_all) < ENOUGH:
        of_all = np.linspace(-_BEFORE_ANY, _BEFORE_ANY, KEPT)
    for place in range(places):
        wider = whole[place, : of_whole[place]] if of_whole[place] >= ENOUGH else of_all
        thinned = wider[np.linspace(0, len(wider) - 1, KEPT).astype(np.int64)]
        for part in np.flatnonzero(counts[place] < ENOUGH):
            ordered[place, part], counts[place, part] = thinned, KEPT
    return ordered, counts
