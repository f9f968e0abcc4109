"""The typical week of every zone, read again in the background: no request waits for the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from api.board import Board
from occupancy.forecast.profile import HISTORY, Profile, Week, profile_of
from occupancy.model import AreaId, ZoneId
from occupancy.registry import Registry
from store.forecast import LOST, CellHistory

ZONES_MAX = 5_000
"""Zones with a profile (8 KB each); beyond it, the last by name go without."""
_PAUSE_S = 0.02
"""Between two zones, so that a round of many leaves the processor to those who ask."""
_EMPTY_S = 5.0
"""How soon to look again while nothing is on the board yet."""
_AGAIN_S = 60.0
"""How soon to look again after the database was lost."""
_log = logging.getLogger("baycast.api")


class Profiles:
    """Reads the zones of the board one after the other, for ever. Before a zone's turn it has no profile."""

    def __init__(self, url: str, every_s: float) -> None:
        self._history = CellHistory(url)
        self._every_s = every_s
        self._found: dict[ZoneId, Profile] = {}

    def get(self, zone_id: ZoneId) -> Profile | None:
        return self._found.get(zone_id)

    async def keep(
        self,
        board: Board,
        registry_of: Callable[[AreaId], Registry | None],
        time_in: Callable[[AreaId], datetime | None],
    ) -> None:
        """Refresh the profiles of whatever is on the board, until cancelled."""
        try:
            while True:
                pause_s = self._every_s
                try:
                    await self._round(board, registry_of, time_in)
                except LOST as lost:
                    _log.warning("profiles not refreshed, the database is lost: %s", lost)
                    pause_s = min(self._every_s, _AGAIN_S)
                if not self._found:
                    pause_s = min(self._every_s, _EMPTY_S)
                await asyncio.sleep(pause_s)
        finally:
            await self._history.close()

    async def _round(
        self,
        board: Board,
        registry_of: Callable[[AreaId], Registry | None],
        time_in: Callable[[AreaId], datetime | None],
    ) -> None:
        for gone in self._found.keys() - board.zones.keys():
            del self._found[gone]
        weeks: dict[AreaId, Week] = {}
        for zone_id in sorted(board.zones)[:ZONES_MAX]:
            live = board.zones.get(zone_id)
            if live is None or live.zone.area_id not in board.areas:
                continue  # removed meanwhile
            area_id = live.zone.area_id
            registry, now = registry_of(area_id), time_in(area_id)
            if registry is None or registry.area is None or now is None:
                continue
            # One for all zones of the area, made anew with each round: its calendar may have changed.
            week = weeks.setdefault(area_id, Week(registry.area, registry.calendar))
            cells = await self._history.zone_cells(area_id, zone_id, now - HISTORY, now)
            self._found[zone_id] = await asyncio.to_thread(profile_of, cells, week, now)
            await asyncio.sleep(_PAUSE_S)
