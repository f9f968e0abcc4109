"""A simulated city written straight into the log of an event area: months in minutes, without a broker.

World and devices are those of `baycast simulate`; what they say is translated as ingest does. Nothing but the batches
under way is held.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from baycast import cardiff
from baycast.offline.hours import HOUR, OfflineRun, hours
from store.log import Appended, ReadingRow, append
from store.postgres import Connection

HEARTBEAT_S = 6 * 3_600
"""Of the sensors and gates of a city that we register for this: most of what a year says should be changes."""
BATCH = 10_000
"""A batch is closed at the first full hour at which it has so many readings, and after a day at the latest."""
_in_order: Callable[[ReadingRow], tuple[str, int, int]] = attrgetter("device_id", "boot", "seq")


@dataclass(slots=True)
class Written:
    """What came of it up to the watermark `until`: readings `stored`, those that the log had `already`, and vehicles
    that `parked` in bays."""

    stored: int = 0
    already: int = 0
    parked: int = 0
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Batch:
    rows: list[ReadingRow]
    until: datetime
    parked: int


def documents(area_id: str) -> list[tuple[str, str, cardiff.Document]]:
    """Our Cardiff as an event area whose devices speak seldom of their own accord."""
    return [
        (kind, id, {**doc, "expected_heartbeat_s": HEARTBEAT_S} if kind in ("sensor", "gate") else doc)
        for kind, id, doc in cardiff.documents(area_id, "event")
    ]


def write(
    conn: Connection,
    run: OfflineRun,
    tell: Callable[[Written], None],
    *,
    beyond: datetime | None = None,
) -> Written:
    """Play the city and append what its devices say, a batch at a time with its watermark.

    The log of the area exists. `beyond` is the watermark of a run with the same arguments that was cut off: the city
    is played again, and only what comes after it is appended. Raises `psycopg.Error`.
    """
    done = Written()
    # The database stores one batch while the next one is played.
    with ThreadPoolExecutor(1) as writer, closing(_batches(run)) as batches:
        under_way: tuple[_Batch, Future[Appended]] | None = None
        for batch in batches:
            if beyond is not None and batch.until <= beyond:
                done.parked += batch.parked
                continue
            if under_way is not None:
                _count(done, *under_way)
                tell(done)
            under_way = batch, writer.submit(_append, conn, run.plan.area_id, batch)
        if under_way is not None:
            _count(done, *under_way)
            tell(done)
    return done


def _append(conn: Connection, area: str, batch: _Batch) -> Appended:
    with conn.transaction(), conn.cursor() as cur:
        return append(cur, batch.rows, {area: batch.until})


def _count(done: Written, batch: _Batch, appended: Future[Appended]) -> None:
    stored = appended.result()
    done.stored += stored.stored
    done.already += stored.duplicates
    done.parked += batch.parked
    done.until = batch.until


def _batches(run: OfflineRun) -> Generator[_Batch]:
    rows: list[ReadingRow] = []
    parked = 0
    for number, hour in enumerate(hours(run), 1):
        rows += hour.rows
        parked += hour.parked
        if len(rows) >= BATCH or number % 24 == 0 or number == run.hours:
            rows.sort(key=_in_order)
            yield _Batch(rows, run.start + number * HOUR, parked)
            rows, parked = [], 0
