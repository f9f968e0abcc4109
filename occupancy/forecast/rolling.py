"""Forecasts as they would have been made, day by day: each only from what was known, then scored, then learnt from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from math import inf

import numpy as np

from occupancy.forecast.baselines import (
    BASELINES,
    DECAYED_RESIDUAL,
    LAST_WEEK,
    OURS,
    PERSISTENCE,
    TIME_OF_WEEK,
    Decay,
    baselines,
)
from occupancy.forecast.chances import Moment, chance, chance_features, limits
from occupancy.forecast.features import Known, features, leant_on
from occupancy.forecast.logit import Logit
from occupancy.forecast.panel import Floats, Ints, Panel
from occupancy.forecast.ridge import Ridge
from occupancy.forecast.spread import PARTS_PER_DAY, Spread
from occupancy.forecast.usual import LATELY_DAYS, UsualWeek

REFITTED_EVERY_DAYS = 7
LEARNT_FROM_DAY = 7
"""Before it too little is known of residuals to fit anything."""
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Forecasts:
    """One day's, for one horizon. Rows are targets, columns are places; `known` where both ends are known."""

    targets: Ints
    known: Floats
    """Truth: occupied shares; NaN where the target or the origin is not known."""
    points: Mapping[str, Floats]
    quantiles: Mapping[str, Floats]
    """(targets, places, levels)"""
    chances: Mapping[str, Floats]
    """Of at least one free bay."""


@dataclass(slots=True)
class _Horizon:
    """What is learnt of one horizon."""

    ahead: int
    spreads: Mapping[str, Spread]
    ridge: Ridge = field(default_factory=Ridge)
    coefficients: Floats | None = None
    decay: Decay = field(default_factory=Decay)
    logit: Logit = field(default_factory=Logit)


@dataclass(frozen=True, slots=True)
class _Made:
    """What a day's forecasts are learnt from."""

    forecasts: Forecasts
    rows: Floats
    usual: Floats
    residual: Floats
    chance_rows: Floats


