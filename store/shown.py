"""The record of what signs say they show (asyncpg): a record, never rebuilt.

A run of readbacks that say the same is one row, so that the table grows with what changes and tells from when to when a
sign showed what, and when it was silent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from occupancy.model import SignId
from signs.frame import Frame
from signs.readback import Readback, Verdict
from signs.words import FrameState
from store.feed_bays import LOST, closed, opened
from store.frames import frame_of, pages_of, pages_text
from store.queries import sql

WAITING_MAX = 64
"""Questions that wait for the database at once; one more is not answered (L8)."""
Via = Literal["mqtt", "http"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What a sign said last: the same from `first_at` to `last_at`. `silent`: it should have said more since."""

    readback: Readback
    verdict: Verdict
    first_at: datetime
    last_at: datetime
    silent: bool


class ShownLog:
    """One connection, opened when first needed and again after it was lost; one question at a time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def frames_for(self, sign_id: SignId, sequence: int | None) -> tuple[Frame | None, Frame | None]:
        """Return the frame with this sequence or else the last before it, and the newest. Raises `LOST`."""
        rows = {
            row["newest"]: frame_of(row) for row in await self._ask("shown.frames_for", sign_id, sequence)
        }
        return rows.get(False), rows.get(True)

    async def record(
        self, sign_id: SignId, told: Readback, verdict: Verdict, *, via: Via, silent_after_s: float
    ) -> None:
        """Record one readback, as of now. Raises `LOST`."""
        await self._ask(
            "shown.record",
            sign_id,
            told.sequence,
            None if told.state is None else told.state.value,
            None if told.pages is None else pages_text(told.pages),
            list(told.faults),
            told.at,
            verdict.value,
            via,
            silent_after_s,
        )

    async def newest(self, sign_ids: Iterable[SignId]) -> dict[SignId, Reported]:
        """Return what each sign said last; nothing for one that never said anything. Raises `LOST`."""
        rows = await self._ask("shown.newest", list(sign_ids))
        return {SignId(row["sign_id"]): reported_of(row) for row in rows}

    async def close(self) -> None:
        """Close the connection; the next question opens a new one."""
        connection, self._connection = self._connection, None
        await closed(connection)

    async def _ask(self, name: str, *args: object) -> list[Any]:
        if self._waiting >= WAITING_MAX:
            raise ConnectionError("the database is asked too much")
        self._waiting += 1
        try:
            async with self._turn:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await opened(self._url, "baycast shown")
                return list(await self._connection.fetch(sql(name), *args))
        except LOST:
            await self.close()
            raise
        finally:
            self._waiting -= 1


def reported_of(row: Mapping[str, Any]) -> Reported:
    """Return a row of `shown.newest`."""
    return Reported(
        readback=Readback(
            sequence=row["sequence"],
            state=None if row["state"] is None else FrameState(row["state"]),
            pages=None if row["pages"] is None else pages_of(row["pages"]),
            at=row["said_at"],
            faults=tuple(row["faults"]),
        ),
        verdict=Verdict(row["verdict"]),
        first_at=row["first_at"],
        last_at=row["last_at"],
        silent=row["silent"],
    )
