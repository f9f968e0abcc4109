"""Questions about single bays, on a connection of their own: who asks must not hold up those who follow."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg

from occupancy.model import AreaId, BayId
from store.queries import sql

ASKING_MAX = 64
"""Questions that wait for the database at once; one more is not answered (L8)."""
_STATEMENT_S = 10.0
# InternalClientError is what asyncpg says when the server's goodbye meets a question of ours on the wire.
LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError)


async def opened(url: str, name: str) -> Any:
    """Return a new connection that says `name` to the server. Raises `LOST`."""
    return await asyncpg.connect(
        url,
        timeout=5,
        command_timeout=_STATEMENT_S,
        server_settings={"application_name": name, "timezone": "UTC"},
    )


async def closed(connection: Any) -> None:
    """Close a connection that may be lost, closed or None already."""
    if connection is not None and not connection.is_closed():
        try:
            await connection.close(timeout=2)
        except LOST:
            connection.terminate()


class BayQuestions:
    """One connection, opened when first needed and again after it was lost; one question at a time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def ask(self, area_id: AreaId, generation: int, bay_ids: Sequence[BayId]) -> Sequence[Any]:
        """Return the rows of these bays. Raises `LOST`, also when too many questions wait."""
        if self._waiting >= ASKING_MAX:
            raise ConnectionError("the database is asked too much")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._asked(area_id, generation, list(bay_ids))
        finally:
            self._waiting -= 1

    async def _asked(self, area_id: AreaId, generation: int, bay_ids: list[BayId]) -> Sequence[Any]:
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await opened(self._url, "baycast bays")
            rows: Sequence[Any] = await self._connection.fetch(
                sql("feed.bay_states"), area_id, generation, bay_ids
            )
        except LOST:
            await self.close()
            raise
        return rows

    async def close(self) -> None:
        """Close the connection; the next question opens a new one."""
        connection, self._connection = self._connection, None
        await closed(connection)