class Rolling:
    """Walks over a panel. `bays`: of each place; `scored`: the steps of a day that are forecast."""

    def __init__(self, panel: Panel, bays: Floats, horizons: Sequence[int], scored: Ints) -> None:
        self._panel, self._bays, self._scored = panel, bays, scored
        grid, places = panel.grid, panel.places
        self._known = Known(grid, panel.shares, np.full_like(panel.shares, np.nan), panel.slots)
        self._week, self._lately = UsualWeek(grid, places), UsualWeek(grid, places, LATELY_DAYS)
        self._mean = UsualWeek(grid, places, inf)
        self._some_free, self._some_free_lately = UsualWeek(grid, places, inf), UsualWeek(grid, places)
        names = (*BASELINES, OURS)
        self._horizons = [_Horizon(ahead, {name: Spread(places) for name in names}) for ahead in horizons]
        self._tables: dict[int, tuple[Floats, ...]] = {}

    def days(self, first: int) -> Iterator[tuple[int, list[Forecasts]]]:
        """Each whole day of the panel and its forecasts by horizon. All is fitted anew each week, so on day `first`."""
        per_day = self._panel.grid.per_day
        for day in range(self._panel.steps // per_day):
            steps = np.arange(day * per_day, (day + 1) * per_day)
            slots, shares = self._panel.slots[steps], self._panel.shares[steps]
            weeks = (self._week, self._lately, self._mean, self._some_free, self._some_free_lately)
            tables = tuple(week.shares() for week in weeks)
            self._tables = {day - 1: self._tables.get(day - 1, tables), day: tables}
            self._known.residuals[steps] = shares - tables[0][slots]
            if (day - first) % REFITTED_EVERY_DAYS == 0:
                self._fit()
            made = [self._make(horizon, day) for horizon in self._horizons]
            yield day, [one.forecasts for one in made]
            for horizon, one in zip(self._horizons, made, strict=True):
                self._learn(horizon, one)
            for week in (self._week, self._lately, self._mean):
                week.take_up(slots, shares)
            free = np.where(np.isfinite(shares), shares <= limits(self._bays), np.nan)
            for week in (self._some_free, self._some_free_lately):
                week.take_up(slots, free)

    def _fit(self) -> None:
        for horizon in self._horizons:
            horizon.coefficients = horizon.ridge.solve(
                leant_on(horizon.decay.left, horizon.ahead, self._panel.grid)
            )
            horizon.logit.fit()
            for spread in horizon.spreads.values():
                spread.settle()

    def _make(self, horizon: _Horizon, day: int) -> _Made:
        panel, ahead, per_day = self._panel, horizon.ahead, self._panel.grid.per_day
        targets = day * per_day + self._scored
        targets = targets[targets >= ahead]
        origins = targets - ahead
        by_day = [(origins // per_day == past, past) for past in (day - 1, day)]
        rows, usual, mean, some_free, free_now, free_then = (
            np.concatenate(parts)
            for parts in zip(
                *(self._seen(horizon, origins[own], self._tables[past]) for own, past in by_day), strict=True
            )
        )
        now, truth = panel.shares[origins], panel.shares[targets]
        residual = now - _usual_at(self._known, origins, now)
        week_before = targets - panel.grid.per_week
        points = baselines(
            now,
            np.where((week_before >= 0)[:, None], panel.shares[np.maximum(week_before, 0)], np.nan),
            mean,
            usual,
            horizon.decay.left * np.nan_to_num(residual),
        )
        points[OURS] = points[DECAYED_RESIDUAL]
        if horizon.coefficients is not None:
            points[OURS] = np.clip(usual + rows @ horizon.coefficients, 0.0, 1.0)
        parts = self._parts(targets)
        room = limits(self._bays)
        quantiles = {name: horizon.spreads[name].around(point, parts) for name, point in points.items()}
        by_errors = horizon.spreads[OURS].chance_below(points[OURS], parts, room)
        chance_rows = chance_features(
            Moment(
                panel.grid,
                panel.shares,
                self._bays,
                origins,
                ahead,
                expected=points[OURS],
                by_errors=by_errors,
                usual_now=free_now,
                usual_then=free_then,
            )
        )
        chances = {
            OURS: chance(horizon.logit, chance_rows, by_errors),
            PERSISTENCE: (now <= room).astype(float),
            LAST_WEEK: (points[LAST_WEEK] <= room).astype(float),
            TIME_OF_WEEK: some_free,
            DECAYED_RESIDUAL: horizon.spreads[DECAYED_RESIDUAL].chance_below(
                points[DECAYED_RESIDUAL], parts, room
            ),
        }
        known = np.where(np.isfinite(now), truth, np.nan)
        return _Made(
            Forecasts(targets, known, points, quantiles, chances), rows, usual, residual, chance_rows
        )

    def _seen(self, horizon: _Horizon, origins: Ints, tables: tuple[Floats, ...]) -> tuple[Floats, ...]:
        week, lately, mean, some_free, some_free_lately = tables
        slots = self._panel.slots[origins + horizon.ahead]
        return (
            features(self._known, week, lately, origins, horizon.ahead),
            week[slots],
            mean[slots],
            some_free[slots],
            some_free_lately[self._panel.slots[origins]],
            some_free_lately[slots],
        )

    def _learn(self, horizon: _Horizon, made: _Made) -> None:
        forecasts = made.forecasts
        seen = np.isfinite(forecasts.known)
        if not seen.any():
            return
        later = forecasts.known - made.usual
        horizon.ridge.take_up(made.rows[seen], later[seen])
        horizon.decay.take_up(made.residual[seen], later[seen])
        if horizon.coefficients is None:
            return
        hourly = forecasts.targets % self._panel.grid.steps(_HOUR) == 0
        parts = self._parts(forecasts.targets[hourly])
        known = forecasts.known[hourly]
        for name, spread in horizon.spreads.items():
            quantiles = forecasts.quantiles[name][hourly]
            outside = (known < quantiles[..., 0]) | (known > quantiles[..., -1])
            spread.missed(np.where(np.isfinite(known), outside, np.nan))
            spread.take_up(known - forecasts.points[name][hourly], parts)
        came = (known <= limits(self._bays)).astype(float)
        own = np.isfinite(known)
        horizon.logit.take_up(made.chance_rows[hourly][own], came[own])

    def _parts(self, steps: Ints) -> Ints:
        per_day = self._panel.grid.per_day
        found: Ints = self._panel.slots[steps] % per_day * PARTS_PER_DAY // per_day
        return found


def _usual_at(known: Known, origins: Ints, now: Floats) -> Floats:
    """What was usual at the origins, by the residuals that were laid down on their days."""
    found: Floats = now - known.residuals[origins]
    return found
