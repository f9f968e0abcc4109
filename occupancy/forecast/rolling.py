"""Forecasts as they would have been made, day by day: each only from what was known, then scored, then learnt from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
    baselines,
)
from occupancy.forecast.blend import Blend
from occupancy.forecast.chances import limits
from occupancy.forecast.features import Known, leant_on
from occupancy.forecast.learning import LearntHorizon
from occupancy.forecast.making import (
    BLENDED,
    NO_PRIOR,
    Horizon,
    Made,
    Weeks,
    joined,
    make,
    part_of_day,
    seen,
    together,
)
from occupancy.forecast.panel import Floats, Ints, Panel, at_steps
from occupancy.forecast.spread import Band, Spread
from occupancy.forecast.trees import REMEMBERED_DAYS, available, tree_rows
from occupancy.forecast.usual import HALF_LIFE_DAYS, LATELY_DAYS, UsualWeek

REFITTED_EVERY_DAYS = 7
GROWN_EVERY_DAYS, GROWN_BEFORE_DAYS = 28, 56
"""Trees are grown anew every four weeks, and so long before anybody goes by them: what they are worth must be known."""
_TREES_EARN = 0.01
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


@dataclass(frozen=True, slots=True)
class _Day:
    """What a day's forecasts are learnt from."""

    forecasts: Forecasts
    rows: Floats
    usual: Floats
    made: Made


@dataclass(frozen=True, slots=True)
class _Tables:
    """What is usual as it is known on a day; the means of all days are what baselines say."""

    weeks: Weeks
    mean: Floats
    some_free: Floats


