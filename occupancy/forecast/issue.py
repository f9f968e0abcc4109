"""Forecasts as they are issued: for all places of an area and all horizons at one moment, as arrays.

A place is what drivers share on the same terms: the bays of one zone that are of one type and under the same rules, or
a car park as a whole. Who may use which of them at the time of arrival is asked of the rules then (`whole_stay`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from occupancy.forecast.panel import Floats, Grid, Ints
from occupancy.forecast.spread import LEVELS
from occupancy.model import AreaId, BayType, Source, ZoneId

__all__ = ["GRID", "HORIZONS", "LEVELS", "Issue", "Place"]

HORIZONS = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 120, 240, 1440))
GRID = Grid(timedelta(minutes=5))
"""Of what forecasts in service are learnt from and made of."""
_NAMES = dict(
    zip((ahead // timedelta(minutes=1) for ahead in HORIZONS), "5m 15m 30m 1h 2h 4h 24h".split(), strict=True)
)


def horizon_name(minutes: int) -> str:
    """As figures have it. Raises `KeyError` for any other horizon."""
    return _NAMES[minutes]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Bays of a zone that are of one type and name the same rules, in force or not; a car park: STANDARD, no rules."""

    zone_id: ZoneId
    bay_type: BayType = BayType.STANDARD
    rule_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """Forecasts of an area that were issued at one moment. Shares are of the bays in service at the target's time."""

    area_id: AreaId
    issued_at: datetime
    data_to: datetime
    """How far the evidence reaches that it was made of: the watermark, never later than `issued_at`."""
    model: str
    """The version of the model; that of a city without one is `prior`."""
    places: tuple[Place, ...]
    bays: Ints
    """(places,) in service when it was issued."""
    free: Floats
    """(places, horizons): the expected share of free bays."""
    quantiles: Floats
    """(places, horizons, levels) of the share of free bays, ascending along LEVELS."""
    any_free: Floats
    """(places, horizons): the chance that at least one bay is free."""
    sources: tuple[Source, ...]
    """(places,): FORECAST by a fitted model, TYPICAL by what is usual, PRIOR by what zones of the kind are like."""

    def __post_init__(self) -> None:
        shape = (len(self.places), len(HORIZONS))
        if self.free.shape != shape or self.any_free.shape != shape or len(self.sources) != len(self.places):
            raise ValueError(f"forecasts of {shape} places and horizons were expected")
        if self.quantiles.shape != (*shape, len(LEVELS)) or np.any(np.diff(self.quantiles, axis=-1) < 0):
            raise ValueError("quantiles are ascending, one for each level")
        if self.data_to > self.issued_at:
            raise ValueError("no evidence is of later than the issue")
