"""How far surveyors agree with an area's history: looked up beside figures, and kept for a moment."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from api.desk import Desk
from occupancy.history.hour import Scope
from occupancy.model import EPOCH, AreaId
from occupancy.privacy import told_bays
from occupancy.registry import Registry
from occupancy.surveys import FIGURES_BACK, Agreement, agreements, key_of
from store.postgres import Connection
from store.surveys import judged

KEPT_S = 10.0
"""Pages of one report need not look it up one by one; a new survey shows this late."""
_KEPT_MAX = 64
_LOOKS_MAX = 5_000
"""The newest; more would hold up the figures that they stand beside."""

Agreements = Mapping[Scope, Mapping[str, Agreement]]
"""By what figures are of, and its name."""


@dataclass(frozen=True, slots=True)
class _Kept:
    until: float
    found: Agreements


class Surveyed:
    """Asks through the desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._kept: OrderedDict[tuple[AreaId | None, datetime, bool], _Kept] = OrderedDict()

    async def agreements(self, registry: Registry, end: datetime, *, personal: bool) -> Agreements:
        """Of the looks in the year before `end`, without `personal` only at bays of which the public is told.

        Raises `psycopg.Error`, `ConnectionError`.
        """
        key = registry.area_id, end, personal
        kept = self._kept.get(key)
        if kept is None or kept.until < time.monotonic():
            found = await self._desk.ask(lambda conn: _agreements(conn, registry, end, personal))
            kept = self._kept[key] = _Kept(time.monotonic() + KEPT_S, found)
            while len(self._kept) > _KEPT_MAX:
                self._kept.popitem(last=False)
        return kept.found


def _agreements(conn: Connection, registry: Registry, end: datetime, personal: bool) -> Agreements:
    start = max(end, EPOCH + FIGURES_BACK) - FIGURES_BACK
    bays = None if personal else told_bays(registry)
    looks = judged(conn, registry, start, end, bays=bays, most=_LOOKS_MAX)
    return {scope: agreements(looks, key_of(scope.value, registry), personal=personal) for scope in Scope}
