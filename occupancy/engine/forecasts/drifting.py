"""Looks once an hour whether forecasts have become worse than they say, and says so."""

from __future__ import annotations

import logging
import math
from datetime import date, timedelta

from occupancy.engine.forecasts.metrics import COVERAGE, DRIFT, MAE_RATIO, forget_drift
from occupancy.forecast.drift_watch import DAYS, drifted, mae_ratio
from occupancy.forecast.issue import HORIZONS, horizon_name
from occupancy.model import AreaId
from store import forecast_records
from store.copying import Cursor

HORIZONS_MIN = tuple(ahead // timedelta(minutes=1) for ahead in HORIZONS)
_log = logging.getLogger("baycast.forecast")


def watch_drift(cur: Cursor, area: AreaId, today: date, known: set[tuple[AreaId, int]]) -> None:
    """Measure the last days; `known` are areas and horizons of which it was said that they have drifted."""
    found = forecast_records.skill_by_horizon(
        cur, area, today - timedelta(days=DAYS - 1), today + timedelta(days=1)
    )
    for minutes in HORIZONS_MIN:
        horizon, sums = horizon_name(minutes), found.get(minutes)
        if sums is None:
            forget_drift(area, minutes)
            if (area, minutes) in known:
                known.discard((area, minutes))
                _log.info(
                    "drift not known, none was scored of late", extra={"area": area, "horizon": horizon}
                )
            continue
        COVERAGE.labels(area, horizon).set(sums.mean(sums.inside) or 0.0)
        ratio = mae_ratio(sums)
        MAE_RATIO.labels(area, horizon).set(math.nan if ratio is None else ratio)
        wrong = drifted(sums)
        DRIFT.labels(area, horizon).set(wrong is not None)
        key = (area, minutes)
        if wrong is not None and key not in known:
            known.add(key)
            _log.warning("forecasts have drifted", extra={"area": area, "horizon": horizon, "why": wrong})
        elif wrong is None and key in known:
            known.discard(key)
            _log.info("forecasts are as they say again", extra={"area": area, "horizon": horizon})
