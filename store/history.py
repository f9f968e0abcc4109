"""Reads history, in a few connections of its own: who asks for years must not hold up those who follow."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

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
_AT_ONCE = 500
"""Rows fetched at once, so that a year of five minutes never sits in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One period of one series. `start` None: an hour of the week, from 0 on Monday."""

    scope_id: str
    value: str
    start: datetime | None
    hour_of_week: int | None
    sums: Sums
    final: bool
    revision: int
    """Of the hour that was revised most; 1: none was, 0: they are provisional."""


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
                await asyncio.wait_for(pool.close(), 5)
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
            return int(await connection.fetchval(sql("history.revisions"), area, start, end))

    async def periods(self, asked: Question, *, lengths: bool = False) -> AsyncGenerator[Period]:
        """By scope, value and time, as they come; `lengths` are looked up only if wanted. Raises `LOST`."""
        async with (
            self._connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            stored = await connection.fetchrow(sql("history.stored"), asked.area, asked.time_zone)
            generation, days = stored[0] or 0, asked.whole_days(stored[1])
            beside = None
            if lengths:
                beside = _Beside(connection, *_lengths_statement(asked, generation, days))
            statement, arguments = _statement(asked, generation, days)
            async for row in _rows(connection, statement, arguments):
                yield _period(asked, row, await beside.at(row) if beside else [])

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


def _rows(connection: Any, statement: str, arguments: tuple[Any, ...]) -> Any:
    """A few at a time, so that years never sit in memory."""
    return connection.cursor(statement, *arguments, prefetch=_AT_ONCE, timeout=_STATEMENT_S)


class _Beside:
    """Rows that some of the periods have, one or several, in the same order: read along with them."""

    def __init__(self, connection: Any, statement: str, arguments: tuple[Any, ...]) -> None:
        self._coming = aiter(_rows(connection, statement, arguments))
        self._next: Any = None
        self._begun = False

    async def at(self, period: Any) -> list[Any]:
        """The rows of this period, which comes after those asked for before."""
        if not self._begun:
            self._begun, self._next = True, await anext(self._coming, None)
        found = []
        while self._next is not None and _key(self._next) == _key(period):
            found.append(self._next)
            self._next = await anext(self._coming, None)
        return found


def _key(row: Any) -> tuple[Any, ...]:
    return row["scope_id"], row["value"], row["start"]


def _lengths_statement(asked: Question, generation: int, days: Span) -> tuple[str, tuple[Any, ...]]:
    if asked.grain.minutes is not None or asked.grain is Grain.HOUR_OF_WEEK:
        raise ValueError(f"lengths of stays are not kept by {asked.grain.value}")
    return sql("history.lengths"), _by_hours(asked, generation, days)


def _statement(asked: Question, generation: int, days: Span) -> tuple[str, tuple[Any, ...]]:
    if asked.grain is Grain.HOUR_OF_WEEK:
        span = (asked.start, asked.end, generation)
        return sql("history.profile"), (*_series(asked), *span, asked.time_zone, _list(asked.dates))
    if asked.grain.minutes is not None:
        series = (asked.area, asked.scope.value, _list(asked.scope_ids))
        span = (asked.start, asked.end, generation)
        filters = (_list(asked.hours), asked.time_zone, _list(asked.weekdays), _list(asked.dates))
        after = (None, None) if asked.after is None else (asked.after.scope_id, asked.after.start)
        return sql("history.slots"), (*series, *span, asked.grain.minutes, *filters, *after)
    return sql("history.sums"), _by_hours(asked, generation, days)


def _by_hours(asked: Question, generation: int, days: Span) -> tuple[Any, ...]:
    span = (asked.start, asked.end, *days, generation, asked.grain.unit, asked.time_zone)
    filters = (_list(asked.hours), _list(asked.weekdays), _list(asked.dates))
    return (*_series(asked), *span, *filters, *(asked.after or (None, None, None)))


def _series(asked: Question) -> tuple[Any, ...]:
    scope = (asked.area, asked.scope.value, asked.dim.value)
    return (*scope, _list(asked.scope_ids), _list(asked.values), asked.together)


def _list(values: tuple[Any, ...] | None) -> list[Any] | None:
    return None if values is None else list(values)


_SUMS = ("in_service_us", "free_us", "occupied_us", "closed_us", "peak_us", "arrivals", "departures")
_SUMS_OF_HOURS = (
    "hours",
    "usable_us",
    "some_free_us",
    "all_taken_us",
    "censored",
    "over_candidates",
    "over_confirmed",
    "over_s",
)


def _period(asked: Question, row: Any, lengths: list[Any]) -> Period:
    of_week = asked.grain is Grain.HOUR_OF_WEEK
    sums: dict[str, Any] = {name: row[name] for name in _SUMS}
    if asked.grain.minutes is not None:
        sums["hours"] = asked.grain.minutes / 60
    else:
        sums.update((name, row[name]) for name in _SUMS_OF_HOURS)
    if lengths:
        sums["lengths"] = added_up(
            Lengths(part["stays_sum_s"], part["stay_min"], part["stay_count"]) for part in lengths
        )
    return Period(
        scope_id=row["scope_id"],
        value=row["value"],
        start=None if of_week else asked.start if asked.grain is Grain.TOTAL else row["start"],
        hour_of_week=row["hour_of_week"] if of_week else None,
        sums=Sums(**sums),
        final=row["final"],
        revision=row["revision"],
    )
