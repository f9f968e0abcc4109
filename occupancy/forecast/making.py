"""A forecast for one horizon from what was learnt: the same for days that are walked over and for the hours to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from occupancy.forecast.blend import blended
from occupancy.forecast.chances import Moment, chance, chance_features, limits
from occupancy.forecast.features import Known, features
from occupancy.forecast.logit import EDGE
from occupancy.forecast.panel import Floats, Grid, Ints, at_steps
from occupancy.forecast.spread import PARTS_PER_DAY, Band
from occupancy.forecast.trees import Grown, tree_rows
from occupancy.forecast.usual import NOTHING_KNOWN

BLENDED = 3
"""Kinds of forecast that a place's own is made of."""


@dataclass(frozen=True, slots=True)
class Weeks:
    """What is usual as it is known on a day, each (slots, places): of the week, and of the kinds of declared days that
    were seen."""

    usual: Floats
    lately: Floats
    some_free: Floats
    """How often a bay was free, of late."""

    def known(self, slots: Ints, grid: Grid) -> Ints:
        """The same slots, but for those of a kind of days of which it has seen none: they are of ordinary days."""
        found: Ints = np.where(slots < len(self.usual), slots, slots % grid.per_week)
        return found


_HALF: Floats = np.array(NOTHING_KNOWN)
NO_PRIOR = Weeks(_HALF, _HALF, _HALF)


@dataclass(frozen=True, slots=True)
class Horizon:
    """What is learnt of one horizon, for all places."""

    ahead: int
    """Steps."""
    left: float
    """What is left of a residual."""
    coefficients: Floats | None
    """Of the ridge; None: not fitted, the residual fades."""
    weights: Floats
    """(places, `BLENDED`): how far each place follows the ridge, where it is now, and the residual that fades."""
    band: Band
    odds: Floats | None
    """Coefficients of the logit; None: not fitted, chances are by errors."""
    grown: Grown | None
    """None: the first tier stands alone."""
    trusted: Floats
    """(places, 2): how far each place follows the first tier, and the trees."""
    trusted_chances: Floats
    """(1, 2): how far chances do."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What some forecasts of one horizon are made of: rows are origins, columns are places."""

    rows: Floats
    usual: Floats
    some_free_now: Floats
    some_free_then: Floats


@dataclass(frozen=True, slots=True)
class Made:
    """Forecasts of one horizon: rows are origins, columns are places."""

    residual: Floats
    faded: Floats
    """What is usual, and what is left of the residual."""
    kinds: tuple[Floats, ...]
    """What the forecast is a blend of; empty while the ridge is not fitted."""
    shares: Floats
    quantiles: Floats
    """(origins, places, levels)"""
    chance_rows: Floats
    chances: Floats
    """Of at least one free bay."""
    parts_of_trees: tuple[Floats, ...]
    """What trees go by, see `tree_rows`."""
    tiers: tuple[Floats, Floats]
    """What the first tier says, and what it says mended by trees."""
    chances_by_tier: tuple[Floats, Floats]


def seen(known: Known, weeks: Weeks, origins: Ints, ahead: int) -> Seen:
    """Look at some origins with the weeks as they are known on their day."""
    now, then = known.slots[origins], known.slots[origins + ahead]
    return Seen(
        features(known, weeks.usual, weeks.lately, origins, ahead),
        weeks.usual[then],
        weeks.some_free[now],
        weeks.some_free[then],
    )


def joined(parts: Sequence[Seen]) -> Seen:
    """Origins of several days, one after the other."""
    names = ("rows", "usual", "some_free_now", "some_free_then")
    return Seen(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def make(horizon: Horizon, known: Known, bays: Floats, origins: Ints, found: Seen) -> Made:
    """Forecast; `found` is what was seen at the origins, `bays` how many each place has."""
    residual = at_steps(known.residuals, origins)
    faded = np.clip(found.usual + horizon.left * np.nan_to_num(residual), 0.0, 1.0)
    shares = faded
    kinds: tuple[Floats, ...] = ()
    if horizon.coefficients is not None:
        ridge = np.clip(found.usual + found.rows @ horizon.coefficients, 0.0, 1.0)
        kinds = (ridge, at_steps(known.shares, origins), faded)
        shares = blended(kinds, horizon.weights)
    then = known.slots[origins + horizon.ahead]
    parts = part_of_day(known.grid, then)
    by_errors = horizon.band.chance_below(shares, parts, limits(bays))
    rows = chance_features(
        Moment(
            known.grid,
            known.shares,
            bays,
            origins,
            horizon.ahead,
            expected=shares,
            by_errors=by_errors,
            usual_now=found.some_free_now,
            usual_then=found.some_free_then,
        )
    )
    chances = chance(horizon.odds, rows, by_errors)
    parts_of_trees = (found.rows, rows, found.usual, shares)
    mended, mended_chances = shares, chances
    if horizon.grown is not None:
        own = np.indices(shares.shape).reshape(2, -1)
        for_trees = tree_rows(known.grid, then, bays, parts_of_trees, (own[0], own[1]))
        mended, mended_chances = _mended(horizon.grown, for_trees, shares, chances)
    told = blended((shares, mended), horizon.trusted)
    return Made(
        residual,
        faded,
        kinds,
        told,
        horizon.band.around(told, parts),
        rows,
        horizon.trusted_chances[0, 0] * chances + horizon.trusted_chances[0, 1] * mended_chances,
        parts_of_trees,
        (shares, mended),
        (chances, mended_chances),
    )


def _mended(grown: Grown, rows: Floats, shares: Floats, chances: Floats) -> tuple[Floats, Floats]:
    """By trees; as they were where trees say nothing."""
    further, by_trees = grown.further(rows), grown.chances(rows)
    return (
        shares if further is None else np.clip(shares + further.reshape(shares.shape), 0.0, 1.0),
        chances if by_trees is None else np.clip(by_trees.reshape(shares.shape), EDGE, 1 - EDGE),
    )


def together(parts: Sequence[Made]) -> Made:
    """Forecasts of one horizon for origins of several days, one after the other."""
    if len(parts) == 1:
        return parts[0]
    kinds = [part.kinds for part in parts]
    return Made(
        residual=np.concatenate([part.residual for part in parts]),
        faded=np.concatenate([part.faded for part in parts]),
        kinds=_each(kinds) if all(kinds) else (),
        shares=np.concatenate([part.shares for part in parts]),
        quantiles=np.concatenate([part.quantiles for part in parts]),
        chance_rows=np.concatenate([part.chance_rows for part in parts]),
        chances=np.concatenate([part.chances for part in parts]),
        parts_of_trees=_each([part.parts_of_trees for part in parts]),
        tiers=_pairs([part.tiers for part in parts]),
        chances_by_tier=_pairs([part.chances_by_tier for part in parts]),
    )


def _each(parts: Sequence[tuple[Floats, ...]]) -> tuple[Floats, ...]:
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def _pairs(parts: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    first, second = _each(parts)
    return first, second


def part_of_day(grid: Grid, slots: Ints) -> Ints:
    """Which of the parts of the day slots lie in."""
    found: Ints = slots % grid.per_day * PARTS_PER_DAY // grid.per_day
    return found
