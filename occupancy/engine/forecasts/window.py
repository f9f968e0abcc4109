"""What was seen of late of the places of one area, kept in memory and read on with each minute."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from occupancy.forecast.issue import GRID
from occupancy.forecast.issuing import REMEMBERED, Recent
from occupancy.forecast.panel import Floats
from occupancy.forecast.places import Members
from occupancy.model import EPOCH
from occupancy.registry import Registry
from store.copying import Cursor
from store.forecast_panel import heard_since, instants

READ_AGAIN = timedelta(minutes=30)
"""What came late is taken up by reading so much again with each minute,"""
DAY_EVERY = timedelta(hours=1)
"""and a day so often."""
_DAY = timedelta(days=1)


class Window:
    """Of one registry and one generation: make a new one when either changes."""

    def __init__(self, registry: Registry, places: Sequence[Members]) -> None:
        self._registry, self._places = registry, places
        self._until: datetime | None = None
        self._day_read_at: datetime | None = None
        self._shares: Floats = np.empty((0, len(places)))

    def seen(self, cur: Cursor, data_to: datetime) -> Recent:
        """What was seen up to an instant up to which all is known."""
        until = data_to - (data_to - EPOCH) % GRID.step
        self._read_on(cur, until)
        now = instants(cur, self._registry, self._places, data_to, GRID.step, 1).shares[0]
        return Recent(until, self._shares, data_to, now)

    def _read_on(self, cur: Cursor, until: datetime) -> None:
        known, again = self._until, READ_AGAIN
        if self._day_read_at is None or until - self._day_read_at >= DAY_EVERY:
            self._day_read_at, again = until, _DAY
        if known is None or known > until:
            self._shares = self._read(cur, until, self._all(cur, until))
        else:
            on = GRID.steps(until - known)
            fresh = self._read(cur, until, min(REMEMBERED, on + GRID.steps(again)))
            kept = self._shares[: max(0, len(self._shares) - (len(fresh) - on))]
            self._shares = np.concatenate([kept, fresh])[-REMEMBERED:]
        self._until = until

    def _all(self, cur: Cursor, until: datetime) -> int:
        """How many instants there are to read: in a new city not many."""
        heard = None
        if self._registry.area_id is not None:
            heard = heard_since(cur, self._registry.area_id, self._places)
        return 1 if heard is None else min(REMEMBERED, max(0, GRID.steps(until - heard)) + 2)

    def _read(self, cur: Cursor, until: datetime, count: int) -> Floats:
        first = until - (count - 1) * GRID.step
        return instants(cur, self._registry, self._places, first, GRID.step, count).shares