class Rolling:
    """Walks over a panel. `bays`: of each place; `scored`: the steps of a day that are forecast; `judged`: whose bands
    and chances are made beside ours; `prior`: what is usual before anything was seen, which baselines do not know."""

    def __init__(
        self,
        panel: Panel,
        bays: Floats,
        horizons: Sequence[int],
        scored: Ints,
        judged: Sequence[str] = BASELINES,
        prior: Weeks = NO_PRIOR,
    ) -> None:
        self._panel, self._bays, self._scored = panel, bays, scored
        grid, places = panel.grid, panel.places
        self._known = Known(grid, panel.shares, np.full_like(panel.shares, np.nan), panel.slots)
        declared = int(panel.slots.max()) // grid.per_week
        self._week = UsualWeek(grid, places, HALF_LIFE_DAYS, prior.usual, declared)
        self._lately = UsualWeek(grid, places, LATELY_DAYS, prior.lately, declared)
        self._some_free_lately = UsualWeek(grid, places, HALF_LIFE_DAYS, prior.some_free, declared)
        self._mean, self._some_free = (UsualWeek(grid, places, inf, declared=declared) for _ in range(2))
        names = (*judged, OURS)
        self._horizons = [
            LearntHorizon(
                ahead,
                {name: Spread(places) for name in names},
                Blend(places, BLENDED),
                trust=Blend(places, 2, earned=_TREES_EARN),
                trust_chances=Blend(1, 2, earned=_TREES_EARN, squared=True),
            )
            for ahead in horizons
        ]
        self._tables: dict[int, _Tables] = {}

    def days(self, first: int, *, to_learn: bool = False) -> Iterator[tuple[int, list[Forecasts]]]:
        """Each whole day of the panel and its forecasts by horizon. All is fitted anew each week, so on day `first`.
        What is before that day may be there to be learnt from only: then days of the first week are fitted one by one,
        so that there are errors, and odds not at all, on which nothing else leans."""
        per_day, trees = self._panel.grid.per_day, available()
        for day in range(self._panel.steps // per_day):
            steps = np.arange(day * per_day, (day + 1) * per_day)
            slots, shares = self._panel.slots[steps], self._panel.shares[steps]
            tables = self._known_tables()
            self._tables = {day - 1: self._tables.get(day - 1, tables), day: tables}
            self._known.residuals[steps] = shares - tables.weeks.usual[slots]
            if (day - first) % REFITTED_EVERY_DAYS == 0 or (to_learn and day < REFITTED_EVERY_DAYS):
                self._fit(odds=not to_learn or day >= first)
            if day >= first - GROWN_BEFORE_DAYS and (day - first) % GROWN_EVERY_DAYS == 0:
                self._grow()
            for horizon in self._horizons:
                horizon.stand(day)
            to_trees = trees and day >= first - GROWN_BEFORE_DAYS - REMEMBERED_DAYS
            made = [self._make(horizon, day) for horizon in self._horizons]
            yield day, [one.forecasts for one in made]
            for horizon, one in zip(self._horizons, made, strict=True):
                self._learn(horizon, one, to_trees=to_trees)
            for week in (self._week, self._lately, self._mean):
                week.take_up(slots, shares)
            free = np.where(np.isfinite(shares), shares <= limits(self._bays), np.nan)
            for week in (self._some_free, self._some_free_lately):
                week.take_up(slots, free)

    def learnt(self) -> tuple[Weeks, Floats, tuple[Horizon, ...]]:
        """What is known after the last day: the weeks, the residuals of all steps, and the horizons, fitted anew."""
        self._fit(odds=True)
        self._grow()
        return (
            self._known_tables().weeks,
            self._known.residuals,
            tuple(one.in_service for one in self._horizons),
        )

    def _known_tables(self) -> _Tables:
        weeks = Weeks(self._week.shares(), self._lately.shares(), self._some_free_lately.shares())
        return _Tables(weeks, self._mean.shares(), self._some_free.shares())

    def _fit(self, *, odds: bool) -> None:
        for horizon in self._horizons:
            horizon.coefficients = horizon.ridge.solve(
                leant_on(horizon.decay.left, horizon.ahead, self._panel.grid)
            )
            for blend in (horizon.blend, horizon.trust, horizon.trust_chances):
                blend.settle()
            if odds:
                horizon.logit.fit()
            for spread in horizon.spreads.values():
                spread.settle()

    def _grow(self) -> None:
        for horizon in self._horizons:
            horizon.grown = horizon.trees.grow() or horizon.grown

    def _make(self, horizon: LearntHorizon, day: int) -> _Day:
        panel, ahead, per_day = self._panel, horizon.ahead, self._panel.grid.per_day
        targets = day * per_day + self._scored
        targets = targets[targets >= ahead]
        origins = targets - ahead
        by_day = [
            (own, self._tables[past], horizon.stood[past])
            for past in (day - 1, day)
            if len(own := origins[origins // per_day == past]) or (past == day and not len(origins))
        ]
        parts_seen = [seen(self._known, tables.weeks, own, ahead) for own, tables, _ in by_day]
        found = joined(parts_seen)
        mean, some_free = (
            np.concatenate([getattr(tables, name)[panel.slots[own + ahead]] for own, tables, _ in by_day])
            for name in ("mean", "some_free")
        )
        made = together(
            [
                make(stood.learnt, self._known, self._bays, own, part)
                for (own, _, stood), part in zip(by_day, parts_seen, strict=True)
            ]
        )
        now, truth = panel.shares[origins], panel.shares[targets]
        week_before = at_steps(panel.shares, targets - panel.grid.per_week)
        points = {**baselines(now, week_before, mean, made.faded), OURS: made.shares}
        room = limits(self._bays)
        slots = panel.slots[targets]

        def banded(name: str, asked: Callable[[Band, Floats, Ints], Floats]) -> Floats:
            """By the band that stood on the day of each origin."""
            found, done = [], 0
            for own, _, stood in by_day:
                rows = slice(done, done := done + len(own))
                found.append(
                    asked(stood.bands[name], points[name][rows], part_of_day(panel.grid, slots[rows]))
                )
            return np.concatenate(found)

        quantiles = {
            name: made.quantiles if name == OURS else banded(name, Band.around) for name in horizon.spreads
        }
        chances = {
            OURS: made.chances,
            PERSISTENCE: (now <= room).astype(float),
            LAST_WEEK: (points[LAST_WEEK] <= room).astype(float),
            TIME_OF_WEEK: some_free,
        }
        if DECAYED_RESIDUAL in horizon.spreads:
            chances[DECAYED_RESIDUAL] = banded(
                DECAYED_RESIDUAL, lambda band, shares, parts: band.chance_below(shares, parts, room)
            )
        known = np.where(np.isfinite(now), truth, np.nan)
        return _Day(Forecasts(targets, known, points, quantiles, chances), found.rows, found.usual, made)

    def _learn(self, horizon: LearntHorizon, day: _Day, *, to_trees: bool) -> None:
        forecasts = day.forecasts
        known = np.isfinite(forecasts.known)
        if not known.any():
            return
        later = forecasts.known - day.usual
        horizon.ridge.take_up(day.rows[known], later[known])
        horizon.decay.take_up(day.made.residual[known], later[known])
        if horizon.coefficients is None:
            return
        made, came = day.made, np.where(known, forecasts.known <= limits(self._bays), np.nan)
        if made.kinds:
            horizon.blend.take_up(forecasts.known, made.kinds)
        horizon.trust.take_up(forecasts.known, made.tiers)
        horizon.trust_chances.take_up(
            came.reshape(-1, 1), [chances.reshape(-1, 1) for chances in made.chances_by_tier]
        )
        if to_trees:
            own = horizon.trees.drawn(known)
            slots = self._panel.slots[forecasts.targets]
            rows = tree_rows(self._panel.grid, slots, self._bays, made.parts_of_trees, own)
            horizon.trees.take_up(rows, (forecasts.known - made.tiers[0])[own], came[own])
        hourly = forecasts.targets % self._panel.grid.steps(_HOUR) == 0
        parts = part_of_day(self._panel.grid, self._panel.slots[forecasts.targets[hourly]])
        truth = forecasts.known[hourly]
        for name, spread in horizon.spreads.items():
            quantiles = forecasts.quantiles[name][hourly]
            outside = (truth < quantiles[..., 0]) | (truth > quantiles[..., -1])
            spread.missed(np.where(np.isfinite(truth), outside, np.nan))
            spread.take_up(truth - forecasts.points[name][hourly], parts)
        own = np.isfinite(truth)
        horizon.logit.take_up(made.chance_rows[hourly][own], came[hourly][own])
