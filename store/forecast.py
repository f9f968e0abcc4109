"""Reads the history that forecasts stand on, on a connection of its own: the live feed never waits for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from occupancy.forecast.profile import Cell
from occupancy.model import AreaId, ZoneId
from store.feed_bays import LOST, closed, opened
from store.queries import sql


class CellHistory:
    """One connection, opened when first needed and again after it was lost. For one asker at a time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None

    async def zone_cells(
        self, area_id: AreaId, zone_id: ZoneId, since: datetime, until: datetime
    ) -> list[Cell]:
        """Return a zone's cells in [since, until), in no particular order. Raises `LOST`."""
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await opened(self._url, "baycast forecast")
            row = await self._connection.fetchrow(sql("forecast.zone_cells"), area_id, zone_id, since, until)
        except LOST:
            await self.close()
            raise
        columns = (row["cell_at"], row["free_s"], row["occupied_s"], row["unknown_s"])
        return [Cell(*cell) for cell in zip(*columns, strict=True)]

    async def close(self) -> None:
        """Close the connection; the next question opens a new one."""
        connection, self._connection = self._connection, None
        await closed(connection)


__all__ = ["LOST", "CellHistory"]
