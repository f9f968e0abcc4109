"""The publish process: follows the feed, decides what is due, records frames, hands messages to the link.

When the database cannot be asked nothing is known, not even whether another process drives the signs by now: each sign
gets one blank frame, each zone is withheld once, and then silence lets the ttl hold whatever that did not reach.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from occupancy.model import SignId
from publish import metrics
from publish.config import PublishConfig
from publish.link import Link
from publish.readbacks import Readbacks
from publish.signs import Due, Signs
from publish.turn import has_turn
from publish.view import Moment, fresh_areas
from publish.zones import Zones
from store.feed import Feed
from store.following import end
from store.frames import LOST, FrameLog
from store.shown import ShownLog

_log = logging.getLogger("baycast.publish")
_TICK_S = 0.5
_COALESCE_S = 0.05
"""Changes of a sign within this time share a frame; a zone's document never waits."""
_RETRY_S = 1.0


def utc_now() -> datetime:
    """Return the time of day; only this shell asks for it (L7)."""
    return datetime.fromtimestamp(time.time(), UTC)


def _moment() -> Moment:
    return Moment(utc_now(), time.monotonic())


def run(config: PublishConfig, stop: threading.Event) -> None:
    """Publish until `stop` is set. Neither a missing database nor a missing broker ends it."""
    asyncio.run(_serve(config, stop))


async def _serve(config: PublishConfig, stop: threading.Event) -> None:
    stopped = asyncio.create_task(_stopped(stop), name="stop")
    try:
        async with FrameLog(config.database_url) as record:
            while await has_turn(record, stopped):
                await _drive(config, record, stopped)
    finally:
        await end(stopped)


async def _stopped(stop: threading.Event) -> None:
    while not await asyncio.to_thread(stop.wait, 0.5):
        pass


async def _drive(config: PublishConfig, record: FrameLog, stopped: asyncio.Task[None]) -> None:
    """Publish until stopped, or until another process drives the signs: that one says what is to be said."""
    shown = ShownLog(config.database_url)
    async with Feed(config.database_url) as feed:
        readbacks = Readbacks(feed, shown, clock=utc_now, silent_after_ttls=config.silent_after_ttls)
        publisher = Publisher(config, feed, record, readbacks.heard)
        tasks = [
            asyncio.create_task(work, name=name)
            for name, work in (
                ("follow", publisher.follow()),
                ("tell", publisher.tell()),
                ("link", publisher.link.run()),
                ("readbacks", readbacks.run()),
            )
        ]
        follow, tell, _link, _readbacks = tasks
        try:
            done, _ = await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopped}:
                task.result()
                if task is not tell:
                    raise RuntimeError(f"{task.get_name()} ended")
            if tell not in done:
                await end(follow, tell)
                await publisher.say_goodbye()
        finally:
            await end(*tasks)
            await shown.close()
            metrics.forget()


class Publisher:
    """What the tasks share; all of them run in one event loop."""

    def __init__(
        self, config: PublishConfig, feed: Feed, record: FrameLog, on_shown: Callable[[str, bytes], None]
    ) -> None:
        self.link = Link(config, self._link_is_up, on_shown)
        self._config = config
        self._feed = feed
        self._record = record
        self._zones = Zones(config.zone_expiry_s)
        self._signs = Signs()
        self._wake = asyncio.Event()
        self._dark_until_s: float | None = None
        self._measured: set[SignId] = set()

    async def follow(self) -> None:
        """Tell each change of a zone as it comes."""
        async for _change in self._feed.changes():
            self._tell_zones(_moment())
            self._wake.set()

    async def tell(self) -> None:
        """Tell the signs what changed, and everybody again what is due again, until another process drives them."""
        while True:
            self._wake.clear()
            moment = _moment()
            if not await self._tell_signs(moment):
                return
            self._tell_zones(moment)
            with contextlib.suppress(TimeoutError):
                wait_s = min(_TICK_S, max(_COALESCE_S, self._signs.wait_s(time.monotonic())))
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            await asyncio.sleep(_COALESCE_S)

    async def say_goodbye(self) -> None:
        """Take every claim back, as far as the time for stopping allows."""
        if not self._record.in_hand:
            return  # another process may drive the signs by now, and what we could take back is taken back
        moment = _moment()
        if self._dark_until_s is None:
            self.link.put(self._zones.last_words(moment))
        due = self._signs.last_words(moment)
        with contextlib.suppress(*LOST):
            await self._record.record([each.sent for each in due])
        self._send(due, moment)
        if not await self.link.drained(self._config.stop_within_s):
            _log.warning("stopped before the broker took our last words; the ttl blanks the signs")

    def _link_is_up(self) -> None:
        self._zones.forget()
        self._signs.forget()
        self._wake.set()

    def _tell_zones(self, moment: Moment) -> None:
        if self._dark_until_s is not None or not self._record.in_hand:
            return
        fresh = fresh_areas(self._feed, self._config, moment)
        self.link.put(self._zones.due(self._feed, fresh, moment))

    async def _tell_signs(self, moment: Moment) -> bool:
        """False: another process drives the signs."""
        if self._dark_until_s is not None and moment.now_s < self._dark_until_s:
            return True
        try:
            if not await self._record.hold():
                return False
            self._signs.operate(await self._record.modes())
            await self._seed()
            due = self._signs.due(self._feed, fresh_areas(self._feed, self._config, moment), moment)
            if due:
                await self._record.record([each.sent for each in due])
        except LOST as lost:
            await self._go_dark(lost)
            return True
        if self._dark_until_s is not None:
            _log.warning("the record of frames answers again")
            self._dark_until_s = None
            metrics.DARK.set(0)
            self._wake.set()  # zones, too
        self._send(due, moment)
        return True

    async def _seed(self) -> None:
        """Look up the highest sequences of new signs, and of all signs after a gap in the record."""
        wanted = self._signs.unseeded(self._feed)
        if wanted:
            self._signs.seed(await self._record.highest(wanted), wanted, time.monotonic())

    async def _go_dark(self, lost: BaseException) -> None:
        moment = _moment()
        if self._dark_until_s is None:
            _log.error("frames cannot be recorded, signs are left to go blank: %r", lost)
            metrics.DARK.set(1)
            self.link.put(self._zones.due(self._feed, frozenset(), moment))
            self._send(self._signs.last_words(moment), moment)
        self._signs.forget()
        self._signs.unseed()
        await self._record.drop()
        self._dark_until_s = moment.now_s + _RETRY_S

    def _send(self, due: list[Due], moment: Moment) -> None:
        self.link.put(self._signs.told(due, moment))
        for each in due:
            metrics.SIGN_BLANK.labels(each.sign.sign_id).set(0 if each.frame.pages else 1)
            self._measured.add(each.sign.sign_id)
        for gone in self._measured - self._signs.frames().keys():
            metrics.SIGN_BLANK.remove(gone)
            self._measured.discard(gone)
