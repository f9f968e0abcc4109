"""Follows issued forecasts and how good they have been, for those who answer from them (api).

A notification only wakes the follower early; the truth is the newest issue on record, so a lost notification or a
dropped connection costs latency. Nothing here is asked on a request.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from occupancy.forecast.issue import Issue, Place
from occupancy.forecast.issue_bytes import PackedIssueError, places_of, unpacked
from occupancy.forecast.skill import Sums
from occupancy.model import AreaId, ZoneId
from store.following import Following
from store.queries import sql

POLL_S = 5.0
"""How often issues are looked for when nobody notifies."""
SKILL_EVERY_S = 300.0
"""How often the sums of scores are read again: they change every quarter of an hour."""
SKILL_DAYS = 28
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
        heard = {"baycast_forecast": lambda: None}
        self._following = Following(url, "baycast forecasts", heard, poll_s=poll_s)
        self._skill_every_s = skill_every_s
        self._places: dict[int, tuple[Place, ...]] = {}
        self._refused: dict[AreaId, datetime] = {}
        """Issues that cannot be read: newer than what is held, and not read again."""
        self._measured_at = float("-inf")

    async def follow(self) -> None:
        """Follow until cancelled, also when the database goes away and comes back."""
        try:
            async with contextlib.aclosing(self._following.steps(self._advance)) as steps:
                async for _ in steps:
                    pass
        finally:
            await self._following.close()

    async def _advance(self) -> None:
        known = {area: issue.issued_at for area, issue in self.issues.items()} | self._refused
        rows = await self._following.connection.fetch(
            sql("forecast_record.newest"), list(known), list(known.values())
        )
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
        rows = await self._following.connection.fetch(
            sql("forecast_record.skill_of_zones"), area, since, until
        )
        return Measured(since, {(ZoneId(row[0]), row[1]): Sums(*tuple(row)[2:]) for row in rows})

    async def _places_of(self, places_id: int) -> tuple[Place, ...]:
        if places_id not in self._places:
            text = await self._following.connection.fetchval(sql("forecast_record.places"), places_id)
            self._places[places_id] = places_of(json.loads(text))
        return self._places[places_id]
