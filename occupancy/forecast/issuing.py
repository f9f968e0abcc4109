"""Forecasts of all places at one moment, from a model and what was seen of late.

Where the evidence ends before now, a forecast is made from where it ends, for a time that much farther away: it gets
wider and leans on what is usual, until that alone is left. The same holds of a single place that has fallen silent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from occupancy.forecast.civil_slots import slots_of
from occupancy.forecast.features import Known
from occupancy.forecast.issue import GRID, HORIZONS, Issue
from occupancy.forecast.logit import EDGE, log_odds, logistic
from occupancy.forecast.making import make, part_of_day, seen
from occupancy.forecast.model import REMEMBERED_DAYS, Model
from occupancy.forecast.panel import Floats, Ints
from occupancy.forecast.profile import Week
from occupancy.model import AreaId, Source

REMEMBERED = REMEMBERED_DAYS * GRID.per_day
"""Instants that are needed of what was seen, the newest included."""
AGES = (0, 3, 12, 36, 72)
"""Steps that the newest word of a place may be old; beyond the last it is as if there were none."""
_TOO_OLD = -1
FRESH = 3
"""Steps that the newest word of a place may be old for it to be said to be forecast."""
_LAST = GRID.steps(HORIZONS[-1])
_USUAL, _MADE = ("usual", "some_free_then"), ("shares", "quantiles", "chances")


@dataclass(frozen=True, slots=True)
class Recent:
    """What was seen of late of the model's places."""

    until: datetime
    """The newest instant of the grid that is seen, at most as late as `data_to`."""
    shares: Floats
    """(instants, places): occupied shares up to `until`, `REMEMBERED` of them or what there is; NaN: not known."""
    data_to: datetime
    """How far the evidence reaches."""
    now: Floats
    """(places,): occupied shares at `data_to`."""


def issue(model: Model, area_id: AreaId, recent: Recent, bays: Ints, week: Week, now: datetime) -> Issue:
    """Forecast. `bays` are in service now at each of the model's places; `recent.data_to` is not after `now`."""
    moment = _Moment(model, recent, np.maximum(bays, 1).astype(float), week, now)
    shares, quantiles, chances = moment.usual()
    for age in AGES:
        own = moment.ages == age
        if own.any() and moment.lag + age <= AGES[-1]:
            for table, found in zip((shares, quantiles, chances), moment.seen(age), strict=True):
                table[own] = found[own]
    return Issue(
        area_id=area_id,
        issued_at=now,
        data_to=recent.data_to,
        model=model.version,
        places=model.places,
        bays=bays,
        free=1 - shares,
        quantiles=1 - quantiles[..., ::-1],
        any_free=chances,
        sources=tuple(
            Source.TYPICAL if source is Source.FORECAST and not fresh else source
            for source, fresh in zip(model.sources, moment.lag + moment.silent <= FRESH, strict=True)
        ),
    )


