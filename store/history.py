"""Reads history, in a few connections of its own: who asks for years must not hold up those who follow."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from occupancy.history.definitions import HISTOGRAM_MIN
from occupancy.history.metrics import Lengths, Sums
from occupancy.history.periods import Grain, Question
from occupancy.model import AreaId
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

    async def periods(
        self, asked: Question, *, lengths: bool = False, peaks: bool = False
    ) -> AsyncGenerator[Period]:
        """By scope, value and time, as they come; `lengths` and `peaks` are looked up only if wanted. Raises `LOST`."""
        async with (
            self._connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            beside_lengths = _Beside(connection, *_lengths_statement(asked)) if lengths else None
            beside_peaks = _Beside(connection, *_peaks_statement(asked)) if peaks else None
            statement, arguments = _statement(asked)
            async for row in _rows(connection, statement, arguments):
                found = await beside_lengths.at(row) if beside_lengths else None
                peak = await beside_peaks.at(row) if beside_peaks else None
                yield _period(
                    asked,
                    row,
                    None if found is None else _lengths_of(found),
                    None if peak is None else peak["peak_us"],
                )

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
    """Rows that some of the periods have, in the same order: read along with them."""

    def __init__(self, connection: Any, statement: str, arguments: tuple[Any, ...]) -> None:
        self._coming = aiter(_rows(connection, statement, arguments))
        self._next: Any = None
        self._begun = False

    async def at(self, period: Any) -> Any:
        """The row of this period, which comes after those asked for before; None: it has none."""
        if not self._begun:
            self._begun, self._next = True, await anext(self._coming, None)
        if self._next is None or _key(self._next) != _key(period):
            return None
        found, self._next = self._next, await anext(self._coming, None)
        return found


def _key(row: Any) -> tuple[Any, ...]:
    return row["scope_id"], row["value"], row["start"]


def _lengths_statement(asked: Question) -> tuple[str, tuple[Any, ...]]:
    if asked.grain.minutes is not None or asked.grain is Grain.HOUR_OF_WEEK:
        raise ValueError(f"lengths of stays are not kept by {asked.grain.value}")
    classes = [60 * minutes for minutes in HISTOGRAM_MIN]
    return sql("history.lengths"), (*_by_hours(asked), asked.together, classes, *_after(asked))


def _peaks_statement(asked: Question) -> tuple[str, tuple[Any, ...]]:
    span = (asked.start, asked.end, asked.grain.unit, asked.time_zone)
    filters = (_list(asked.hours), _list(asked.weekdays), _list(asked.dates))
    series = (asked.area, asked.scope.value, _list(asked.scope_ids))
    return sql("history.peaks"), (*series, *span, *filters, *_after(asked))


def _after(asked: Question) -> tuple[Any, ...]:
    return asked.after or (None, None, None)


def _statement(asked: Question) -> tuple[str, tuple[Any, ...]]:
    scope = asked.area, asked.scope.value
    if asked.grain is Grain.HOUR_OF_WEEK:
        series = (*scope, asked.dim.value, _list(asked.scope_ids), _list(asked.values))
        span_and_dates = (asked.start, asked.end, asked.time_zone, _list(asked.dates))
        return sql("history.profile"), (*series, *span_and_dates, asked.together)
    if asked.grain.minutes is not None:
        span = (asked.start, asked.end, asked.grain.minutes)
        filters = (_list(asked.hours), asked.time_zone, _list(asked.weekdays), _list(asked.dates))
        after = (None, None) if asked.after is None else (asked.after.scope_id, asked.after.start)
        return sql("history.slots"), (*scope, _list(asked.scope_ids), *span, *filters, *after)
    return sql("history.sums"), (*_by_hours(asked), asked.together, *_after(asked))


def _by_hours(asked: Question) -> tuple[Any, ...]:
    series = (asked.area, asked.scope.value, asked.dim.value, _list(asked.scope_ids), _list(asked.values))
    span = (asked.start, asked.end, asked.grain.unit, asked.time_zone)
    return (*series, *span, _list(asked.hours), _list(asked.weekdays), _list(asked.dates))


def _list(values: tuple[Any, ...] | None) -> list[Any] | None:
    return None if values is None else list(values)


def _period(asked: Question, row: Any, lengths: Lengths | None, peak_us: int | None) -> Period:
    of_week = asked.grain is Grain.HOUR_OF_WEEK
    times = {
        name: row[name]
        for name in ("in_service_us", "free_us", "occupied_us", "closed_us", "arrivals", "departures")
    }
    if asked.grain.minutes is not None:
        sums = Sums(hours=asked.grain.minutes / 60, peak_us=row["peak_us"], **times)
    else:
        rest = (
            "usable_us",
            "some_free_us",
            "all_taken_us",
            "censored",
            "over_candidates",
            "over_confirmed",
            "over_s",
        )
        more = {name: row[name] for name in rest}
        sums = Sums(hours=row["hours"], lengths=lengths, peak_us=peak_us, **times, **more)
    return Period(
        scope_id=row["scope_id"],
        value=row["value"],
        start=None if of_week else asked.start if asked.grain is Grain.TOTAL else row["start"],
        hour_of_week=row["hour_of_week"] if of_week else None,
        sums=sums,
        final=row["final"],
        revision=row["revision"],
    )


def _lengths_of(row: Any) -> Lengths:
    by_class = [0] * (len(HISTOGRAM_MIN) + 1)
    for number, stays in zip(row["class"], row["by_class"], strict=True):
        by_class[number] = stays
    median_s, p85_s, p95_s = row["shares"]
    return Lengths(
        stays=row["stays"],
        sum_s=row["sum_s"],
        median_s=median_s,
        p85_s=p85_s,
        p95_s=p95_s,
        histogram=tuple(by_class),
    )
