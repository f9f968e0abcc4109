"""Follows issued forecasts and how good they have been, for those who answer from them (api).

A notification only wakes the follower early; the truth is the newest issue on record, so a lost notification or a
dropped connection costs latency. Nothing here is asked on a request.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from occupancy.forecast.issue import Issue, Place
from occupancy.forecast.issue_bytes import PackedIssueError, places_of, unpacked
from occupancy.forecast.skill import Sums
from occupancy.model import AreaId, ZoneId
from store.feed_bays import LOST, closed, opened
from store.queries import sql

POLL_S = 5.0
"""How often issues are looked for when nobody notifies."""
SKILL_EVERY_S = 300.0
"""How often the sums of scores are read again: they change every quarter of an hour."""
SKILL_DAYS = 28
_BACK_OFF_S = (0.2, 10.0)
_log = logging.getLogger("baycast.forecast")


@dataclass(frozen=True, slots=True)
class Measured:
    """The sums of the last days of an area by zone and horizon in minutes."""

    since: date
    zones: Mapping[tuple[ZoneId, int], Sums] = field(default_factory=dict)


class ForecastFeed:
    """Read the dicts at any time, and run `follow()` once."""

    def __init__(self, url: str, *, poll_s: float = POLL_S, skill_every_s: float = SKILL_EVERY_S) -> None:
        self.issues: dict[AreaId, Issue] = {}
        self.measured: dict[AreaId, Measured] = {}
        self._url = url
        self._poll_s, self._skill_every_s = poll_s, skill_every_s
        self._connection: Any = None
        self._wake = asyncio.Event()
        self._places: dict[int, tuple[Place, ...]] = {}
        self._refused: dict[AreaId, datetime] = {}
        """Issues that cannot be read: newer than what is held, and not read again."""
        self._measured_at = float("-inf")

    async def follow(self) -> None:
        """Follow until cancelled; reconnect with a jittered back-off when the database goes away."""
        back_off_s = _BACK_OFF_S[0]
        try:
            while True:
                try:
                    if self._connection is None or self._connection.is_closed():
                        await self._connect()
                    self._wake.clear()
                    await self._advance()
                except LOST as lost:
                    await self._disconnect()
                    _log.warning("database lost, next try within %.1f s: %s", back_off_s, lost)
                    await asyncio.sleep(back_off_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads reconnects
                    back_off_s = min(back_off_s * 2, _BACK_OFF_S[1])
                    continue
                back_off_s = _BACK_OFF_S[0]
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_s):
                        await self._wake.wait()
        finally:
            await self._disconnect()

    async def _advance(self) -> None:
        known = {area: issue.issued_at for area, issue in self.issues.items()} | self._refused
        rows = await self._connection.fetch(sql("forecast_record.newest"), list(known), list(known.values()))
        for row in rows:
            area = AreaId(row["area"])
            try:
                places = await self._places_of(row["places_id"])
                self.issues[area] = await asyncio.to_thread(
                    unpacked, area, row["issued_at"], row["data_to"], row["model"], places, row["shares"]
                )
            except PackedIssueError as problem:
                self._refused[area] = row["issued_at"]
                _log.error("%s: not readable, the one before it stands until it is old: %s", area, problem)
            else:
                self._refused.pop(area, None)
        if time.monotonic() - self._measured_at >= self._skill_every_s:
            self._measured_at = time.monotonic()
            for area, issue in self.issues.items():
                self.measured[area] = await self._measure(area, issue.issued_at.date() + timedelta(days=2))

    async def _measure(self, area: AreaId, until: date) -> Measured:
        since = until - timedelta(days=SKILL_DAYS + 2)
        rows = await self._connection.fetch(sql("forecast_record.skill_of_zones"), area, since, until)
        return Measured(since, {(ZoneId(row[0]), row[1]): Sums(*tuple(row)[2:]) for row in rows})

    async def _places_of(self, places_id: int) -> tuple[Place, ...]:
        if places_id not in self._places:
            text = await self._connection.fetchval(sql("forecast_record.places"), places_id)
            self._places[places_id] = places_of(json.loads(text))
        return self._places[places_id]

    async def _connect(self) -> None:
        connection = await opened(self._url, "baycast forecasts")
        try:
            await connection.add_listener("baycast_forecast", lambda *_: self._wake.set())
        except BaseException:
            connection.terminate()
            raise
        connection.add_termination_listener(lambda *_: self._wake.set())
        self._connection = connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        await closed(connection)
