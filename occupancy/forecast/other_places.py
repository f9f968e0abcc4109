"""A model as it is of other places than those that it was learnt at: streets are built, and rules change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from occupancy.forecast.issue import GRID, Place
from occupancy.forecast.kinds import Kind
from occupancy.forecast.making import Horizon, Weeks
from occupancy.forecast.model import TYPICAL_FROM_DAYS, Model, empty_model
from occupancy.forecast.panel import Floats, Ints
from occupancy.forecast.prior import chance_of_a_free_bay
from occupancy.forecast.spread import KEPT, PARTS_PER_DAY, Band

ALIKE = 3
"""Places of a kind, of each of which a whole day was seen, that speak for others of it."""


def model_of(model: Model, places: Sequence[Place], kinds: Sequence[Kind], bays: Ints) -> Model:
    """A place that the model does not know is as those of its kind are together, with as many bays as it has. Where
    fewer than `ALIKE` of its kind are known, what is usual there is the prior's, with the prior's band."""
    if not model.places:
        return empty_model(places, kinds, bays)
    if tuple(places) == model.places:
        return model
    number = {place: number for number, place in enumerate(model.places)}
    new = sorted({kind for place, kind in zip(places, kinds, strict=True) if place not in number})
    alike = {kind: _alike(model, kind) for kind in new}
    everybody = [*number.values()]
    column = {kind: len(number) + at for at, kind in enumerate(new)}
    taken = [
        number[place] if place in number else column[kind] for place, kind in zip(places, kinds, strict=True)
    ]
    pooled = _pooled(model, [alike[kind] or everybody for kind in new], taken)
    unknown = np.array([place not in number for place in places])
    alone = unknown & np.array([not alike.get(kind, ()) for kind in kinds])
    prior = empty_model(places, kinds, bays)
    on_any_day = np.tile(prior.weeks.usual, (len(model.weeks.usual) // GRID.per_week, 1))

    def mended(found: Floats, by_prior: Floats | float) -> Floats:
        return np.where(alone, by_prior, found)

    usual = mended(pooled.weeks.usual, on_any_day)
    chances = np.where(unknown, chance_of_a_free_bay(usual, bays), pooled.weeks.some_free)
    return replace(
        pooled,
        places=tuple(places),
        kinds=tuple(kinds),
        weeks=Weeks(usual, mended(pooled.weeks.lately, on_any_day), chances),
        residuals=mended(pooled.residuals, np.nan),
        horizons=tuple(
            replace(one, band=first.band.where(alone, one.band))
            for one, first in zip(pooled.horizons, prior.horizons, strict=True)
        ),
    )


def _alike(model: Model, kind: Kind) -> list[int]:
    """The places of a kind that were seen; none where they are too few to speak for others."""
    found = [n for n, own in enumerate(model.kinds) if own is kind and model.days[n] >= TYPICAL_FROM_DAYS]
    return found if len(found) >= ALIKE else []


def _pooled(model: Model, groups: Sequence[Sequence[int]], taken: Sequence[int]) -> Model:
    """Columns of a model and, numbered after its places, of groups of them, each as it is together."""

    def columns(table: Floats) -> Floats:
        means = [table[:, own].mean(1, keepdims=True) for own in groups]
        found: Floats = np.concatenate([table, *means], axis=1)[:, taken]
        return found

    weeks = model.weeks
    return replace(
        model,
        days=np.append(model.days, np.zeros(len(groups), dtype=np.int64))[taken],
        weeks=Weeks(columns(weeks.usual), columns(weeks.lately), columns(weeks.some_free)),
        residuals=columns(model.residuals),
        horizons=tuple(_horizon(one, columns, groups, taken) for one in model.horizons),
    )


def _horizon(
    one: Horizon, columns: Callable[[Floats], Floats], groups: Sequence[Sequence[int]], taken: Sequence[int]
) -> Horizon:
    return replace(
        one,
        weights=columns(one.weights.T).T,
        trusted=columns(one.trusted.T).T,
        band=_with_pooled(one.band, groups).of(taken),
    )


def _with_pooled(band: Band, groups: Sequence[Sequence[int]]) -> Band:
    """And after its places each group of them, by the errors of all of it."""
    ordered = np.empty((len(groups), PARTS_PER_DAY, KEPT))
    for own, errors_of in zip(groups, ordered, strict=True):
        for part in range(PARTS_PER_DAY):
            errors = np.sort(band.ordered[own, part], axis=None)
            errors = errors[np.isfinite(errors)]
            errors_of[part] = errors[np.linspace(0, len(errors) - 1, KEPT).astype(np.int64)]
    counts = np.full(ordered.shape[:2], KEPT)
    misses = [band.misses[own].mean(keepdims=True) for own in groups]
    return Band(
        np.concatenate([band.ordered, ordered]),
        np.concatenate([band.counts, counts]),
        np.concatenate([band.misses, *misses]),
    )
