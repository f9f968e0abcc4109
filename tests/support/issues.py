"""Issues made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from occupancy.forecast.issue import HORIZONS, LEVELS, Issue, Place
from occupancy.forecast.panel import Floats
from occupancy.model import AreaId, Source

ISSUED_AT = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


def issue_of(
    places: Sequence[Place],
    bays: Sequence[int],
    free: Sequence[float] | Floats,
    *,
    spread: float = 0.1,
    any_free: float | None = None,
    source: Source = Source.FORECAST,
    issued_at: datetime = ISSUED_AT,
    area: str = "cardiff",
    model: str = "2026-11-18",
) -> Issue:
    """`free`: the expected share by place, the same at all horizons, or (places, horizons). The quantiles lie up to
    twice `spread` around it. `any_free` None: as if bays were independent."""
    shares = np.asarray(free, dtype=float)
    if shares.ndim == 1:
        shares = np.repeat(shares[:, None], len(HORIZONS), axis=1)
    steps = np.linspace(-2, 2, len(LEVELS)) * spread
    chance = 1 - (1 - shares) ** np.asarray(bays)[:, None]
    return Issue(
        area_id=AreaId(area),
        issued_at=issued_at,
        data_to=issued_at - timedelta(seconds=2),
        model=model,
        places=tuple(places),
        bays=np.asarray(bays, dtype=np.int64),
        free=shares,
        quantiles=np.clip(shares[..., None] + steps, 0.0, 1.0),
        any_free=np.clip(chance if any_free is None else np.full_like(shares, any_free), 0.005, 0.995),
        sources=(source,) * len(places),
    )
