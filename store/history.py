"""Reads history, in a few connections of its own: who asks for years must not hold up those who follow."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from occupancy.history.hour import floor_hour
from occupancy.history.lengths import Lengths, added_up
from occupancy.history.metrics import Sums
from occupancy.history.periods import Grain, Question
from occupancy.model import AreaId
from occupancy.spans import Span
from store.queries import sql

CONNECTIONS = 4
ASKING_MAX = 32
"""Questions that are answered, or wait for a connection, at once; one more is not answered (L8)."""
_STATEMENT_S = 60.0
_SUMS = "history.sums"
_AT_ONCE = 500
"""Rows fetched at once, so that a year of five minutes never sits in memory."""


class Period(NamedTuple):
    """One period of one series. `start` None: an hour of the week, from 0 on Monday."""

    scope_id: str
    value: str
    start: datetime | None
    hour_of_week: int | None
    sums: Sums
    final: bool
    revision: int
    """Of the hour that was revised most, also to nothing; 1: none was, 0: they are provisional."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Up to when an area's history reaches, and up to when it is final; None: there is none."""

    final_to: datetime | None
    watermark: datetime | None


class HistoryReader:
    """A pool of connections, opened when first needed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: Any = None
        self._opening = asyncio.Lock()
        self._asking = 0

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                async with asyncio.timeout(5):
                    await pool.close()
            except TimeoutError:
                pool.terminate()

    async def extent(self, area: AreaId) -> Extent:
        """Raises `LOST`."""
        async with self._connection() as connection:
            row = await connection.fetchrow(sql("history.final_to"), area)
        return Extent(row[0], row[1])

    async def revisions(self, area: AreaId, start: datetime, end: datetime) -> int:
        """How often hours of a stretch of time were revised. Raises `LOST`."""
        async with self._connection() as connection:
            return int(await connection.fetchval(sql("history.revisions"), area, floor_hour(start), end))

    async def mark(self, area: AreaId, start: datetime, end: datetime) -> str:
        """Another one whenever the records of a stretch of time are others. Raises `LOST`."""
        async with self._connection() as connection:
            return str(await connection.fetchval(sql("history.mark"), area, floor_hour(start), end))

    async def periods(self, asked: Question, *, lengths: bool = False) -> AsyncGenerator[Period]:
        """By scope, value and time, as they come; `lengths` are looked up only if wanted. Raises `LOST`."""
        async with (
            self._connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            stored = await connection.fetchrow(sql("history.stored"), asked.area, asked.time_zone)
            generation, days = stored[0] or 0, asked.whole_days(stored[1])
            name, arguments = _statement(asked, generation, days, lengths=lengths)
            beside = None
            if lengths and name == _SUMS:
                beside = _Beside(connection, "history.lengths", arguments)
            async for some in _rows(connection, name, arguments):
                for row in some:
                    parts = await beside.at(row) if beside else [row] if lengths else []
                    yield _period(asked, row, parts)

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        if self._asking >= ASKING_MAX:
            raise ConnectionError("the database is asked too much")
        self._asking += 1
        try:
            async with self._opening:
                if self._pool is None:
                    self._pool = await asyncpg.create_pool(
                        self._url,
                        min_size=0,
                        max_size=CONNECTIONS,
                        timeout=5,
                        command_timeout=_STATEMENT_S,
                        server_settings={"application_name": "baycast history", "timezone": "UTC"},
                    )
            async with self._pool.acquire(timeout=_STATEMENT_S) as connection:
                yield connection
        finally:
            self._asking -= 1


async def _rows(connection: Any, name: str, arguments: tuple[Any, ...]) -> AsyncGenerator[list[Any]]:
    """A few at a time, so that years never sit in memory."""
    cursor = await connection.cursor(sql(name), *arguments, timeout=_STATEMENT_S)
    while some := await cursor.fetch(_AT_ONCE, timeout=_STATEMENT_S):
        yield some


class _Beside:
    """Rows that some of the periods have, one or several, in the same order: read along with them."""

    def __init__(self, connection: Any, name: str, arguments: tuple[Any, ...]) -> None:
        self._coming = _rows(connection, name, arguments)
        self._some: deque[Any] = deque()
        self._more = True

    async def at(self, period: Any) -> list[Any]:
        """The rows of this period, which comes after those asked for before."""
        found = []
        while await self._are_there() and _key(self._some[0]) == _key(period):
            found.append(self._some.popleft())
        return found

    async def _are_there(self) -> bool:
        while not self._some and self._more:
            some = await anext(self._coming, None)
            self._some.extend(some or ())
            self._more = some is not None
        return bool(self._some)


def _key(row: Any) -> tuple[Any, ...]:
    return row["scope_id"], row["value"], row["start"]


def _statement(asked: Question, generation: int, days: Span, *, lengths: bool) -> tuple[str, tuple[Any, ...]]:
    """The name of a statement, and its arguments. Raises `ValueError` for lengths where they are not kept."""
    if lengths and (asked.grain.minutes is not None or asked.grain is Grain.HOUR_OF_WEEK):
        raise ValueError(f"lengths of stays are not kept by {asked.grain.value}")
    span = (asked.start, asked.end, generation)
    dates, since = _list(asked.dates), asked.after or (None, None, None)
    if asked.grain is Grain.HOUR_OF_WEEK:
        return "history.profile", (*_series(asked), *span, asked.time_zone, dates, *since)
    hours, weekdays = _list(asked.hours), _list(asked.weekdays)
    if asked.grain.minutes is not None:
        series = (asked.area, asked.scope.value, _list(asked.scope_ids))
        filters = (asked.grain.minutes, hours, asked.time_zone, weekdays, dates)
        return "history.slots", (*series, *span, *filters, since[0], since[2], floor_hour(asked.start))
    more = (asked.time_zone, hours, weekdays, dates, *since)
    if asked.grain is Grain.HOUR and not asked.together:
        return "history.hours", (*_series(asked)[:-1], *span, *more, lengths)
    return _SUMS, (*_series(asked), *span[:2], *days, generation, asked.grain.unit, *more)


def _series(asked: Question) -> tuple[Any, ...]:
    scope = (asked.area, asked.scope.value, asked.dim.value)
    return (*scope, _list(asked.scope_ids), _list(asked.values), asked.together)


def _list(values: tuple[Any, ...] | None) -> list[Any] | None:
    return None if values is None else list(values)


_AS_SUMS = slice(3, 18)
"""Columns of sums, of hours and of profiles that stand as in `Sums`."""


def _period(asked: Question, row: Any, lengths: list[Any]) -> Period:
    of_week = asked.grain is Grain.HOUR_OF_WEEK
    parts = [Lengths(part["stays_sum_s"], part["stay_min"], part["stay_count"]) for part in lengths]
    known = added_up(parts) if any(part.counts for part in parts) else None
    return Period(
        scope_id=row[0],
        value=row[1],
        start=None if of_week else asked.start if asked.grain is Grain.TOTAL else row[2],
        hour_of_week=row[2] if of_week else None,
        sums=_sums_of_slots(asked, row)
        if asked.grain.minutes is not None
        else Sums._make((*row[_AS_SUMS], known)),
        final=row["final"],
        revision=row["revision"],
    )


def _sums_of_slots(asked: Question, row: Any) -> Sums:
    names = ("in_service_us", "free_us", "occupied_us", "closed_us", "peak_us", "arrivals", "departures")
    return Sums(hours=(asked.grain.minutes or 0) / 60, **{name: row[name] for name in names})
