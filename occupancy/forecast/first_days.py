"""What is said before anything was learnt, held against what came: by the prior, and by a half for every place."""

from __future__ import annotations

import numpy as np

from occupancy.forecast.baselines import OURS
from occupancy.forecast.chances import limits
from occupancy.forecast.features import Known
from occupancy.forecast.issue import horizon_name
from occupancy.forecast.making import make, part_of_day, seen
from occupancy.forecast.panel import Floats, Ints, Panel
from occupancy.forecast.scores import Scores
from occupancy.forecast.spread import Band
from occupancy.forecast.untaught import untaught_horizons, untaught_weeks

HALF = "half"
UNSEEN = "unseen"
"""In place of a horizon: of places of which nothing is seen, also not now."""

_Said = tuple[Floats, Floats, Floats]
"""Shares and chances of a free bay, (targets, places), and quantiles, (targets, places, levels)."""


def untaught(panel: Panel, bays: Ints, scored: Ints, usual: Floats, seed: int) -> dict[str, float]:
    """Figures by horizon of a whole panel; `scored`: the steps of a day that are forecast, `usual`: by the prior."""
    both = {OURS: usual, HALF: np.full_like(usual, 0.5)}
    by_name = {name: _scores(panel, bays, scored, each) for name, each in both.items()}
    found: dict[str, float] = {}
    for horizon, ours in by_name[OURS].items():
        found[f"forecasts.{horizon}"] = ours.forecasts
        for name, scores in by_name.items():
            of_it = scores[horizon]
            found[f"mae.{horizon}.{name}"] = of_it.mean("off")
            found[f"pinball.{horizon}.{name}"] = of_it.mean("pinball")
            found[f"brier.{horizon}.{name}"] = of_it.mean("brier")
        found[f"coverage90.{horizon}"] = ours.mean("inside")
        found[f"ece.{horizon}"] = ours.calibration_error
        less = ours.less(by_name[HALF][horizon], "off", seed)
        found[f"mae_less.{horizon}"] = less.mean
        found[f"mae_less_low.{horizon}"], found[f"mae_less_high.{horizon}"] = less.low, less.high
    return found


def _scores(panel: Panel, bays: Ints, scored: Ints, usual: Floats) -> dict[str, Scores]:
    grid, weeks = panel.grid, untaught_weeks(usual, bays)
    known = Known(grid, panel.shares, panel.shares - usual[panel.slots], panel.slots)
    horizons = untaught_horizons(usual, bays, grid)
    found: dict[str, Scores] = {}
    for day in range(panel.steps // grid.per_day):
        targets = day * grid.per_day + scored
        for horizon in horizons:
            origins = targets[targets >= horizon.ahead] - horizon.ahead
            made = make(
                horizon, known, bays.astype(float), origins, seen(known, weeks, origins, horizon.ahead)
            )
            minutes = round(horizon.ahead * grid.step.total_seconds() / 60)
            truth = np.where(
                np.isfinite(panel.shares[origins]), panel.shares[origins + horizon.ahead], np.nan
            )
            _judge(found, horizon_name(minutes), truth, bays, (made.shares, made.chances, made.quantiles))
        slots = panel.slots[targets]
        said = usual[slots], weeks.some_free[slots], _around(horizons[-1].band, usual[slots], panel, slots)
        _judge(found, UNSEEN, panel.shares[targets], bays, said)
    return found


def _around(band: Band, shares: Floats, panel: Panel, slots: Ints) -> Floats:
    return band.around(shares, part_of_day(panel.grid, slots))


def _judge(found: dict[str, Scores], name: str, truth: Floats, bays: Ints, said: _Said) -> None:
    own = np.isfinite(truth)
    shares, chances, quantiles = (one[own] for one in said)
    came = (truth <= limits(bays.astype(float)))[own].astype(float)
    number = np.broadcast_to(bays.astype(float), truth.shape)[own]
    found.setdefault(name, Scores()).take_up(truth[own], shares, quantiles, chances, came, number)
