"""A model from what was seen: by walking over the days as the evaluation does, and keeping what was learnt."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from occupancy.forecast.issue import GRID, HORIZONS, Place
from occupancy.forecast.kinds import Kind
from occupancy.forecast.model import REMEMBERED_DAYS, Model, days_known
from occupancy.forecast.panel import Floats, Ints, Panel
from occupancy.forecast.prior import usual_week
from occupancy.forecast.rolling import Rolling
from occupancy.forecast.untaught import untaught_band, untaught_weeks

LEARNT_EVERY = timedelta(minutes=15)
"""Instants nearer to each other say the same."""
ERRORS_FROM_DAYS = 2
"""A day is forecast by what was learnt before it: with fewer days nothing was forecast, so no error was made."""


def train(
    panel: Panel,
    places: Sequence[Place],
    kinds: Sequence[Kind],
    bays: Ints,
    trained_to: datetime,
    progress: Callable[[int, int], None] | None = None,
) -> Model:
    """Learn from a panel of whole days on the grid of what is issued, which ends at `trained_to`; `kinds` and
    `bays` are of each place. `progress` is told how many days are done, and of how many. Raises `ValueError` for any
    other panel."""
    days = panel.steps // GRID.per_day
    if panel.grid != GRID or panel.steps != days * GRID.per_day or not days:
        raise ValueError(f"whole days in steps of {GRID.step} are needed")
    scored = np.arange(0, GRID.per_day, LEARNT_EVERY // GRID.step)
    aheads = [GRID.steps(ahead) for ahead in HORIZONS]
    usual = usual_week(kinds, GRID)
    walk = Rolling(
        panel,
        np.maximum(bays, 1).astype(float),
        aheads,
        scored,
        judged=(),
        prior=untaught_weeks(usual, bays),
    )
    for day, _ in walk.days(days, to_learn=True):
        if progress is not None:
            progress(day + 1, days)
    weeks, residuals, horizons = walk.learnt()
    if days < ERRORS_FROM_DAYS:
        horizons = tuple(
            replace(one, band=untaught_band(ahead, one.left, usual, bays))
            for ahead, one in zip(HORIZONS, horizons, strict=True)
        )
    seen = [weeks.usual, *(one.coefficients for one in horizons if one.coefficients is not None)]
    return Model(
        version=f"{trained_to:%Y%m%d}-{days}d-{_digest(seen)}",
        trained_to=trained_to,
        places=tuple(places),
        kinds=tuple(kinds),
        days=days_known(panel.shares),
        weeks=weeks,
        residuals=residuals[-REMEMBERED_DAYS * GRID.per_day :].copy(),
        horizons=horizons,
    )


def _digest(tables: Sequence[Floats]) -> str:
    """Tells two models of the same day apart."""
    found = hashlib.sha256()
    for table in tables:
        found.update(np.ascontiguousarray(table).tobytes())
    return found.hexdigest()[:8]