class _Moment:
    """A model beside what is known at one moment. Tables are (places, horizons) or (places, horizons, levels)."""

    def __init__(self, model: Model, recent: Recent, bays: Floats, week: Week, now: datetime) -> None:
        self._model, self._bays = model, bays
        newest = recent.until + GRID.steps(recent.data_to - recent.until) * GRID.step
        self.lag = max(0, GRID.steps(now - newest))
        """Steps from the end of the evidence to now."""
        first = newest - (REMEMBERED - 1) * GRID.step
        slots = model.weeks.known(slots_of(week, GRID, first, REMEMBERED + self.lag + _LAST), GRID)
        shares = _window(recent, newest)
        self._known = Known(GRID, shares, _residuals(shares, slots, first, model), slots)
        back = np.isfinite(self._known.shares[::-1][: AGES[-1] + 1])
        self.silent: Ints = np.where(back.any(0), back.argmax(0), AGES[-1] + 1)
        """(places,): steps from the newest word to the end of the evidence, or one more than the last of `AGES`."""
        self.ages: Ints = np.array([*AGES, _TOO_OLD])[np.searchsorted(AGES, self.silent)]
        """(places,): how old the newest word is held to be, one of `AGES`, or `_TOO_OLD`."""
        self._newest_word = self._known.shares[REMEMBERED - 1 - self.silent, np.arange(len(bays))]
        self._ahead = self.lag + np.array([GRID.steps(ahead) for ahead in HORIZONS])
        self._slots = slots[REMEMBERED - 1 + self._ahead]

    def usual(self) -> tuple[Floats, Floats, Floats]:
        """What is said of a place of which nothing is seen: what is usual, within the band of the farthest horizon."""
        weeks, band = self._model.weeks, self._model.horizons[-1].band
        usual, parts = weeks.usual[self._slots], part_of_day(GRID, self._slots)
        chances = _kept(weeks.some_free[self._slots])
        return usual.T.copy(), band.around(usual, parts).transpose(1, 0, 2), chances.T

    def seen(self, age: int) -> tuple[Floats, Floats, Floats]:
        """What is said of places whose newest word is so many steps older than the evidence."""
        weeks, horizons = self._model.weeks, self._model.horizons
        known, origins = self._as_of(age), np.array([REMEMBERED - 1 - age])
        found = [seen(known, weeks, origins, horizon.ahead) for horizon in horizons]
        made = [make(one, known, self._bays, origins, own) for one, own in zip(horizons, found, strict=True)]
        usual, some_free = (np.concatenate([getattr(own, name) for own in found]) for name in _USUAL)
        shares, quantiles, chances = (np.concatenate([getattr(one, name) for one in made]) for name in _MADE)
        # Horizons count from now, forecasts from the newest word: how far these are from usual is read off in between.
        at = np.interp(self._ahead + age, [horizon.ahead for horizon in horizons], np.arange(len(horizons)))
        point = weeks.usual[self._slots] + _between(shares - usual, at)
        around = point[..., None] + _between(quantiles - shares[..., None], at)
        odds = log_odds(weeks.some_free[self._slots]) + _between(log_odds(chances) - log_odds(some_free), at)
        around = np.maximum.accumulate(np.clip(around, 0.0, 1.0), axis=2)
        return np.clip(point, 0.0, 1.0).T, around.transpose(1, 0, 2), _kept(logistic(odds)).T

    def _as_of(self, age: int) -> Known:
        """What was known when the newest words were said."""
        if age == 0:
            return self._known
        shares, residuals = self._known.shares.copy(), self._known.residuals.copy()
        origin = REMEMBERED - 1 - age
        shares[origin] = self._newest_word
        residuals[origin] = self._newest_word - self._model.weeks.usual[self._known.slots[origin]]
        return Known(GRID, shares, residuals, self._known.slots)


def _window(recent: Recent, newest: datetime) -> Floats:
    """(`REMEMBERED`, places), up to the step `newest`, whose row is what is seen now."""
    shares = np.full((REMEMBERED, len(recent.now)), np.nan)
    end = REMEMBERED - GRID.steps(newest - recent.until)
    taken = recent.shares[-end:]
    shares[end - len(taken) : end] = taken
    shares[-1] = np.where(np.isfinite(recent.now), recent.now, shares[-1])
    return shares


def _residuals(shares: Floats, slots: Ints, first: datetime, model: Model) -> Floats:
    """How far from usual shares are. Days that the model has seen stand as they were laid down then: by what was usual
    before them."""
    laid, offset = model.residuals, 0
    if model.trained_to is not None:
        offset = GRID.steps(model.trained_to - first) - len(laid)
    start, end = max(0, offset), max(0, min(len(shares), offset + len(laid)))
    found = np.empty_like(shares)
    for rows in (slice(0, min(start, end)), slice(end, None)):
        found[rows] = shares[rows] - model.weeks.usual[slots[: len(shares)][rows]]
    if start < end:
        found[start:end] = laid[start - offset : end - offset]
    return found


def _between(values: Floats, at: Floats) -> Floats:
    """Rows of values at places between them."""
    low = np.floor(at).astype(np.int64)
    part = (at - low).reshape(-1, *(1 for _ in values.shape[1:]))
    found: Floats = (1 - part) * values[low] + part * values[np.minimum(low + 1, len(values) - 1)]
    return found


def _kept(chances: Floats) -> Floats:
    found: Floats = np.clip(chances, EDGE, 1 - EDGE)
    return found
