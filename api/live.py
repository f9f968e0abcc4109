"""Keeps the board in step with the store and the hub in step with the board: the API's only background
work.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

from api import metrics
from api.board import Board
from api.capacities import Capacities
from api.config import ApiConfig
from api.fan_out import FanOut
from api.hub import Hub
from api.issued import Issued
from api.kept import KeptAnswers
from api.profiles import Profiles
from api.proxies import Proxies
from api.seats import Seats
from api.snapshot import Level
from occupancy.model import AreaId, Clock
from store.feed import Feed
from store.following import end
from store.forecast_feed import ForecastFeed
from store.history import HistoryReader

_log = logging.getLogger("baycast.api")
TICK_S = 1.0
"""How often ages are looked at; an answer is taken back at most this late."""


def utc_now() -> datetime:
    """The API's clock; the rooms below take the time as an argument (L7)."""
    return datetime.fromtimestamp(time.time(), UTC)


class Live:
    """What the routes read: the board, the hub and the feed's registries."""

    def __init__(self, config: ApiConfig, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.config = config
        self.clock = clock
        self.feed = Feed(config.database_url)
        self.board = Board(config.limits)
        self.answers = KeptAnswers()
        per_address_max = config.live_per_address or None
        self.sign_seats = Seats(config.listeners_max, per_address_max)
        """However many drivers listen, also behind its own address: a sign that comes back finds a seat."""
        self.hub = Hub(self.board, Seats(config.listeners_max, per_address_max))
        self.proxies = Proxies.of(config.trusted_proxies)
        self.profiles = Profiles(config.database_url, config.profiles_every_s)
        self.capacities = Capacities()
        self.issued = Issued(ForecastFeed(config.database_url), config.forecast_stale_after_s)
        self.history = HistoryReader(config.database_url)
        self.fan_out = FanOut()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the store for the time of the block."""
        async with self.feed:
            self.board.load(self.feed, self.clock())
            tasks = [
                asyncio.create_task(again(self._follow), name="feed"),
                asyncio.create_task(again(self._tick), name="tick"),
                asyncio.create_task(again(self._beat), name="heartbeat"),
                asyncio.create_task(again(self._profile), name="profiles"),
                asyncio.create_task(again(self.issued.feed.follow), name="forecasts"),
            ]
            try:
                yield
            finally:
                await end(*tasks)
                await self.history.close()

    def time_in(self, area_id: AreaId) -> datetime | None:
        """Return the time by which an area's rules are read: now, or where its recording has got to."""
        area = self.board.areas[area_id].area
        return self.clock() if area.clock is Clock.LIVE else self.board.watermarks.get(area_id)

    def fresh(self, area_id: AreaId) -> bool:
        """Return whether an area's numbers may be called live at this moment."""
        followed_s = self.feed.followed_s
        return (
            followed_s is not None
            and followed_s <= self.config.ready_feed_s
            and self.board.levels[area_id] is Level.FRESH
        )

    def not_ready(self) -> list[str]:
        """Return the reasons why the answers should not be relied on now; empty when there are none."""
        reasons: list[str] = []
        followed_s = self.feed.followed_s
        if followed_s is None:
            reasons.append("the database has not answered yet")
        elif followed_s > self.config.ready_feed_s:
            reasons.append(f"the database has not answered for {followed_s:.0f} s")
        for area_id, level in sorted(self.board.levels.items()):
            if level is not Level.FRESH:
                reasons.append(f"area {area_id}: {self._age_words(area_id)}")
        return reasons

    def _age_words(self, area_id: str) -> str:
        at = self.board.watermarks.get(area_id)
        if at is None:
            return "no watermark has been seen"
        return f"the newest watermark is {(self.clock() - at).total_seconds():.0f} s old"

    # --- the loops -------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        # After a fault half a step may have been missed: begin with everything.
        self.board.load(self.feed, self.clock())
        self.hub.publish((), reset=True)
        async for change in self.feed.changes():
            changed = self.board.apply(change, self.feed, self.clock())
            self.hub.publish(changed, reset=change.reset)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = self.clock()
            minutes = self.board.minutes
            turned = self.board.retime(self.feed, now)
            if turned or self.board.minutes != minutes:
                self.hub.publish(turned, reset=False)
            if self.feed.followed_at is not None:
                self.hub.settle(self.feed.followed_at)
            for listener in self.hub.overdue(time.monotonic(), self.config.evict_after_s):
                listener.cut()
            self.fan_out.look(asyncio.get_running_loop().time(), self.config.evict_after_s)
            self._measure(now)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.config.heartbeat_s)
            self.hub.heartbeat()

    async def _profile(self) -> None:
        await self.profiles.keep(self.board, self.feed.registries.get, self.time_in)

    def _measure(self, now: datetime) -> None:
        metrics.LAG.clear()  # an area that was removed has no lag
        for area_id, area in self.board.areas.items():
            at = self.board.watermarks.get(area_id)
            if area.area.clock is Clock.LIVE and at is not None:
                metrics.LAG.labels(area_id).set((now - at).total_seconds())
        if self.feed.followed_s is not None:
            metrics.FOLLOWED.set(self.feed.followed_s)


async def again(loop: Callable[[], Awaitable[None]]) -> None:
    """Run a loop for ever. A fault in one round is logged and does not end the feed (L11)."""
    while True:
        try:
            await loop()
        except Exception:  # noqa: BLE001 - whatever it was, the next round may succeed
            _log.exception("a background loop failed and is started again")
            await asyncio.sleep(TICK_S)
