"""A batch becomes one transaction: refusals, links, canary, readings. A bad row harms itself only (L11)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import psycopg

from ingest import metrics
from ingest.flood import FloodGate, source_of
from ingest.session import DatabaseSession
from ingest.translate import CanaryMark, ClockMark, Item, Translator, Why, refuse_item
from ingest.unfit import refuse_unfit
from store.devices import (
    Directory,
    LinkState,
    directory_version,
    load_directory,
    record_canary,
    record_links,
    stop_worker,
)
from store.faults import Fault, classify
from store.log import Appended, ReadingRow, Unfit, append
from store.postgres import Connection
from store.quarantine import (
    Overflowed,
    Refused,
    any_asked,
    mark_refused_again,
    mark_replayed,
    record,
    record_overflow,
    unknown_devices,
    waiting,
)

log = logging.getLogger(__name__)

Cursor = psycopg.Cursor[tuple[Any, ...]]

WORKER_SILENT_AFTER = timedelta(seconds=30)
"""A worker not heard of for this long no longer holds the watermark back."""
_REPLAY_CHUNK = 1000


def utc_now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


@dataclass(slots=True)
class _Parts:
    """The items of a batch by what is done with them."""

    rows: list[ReadingRow] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    overflowed: list[Overflowed] = field(default_factory=list)
    links: list[LinkState] = field(default_factory=list)
    watermarks: dict[str, datetime] = field(default_factory=dict)
    canary_at: datetime | None = None
    last_canary: datetime | None = None

    @classmethod
    def of(cls, items: Sequence[Item | Overflowed]) -> _Parts:
        parts = cls()
        for item in items:
            match item:
                case ReadingRow():
                    parts.rows.append(item)
                case Refused():
                    parts.refused.append(item)
                case Overflowed():
                    parts.overflowed.append(item)
                case LinkState():
                    parts.links.append(item)
                case CanaryMark(at):
                    parts.canary_at = at if parts.canary_at is None else max(at, parts.canary_at)
                    parts.last_canary = at
                case ClockMark(area, at):
                    parts.watermarks[area] = max(at, parts.watermarks.get(area, at))
        return parts


class Writer:
    """Writes batches through one database session and keeps the translator's directory fresh."""

    def __init__(
        self,
        session: DatabaseSession,
        translator: Translator,
        flood: FloodGate,
        crash_point: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._session = session
        self._translator = translator
        self._flood = flood
        self._crash_point = crash_point
        self._watermarks: dict[str, datetime] = {}
        self.last_commit = time.monotonic()
        self.last_canary: datetime | None = None
        """The one that came last of those committed; not always the latest by its time."""

    # --- batches ---

    def store(self, items: Sequence[Item]) -> None:
        """Return when every item is committed, as a row or in quarantine. Raises as `DatabaseSession.run`."""
        # Counted against the source's allowance once, however often the transaction is tried.
        self._store([self._admit(item) if isinstance(item, Refused) else item for item in items])

    def _admit(self, refused: Refused) -> Refused | Overflowed:
        return self._flood.admit(refused, source_of(refused.topic))

    def _store(self, items: Sequence[Item | Overflowed]) -> None:
        if not items:
            return
        try:
            self._session.run(lambda conn: self._commit(conn, items))
        except Exception as error:
            if classify(error) is not Fault.DATA:
                raise
            if len(items) == 1:
                self._give_up_on(items[0], error)
            else:
                middle = len(items) // 2
                self._store(items[:middle])
                self._store(items[middle:])

    def _give_up_on(self, item: Item | Overflowed, error: Exception) -> None:
        # The server's message may quote the row; its first line and SQLSTATE name the problem well enough.
        state = error.sqlstate if isinstance(error, psycopg.Error) else None
        log.error(
            "the database refused one %s (%s): quarantined",
            type(item).__name__,
            state or type(error).__name__,
        )
        if isinstance(item, Overflowed):
            return  # a count and a sample: nothing is owed
        refused = refuse_item(item, Why.STORE_REJECTED, state or type(error).__name__, utc_now())
        self._session.run(lambda conn: self._commit(conn, [refused]))

    def _commit(self, conn: Connection, items: Sequence[Item | Overflowed]) -> None:
        started = time.perf_counter()
        with conn.transaction(), conn.cursor() as cur:
            done = self._write(cur, _Parts.of(items))
            self._crash_point("before_commit")
        metrics.COMMIT_SECONDS.observe(time.perf_counter() - started)
        self._committed(done)

    def _write(self, cur: Cursor, parts: _Parts, asked: Collection[bytes] = ()) -> _Done:
        """Everything of a batch, the log's heads last: who holds them waits for nobody. `asked` as in `_not_again`."""
        now = utc_now()
        record(cur, parts.refused)
        record_overflow(cur, parts.overflowed)
        quarantined: list[Refused | Overflowed] = [*parts.refused, *parts.overflowed]
        if parts.links:
            record_links(cur, parts.links)
        watermarks = dict(parts.watermarks)
        if parts.canary_at is not None:
            worker = self._translator.worker_id
            least = record_canary(cur, worker, parts.canary_at, now, now - WORKER_SILENT_AFTER)
            watermarks |= dict.fromkeys(self._translator.directory.live_areas, least)
        if not parts.rows and not watermarks:
            return _Done(None, quarantined, watermarks, parts.last_canary)

        def quarantine(found: Unfit) -> None:
            fresh = _not_again(cur, refuse_unfit(parts.rows, found, now), asked)
            unfit = [self._admit(one) for one in fresh]
            record(cur, [one for one in unfit if isinstance(one, Refused)])
            record_overflow(cur, [one for one in unfit if isinstance(one, Overflowed)])
            quarantined.extend(unfit)

        appended = append(cur, parts.rows, watermarks, on_unfit=quarantine)
        return _Done(appended, quarantined, watermarks, parts.last_canary)

    def _committed(self, done: _Done) -> None:
        self.last_commit = time.monotonic()
        self.last_canary = done.last_canary or self.last_canary
        if done.appended is not None:
            metrics.STORED.inc(done.appended.stored)
            metrics.DUPLICATES.inc(done.appended.duplicates)
            metrics.CONFLICTS.inc(len(done.appended.unfit.conflicts))
        for one in done.quarantined:
            metrics.QUARANTINED.labels(str(one.reason)).inc()
            if isinstance(one, Overflowed):
                metrics.OVERFLOWED.labels(str(one.reason)).inc()
        for area, watermark in done.watermarks.items():
            if area not in self._watermarks:
                metrics.WATERMARK_AGE.labels(area).set_function(partial(self._watermark_age, area))
            self._watermarks[area] = max(watermark, self._watermarks.get(area, watermark))

    def _watermark_age(self, area: str) -> float:
        return (utc_now() - self._watermarks[area]).total_seconds()

    # --- the registry ---

    def registry_hinted(self) -> bool:
        """Whether a registry change was announced since the last call."""
        return self._session.registry_hinted()

    def refresh(self) -> bool:
        """When the registry changed, load the directory again and replay what waited; whether it changed.

        What an admin asked for is replayed in any case.
        """
        version = self._session.run(lambda conn: directory_version(conn.cursor()))
        changed = version != self._translator.directory.version
        if changed:
            self._translator.directory = self._session.run(_load)
        if changed or self._session.run(lambda conn: any_asked(conn.cursor())):
            self.replay()
        return changed

    def replay(self) -> int:
        """Append the quarantined messages of devices that are registered by now, and what an admin asked for; returns
        how many there were."""
        total, limit = 0, _REPLAY_CHUNK
        while True:
            try:
                done, more = self._session.run(partial(self._replay_chunk, limit=limit))
            except Exception as error:
                if classify(error) is not Fault.DATA:
                    raise
                if limit == 1:
                    self._session.run(partial(self._replay_chunk, limit=1, refused_by_store=error))
                limit = max(1, limit // 2)
                continue
            total += done
            metrics.REPLAYED.inc(done)
            if not more:
                return total
            limit = min(_REPLAY_CHUNK, limit * 2)

    def _replay_chunk(
        self, conn: Connection, limit: int, refused_by_store: Exception | None = None
    ) -> tuple[int, bool]:
        """One transaction; (replayed, whether there may be more). An error given makes it a refusal."""
        with conn.transaction(), conn.cursor() as cur:
            known = sorted(unknown_devices(cur) & self._translator.directory.devices.keys())
            rows = waiting(cur, known, limit)
            if not rows:
                return 0, False
            items: list[Item] = []
            for row in rows:
                items += self._translator.items(row.topic, row.payload, row.first_seen)
            if refused_by_store is not None:
                now = utc_now()
                items = [
                    refuse_item(i, Why.STORE_REJECTED, type(refused_by_store).__name__, now) for i in items
                ]
            # Before the log's heads are locked; a rollback takes both back.
            mark_replayed(cur, [row.id for row in rows], utc_now())
            asked = [row.asked for row in rows if row.asked is not None]
            refused = _not_again(cur, [item for item in items if isinstance(item, Refused)], asked)
            sound = [item for item in items if not isinstance(item, Refused)]
            done = self._write(cur, _Parts.of([*sound, *(self._admit(one) for one in refused)]), asked)
        self._committed(done)
        log.info("replayed %d quarantined messages", len(rows))
        return len(rows), len(rows) == limit

    def stopped(self) -> None:
        """Tell the other workers that this one no longer counts for the watermark."""
        self._session.run(lambda conn: stop_worker(conn.cursor(), self._translator.worker_id, utc_now()))


@dataclass(frozen=True, slots=True)
class _Done:
    appended: Appended | None
    quarantined: list[Refused | Overflowed]
    watermarks: dict[str, datetime]
    last_canary: datetime | None


def _not_again(cur: Cursor, refused: list[Refused], asked: Collection[bytes]) -> list[Refused]:
    """Without what is in quarantine by a digest `asked` to be tried again: it is no other message, and not counted as
    one."""
    if not asked:
        return refused
    again = {one.digest for one in refused if one.digest in asked}
    mark_refused_again(cur, again, utc_now())
    return [one for one in refused if one.digest not in again]


def _load(conn: Connection) -> Directory:
    with conn.transaction(), conn.cursor() as cur:
        return load_directory(cur)
