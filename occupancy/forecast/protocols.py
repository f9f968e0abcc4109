"""How forecasts are held against the truth: each protocol forecasts days it has not seen, and says how good it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np

from occupancy.forecast.baselines import BASELINES, LAST_WEEK, OURS, TIME_OF_WEEK
from occupancy.forecast.chances import limits
from occupancy.forecast.features import Known, features
from occupancy.forecast.kinds import Kind
from occupancy.forecast.making import Weeks
from occupancy.forecast.panel import Floats, Ints, Panel
from occupancy.forecast.prior import usual_week
from occupancy.forecast.rolling import Forecasts, Rolling
from occupancy.forecast.scores import Scores, best
from occupancy.forecast.untaught import untaught_weeks
from occupancy.forecast.usual import LATELY_DAYS, UsualWeek
from occupancy.forecast.week_ahead import WeekAhead

HORIZONS: Mapping[str, timedelta] = {
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "2h": timedelta(hours=2),
    "4h": timedelta(hours=4),
    "8h": timedelta(hours=8),
    "24h": timedelta(hours=24),
}
HOURLY: Mapping[str, timedelta] = {
    name: ahead for name, ahead in HORIZONS.items() if ahead >= timedelta(hours=1)
}
"""Of what is forecast at each full hour."""
FULL_SHARE = 0.02
"""A place fills that has no free bay at this share of the times before the first day that is scored."""
_LEAKS_LOOKED_FOR = 20

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Judged:
    """One horizon: by model, over all places and over those that fill."""

    every: dict[str, Scores] = field(default_factory=dict)
    filling: dict[str, Scores] = field(default_factory=dict)


class Judge:
    """Scores forecasts. `bays`: of each place; `fills`: which of them fill."""

    def __init__(self, bays: Floats, fills: Sequence[bool]) -> None:
        self._bays, self._fills = bays, np.asarray(fills)
        self.judged: dict[str, Judged] = {}

    def take_up(self, horizon: str, forecasts: Forecasts) -> None:
        """One day of one horizon."""
        known = np.isfinite(forecasts.known)
        judged = self.judged.setdefault(horizon, Judged())
        for scores, chosen in ((judged.every, known), (judged.filling, known & self._fills)):
            truth = forecasts.known[chosen]
            bays = np.broadcast_to(self._bays, chosen.shape)[chosen]
            came = (forecasts.known <= limits(self._bays))[chosen].astype(float)
            for name, points in forecasts.points.items():
                scores.setdefault(name, Scores()).take_up(
                    truth,
                    points[chosen],
                    forecasts.quantiles[name][chosen],
                    forecasts.chances[name][chosen],
                    came,
                    bays,
                )

    def figures(self, seed: int) -> dict[str, float]:
        """By name, as `forecast evaluate` gives them."""
        found: dict[str, float] = {}
        for horizon, judged in self.judged.items():
            ours = judged.every[OURS]
            found[f"forecasts.{horizon}"] = ours.forecasts
            for name, scores in judged.every.items():
                found[f"mae.{horizon}.{name}"] = scores.mean("off")
                found[f"mse.{horizon}.{name}"] = scores.mean("off_squared")
                found[f"pinball.{horizon}.{name}"] = scores.mean("pinball")
                found[f"brier.{horizon}.{name}"] = scores.mean("brier")
                found[f"within3.{horizon}.{name}"] = scores.mean("within3")
                found[f"within4.{horizon}.{name}"] = scores.mean("within4")
            found[f"coverage90.{horizon}"] = ours.mean("inside")
            found[f"ece.{horizon}"] = ours.calibration_error
            against = best(((name, judged.every[name]) for name in BASELINES), "off")
            less = ours.less(judged.every[against], "off", seed)
            found[f"mae_less.{horizon}"] = less.mean
            found[f"mae_less_low.{horizon}"], found[f"mae_less_high.{horizon}"] = less.low, less.high
            if judged.filling[OURS].forecasts:
                climatology = judged.filling[TIME_OF_WEEK].mean("brier")
                filling = judged.filling[OURS]
                found[f"brier_skill_filling.{horizon}"] = 1 - filling.mean("brier") / climatology
                found[f"ece_filling.{horizon}"] = filling.calibration_error
        return found


def rolling(
    panel: Panel,
    bays: Floats,
    scored: Ints,
    first: int,
    progress: Progress,
    horizons: Mapping[str, timedelta] = HORIZONS,
) -> Judge:
    """Every horizon from day `first` on, fitted anew each week from all that was before."""
    named = [
        (name, panel.grid.steps(ahead)) for name, ahead in horizons.items() if not ahead % panel.grid.step
    ]
    judge = Judge(bays, fills(panel, bays, first))
    walk = Rolling(panel, bays, [ahead for _, ahead in named], scored, prior=of_car_parks(panel, bays))
    days = panel.steps // panel.grid.per_day
    for day, forecasts in walk.days(first):
        if day >= first:
            for (name, _), one in zip(named, forecasts, strict=True):
                judge.take_up(name, one)
        progress(day + 1, days)
    return judge


def one_step(panel: Panel, bays: Floats, scored: Ints, first: int, progress: Progress) -> Judge:
    """The next row of the file, where the first of a day follows upon the last of the day before."""
    judge = Judge(bays, fills(panel, bays, first))
    overnight = panel.grid.per_day - int(scored[-1] - scored[0])
    prior = of_car_parks(panel, bays)
    for ahead, steps in ((1, scored[1:]), (overnight, scored[:1])):
        for day, (forecasts,) in Rolling(panel, bays, [ahead], steps, prior=prior).days(first):
            if day >= first:
                judge.take_up("step", forecasts)
            progress(day + 1, panel.steps // panel.grid.per_day)
    return judge


def of_car_parks(panel: Panel, bays: Floats) -> Weeks:
    """What is usual before anything was seen: the places of files are taken for car parks."""
    usual = usual_week([Kind.CAR_PARK] * panel.places, panel.grid)
    return untaught_weeks(usual, np.rint(bays).astype(np.int64))


def last_week(panel: Panel, scored: Ints, first: int) -> dict[str, float]:
    """The week from day `first` on, of which nothing is seen."""
    targets, shares = WeekAhead(panel, scored).forecast(first)
    mean = UsualWeek(panel.grid, panel.places, float("inf"))
    before = np.arange(first * panel.grid.per_day)
    mean.take_up(panel.slots[before], panel.shares[before])
    usual = mean.shares()[panel.slots[targets]]
    week_before = panel.shares[targets - panel.grid.per_week]
    truth = panel.shares[targets]
    points = {
        OURS: shares,
        TIME_OF_WEEK: usual,
        LAST_WEEK: np.where(np.isfinite(week_before), week_before, usual),
    }
    known = np.isfinite(truth)
    return {
        "forecasts.week": float(known.sum()),
        **{f"mae.week.{name}": float(np.abs(point - truth)[known].mean()) for name, point in points.items()},
    }


def fills(panel: Panel, bays: Floats, first: int) -> list[bool]:
    """Which places fill, by what was before day `first`."""
    before = panel.shares[: first * panel.grid.per_day]
    seen = np.isfinite(before).sum(0)
    full = (before > limits(bays)).sum(0)
    return [bool(count and times / count >= FULL_SHARE) for times, count in zip(full, seen, strict=True)]


def leaks(panel: Panel, scored: Ints, seed: int) -> int:
    """How many features of some forecasts change when all that comes after their origin is shuffled: none may."""
    dice = np.random.default_rng(seed)
    return sum(_leaked(panel, scored, dice) for _ in range(_LEAKS_LOOKED_FOR))


def _leaked(panel: Panel, scored: Ints, dice: np.random.Generator) -> int:
    per_day = panel.grid.per_day
    days = panel.steps // per_day
    day, ahead = int(dice.integers(1, days - 1)), int(dice.choice(list(_aheads(panel))))
    origin = day * per_day + int(dice.choice(scored))
    shuffled = panel.shares.copy()
    dice.shuffle(shuffled[origin + 1 :])
    found = []
    for shares in (panel.shares, shuffled):
        weeks = UsualWeek(panel.grid, panel.places), UsualWeek(panel.grid, panel.places, LATELY_DAYS)
        before = np.arange(day * per_day)
        for week in weeks:
            week.take_up(panel.slots[before], shares[before])
        usual, lately = (week.shares() for week in weeks)
        known = Known(panel.grid, shares, shares - usual[panel.slots], panel.slots)
        found.append(features(known, usual, lately, np.array([origin]), min(ahead, panel.steps - 1 - origin)))
    return int((found[0] != found[1]).sum())


def _aheads(panel: Panel) -> Iterator[int]:
    return (panel.grid.steps(ahead) for ahead in HORIZONS.values() if not ahead % panel.grid.step)
