"""What signs say they show: heard from the broker, judged, recorded; and the alarm when it is not what they were told.

Readbacks that came in by the API are on the same record, so this is the one place where alarms are raised. It has a
connection and a task of its own: a sign that talks too much delays no frame.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime

from firmware_contract.topics import sign_of_shown
from occupancy.model import Sign, SignId
from publish import metrics
from publish.view import View
from signs.readback import MAX_DOCUMENT_BYTES, ReadbackError, Verdict, judge, parse
from store.feed_bays import LOST
from store.shown import Reported, ShownLog

_log = logging.getLogger("baycast.signs")
WATCH_S = 1.0
"""How often the record is looked at for signs that are wrong or silent."""
HEARD_MAX = 1024
"""Readbacks that wait to be looked at; the oldest gives way (L8)."""
SILENT = "silent"
_CONDITIONS = (*Verdict, SILENT)


class Readbacks:
    """`heard` may be called by any thread; of each sign only the newest readback waits."""

    def __init__(
        self, view: View, record: ShownLog, *, clock: Callable[[], datetime], silent_after_ttls: float
    ) -> None:
        self._view = view
        self._record = record
        self._clock = clock
        self._silent_after_ttls = silent_after_ttls
        self._heard: deque[tuple[str, bytes]] = deque(maxlen=HEARD_MAX)
        self._waiting: dict[SignId, bytes] = {}
        self._conditions: dict[SignId, str] = {}
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._lost = False

    def heard(self, topic: str, payload: bytes) -> None:
        """Take note of a message on a `shown` topic."""
        self._heard.append((topic, payload[: MAX_DOCUMENT_BYTES + 1]))
        with contextlib.suppress(RuntimeError):  # after the end of the loop there is no one to tell
            self._loop.call_soon_threadsafe(self._wake.set)

    async def run(self) -> None:
        """Record what is heard and watch the record, until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self._record_all()
                await self._watch()
            except LOST as lost:
                if not self._lost:
                    _log.warning("what signs say cannot be recorded: %r", lost)
                self._lost = True
                await asyncio.sleep(WATCH_S)
                continue
            except Exception:  # noqa: BLE001 - whatever it was, frames go on (L11)
                _log.exception("what signs say could not be looked at")
                self._waiting.clear()
                await asyncio.sleep(WATCH_S)
                continue
            self._lost = False
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WATCH_S):
                    await self._wake.wait()

    async def _record_all(self) -> None:
        while self._heard:
            topic, payload = self._heard.popleft()
            sign_id = sign_of_shown(topic)
            if sign_id is not None:
                self._waiting[SignId(sign_id)] = payload
        signs = self._signs()
        while self._waiting:
            sign_id = next(iter(self._waiting))
            sign = signs.get(sign_id)
            if sign is None:
                _refused(sign_id, "no such sign")
            else:
                await self._record_one(sign, self._waiting[sign_id])
            self._waiting.pop(sign_id, None)

    async def _record_one(self, sign: Sign, payload: bytes) -> None:
        try:
            told = parse(payload)
        except ReadbackError as problem:
            _refused(sign.sign_id, str(problem))
            return
        frame, newest = await self._record.frames_for(sign.sign_id, told.sequence)
        verdict = judge(told, frame, newest, now=self._clock())
        silent_after_s = self._silent_after_ttls * sign.ttl_s
        await self._record.record(sign.sign_id, told, verdict, via="mqtt", silent_after_s=silent_after_s)
        metrics.READBACKS.labels(verdict.value).inc()

    async def _watch(self) -> None:
        newest = await self._record.newest(self._signs())
        for sign_id, reported in newest.items():
            condition = SILENT if reported.silent else reported.verdict.value
            if self._conditions.get(sign_id) != condition:
                _say(sign_id, condition, reported)
            self._conditions[sign_id] = condition
            for each in _CONDITIONS:
                metrics.SIGN_REPORTED.labels(sign_id, str(each)).set(1 if each == condition else 0)
        for gone in self._conditions.keys() - newest.keys():
            del self._conditions[gone]
            for each in _CONDITIONS:
                metrics.SIGN_REPORTED.remove(gone, str(each))

    def _signs(self) -> dict[SignId, Sign]:
        return {
            sign_id: sign
            for registry in self._view.registries.values()
            for sign_id, sign in registry.signs.items()
        }


def _refused(sign_id: SignId, why: str) -> None:
    metrics.READBACKS.labels("refused").inc()
    _log.info("what sign %s says it shows is not taken: %s", sign_id, why)


def _say(sign_id: SignId, condition: str, reported: Reported) -> None:
    since = f"since {reported.first_at:%Y-%m-%d %H:%M:%S} UTC"
    if condition == SILENT:
        _log.warning(
            "sign %s is silent: its last word was at %s UTC", sign_id, f"{reported.last_at:%H:%M:%S}"
        )
    elif reported.verdict.is_wrong:
        told = reported.readback
        _log.warning(
            "sign %s shows %s of frame %s, which is %s, %s",
            sign_id,
            told.state,
            told.sequence,
            condition,
            since,
        )
    else:
        _log.info("sign %s says it shows what it was told (%s), %s", sign_id, condition, since)
