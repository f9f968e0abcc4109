"""Drops what is older than it is to be kept, once a day of the watermark, in transactions that nobody waits long for.

First the log, then rows that it no longer makes, then records of history that those rows no longer make: see
`occupancy/retention.py`. Records of signs have the days of the clock: no watermark says how old they are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from occupancy.engine.beside import Beside
from occupancy.engine.config import ENGINE_VERSION, EngineConfig
from occupancy.engine.dropping import drop_log_before, no_rebuild
from occupancy.engine.metrics import RETENTION_FAILURES
from occupancy.engine.rebuilding import RebuildRunningError
from occupancy.model import AreaId
from occupancy.retention import Retention
from store import generation, history_days, retention, tail
from store.postgres import Connection

EVERY = timedelta(days=1)
STEP = timedelta(days=7)
"""Of the log, and of records, in one transaction."""

_log = logging.getLogger("baycast.engine")


class Kept(NamedTuple):
    """From when on each is kept; None: all of it."""

    log: datetime | None
    rows: datetime | None
    hours: datetime | None
    slots: datetime | None


def retainer(config: EngineConfig) -> Beside:
    """Looks after the areas for as long as the `with` lasts."""

    signs = SignRetention(config.retention)

    def work(conn: Connection, area: AreaId) -> None:
        signs.retain_when_due(conn)
        retain_when_due(conn, area, config.retention)

    return Beside(
        "retention",
        config.database_url,
        work,
        every_s=config.retain_every_s,
        again_s=config.beside_again_s,
        failures=RETENTION_FAILURES,
    )


def retain_when_due(conn: Connection, area: AreaId, limits: Retention) -> Kept | None:
    """As `retain`, unless less than a day of the watermark has passed since, or the area is being rebuilt."""
    with conn.transaction(), conn.cursor() as cur:
        if generation.live_version(cur, area) != ENGINE_VERSION:
            return None
        watermark = generation.live_generation(cur, area, ENGINE_VERSION).watermark
        standing = retention.standing(cur, area)
    if watermark is None or (standing.ran_at is not None and watermark < standing.ran_at + EVERY):
        return None
    try:
        return retain(conn, area, limits)
    except RebuildRunningError:
        return None


class SignRetention:
    """Records of signs, whatever their areas know: an area may never have had a watermark and drive signs."""

    def __init__(self, limits: Retention) -> None:
        self._limits = limits
        self._ran_at: datetime | None = None

    def retain_when_due(self, conn: Connection) -> None:
        """As `retain_sign_records`, unless it went well within a day before. A new process does it once again."""
        with conn.transaction(), conn.cursor() as cur:
            now = retention.clock(cur)
        if self._ran_at is None or now >= self._ran_at + EVERY:
            retain_sign_records(conn, self._limits)
            self._ran_at = now


def retain(conn: Connection, area: AreaId, limits: Retention, *, dry_run: bool = False) -> Kept:
    """Drop what is too old by the area's watermark; with `dry_run` only say from when on things would be kept.

    Raises `LookupError` for an area without rows, `RebuildRunningError`.
    """
    with conn.transaction(), conn.cursor() as cur:
        live = generation.live_generation(cur, area, ENGINE_VERSION)
        standing = retention.standing(cur, area)
        time_zone = history_days.kept(cur, area).time_zone
    if live.watermark is None:
        raise LookupError(f"area {area} has no watermark yet")
    log_from = limits.log_from(live.watermark)
    if not dry_run:
        begins_at = _drop_log(conn, area, standing.first, log_from) or standing.begins_at
    else:
        begins_at = _later(standing.begins_at, log_from if _holds(standing.first, log_from) else None)
    rows = _later(standing.kept_from, limits.rows_from(live.watermark, begins_at))
    hours = _later(standing.hours_from, limits.hours_from(live.watermark, rows, time_zone))
    slots = _later(standing.slots_from, limits.slots_from(live.watermark, hours, standing.final_to))
    kept = Kept(begins_at, rows, hours, slots)
    if not dry_run:
        _drop_rows(conn, area, rows)
        _drop_records(conn, area, hours, slots)
        with conn.transaction(), conn.cursor() as cur:
            retention.note_run(cur, area, live.watermark)
        _log.info("dropped what is too old", extra={"area": area, **_said(kept)})
    return kept


def retain_sign_records(conn: Connection, limits: Retention, *, dry_run: bool = False) -> datetime | None:
    """Drop what signs of all areas were told and said too long ago, by the time of day; from when on it is kept.

    Signs speak by the clock of those who pass, whatever clock an area has.
    """
    with conn.transaction(), conn.cursor() as cur:
        kept_from = limits.signs_from(retention.clock(cur))
    if kept_from is not None and not dry_run:
        for drop in retention.SIGN_RECORDS:
            _until_done(conn, partial(retention.drop_sign_records, statement=drop, before=kept_from))
    return kept_from


def _drop_log(
    conn: Connection, area: AreaId, first: datetime | None, until: datetime | None
) -> datetime | None:
    """Returns where the log begins now; None: as before."""
    begins_at = None
    if first is not None and until is not None:
        while first < until:
            first = min(first + STEP, until)
            begins_at = drop_log_before(conn, area, first).begins_at
    return begins_at


def _drop_rows(conn: Connection, area: AreaId, kept_from: datetime | None) -> None:
    if kept_from is None:
        return
    with no_rebuild(conn, area):
        with conn.transaction(), conn.cursor() as cur:
            live = generation.live_generation(cur, area, ENGINE_VERSION)
            if live.kept_from is None or live.kept_from < kept_from:
                retention.keep_rows_from(cur, live, kept_from)
        for drop in retention.ROWS:
            _until_done(conn, partial(retention.drop_rows, at=live, statement=drop, kept_from=kept_from))


def _drop_records(conn: Connection, area: AreaId, hours: datetime | None, slots: datetime | None) -> None:
    with conn.transaction(), conn.cursor() as cur:
        retention.keep_records_from(cur, area, hours, slots)
        oldest_hour, oldest_slots = retention.oldest_records(cur, area)
    _in_steps(conn, oldest_hour, hours, partial(retention.drop_hours, area=area))
    _in_steps(conn, oldest_slots, slots, partial(retention.drop_slots, area=area))


def _until_done(conn: Connection, drop: Callable[..., bool]) -> None:
    more = True
    while more:
        with conn.transaction(), conn.cursor() as cur:
            tail.allow_long_history(cur)
            more = drop(cur)


def _in_steps(
    conn: Connection, first: datetime | None, until: datetime | None, drop: Callable[..., None]
) -> None:
    if first is None or until is None:
        return
    while first < until:
        first = min(first + STEP, until)
        with conn.transaction(), conn.cursor() as cur:
            tail.allow_long_history(cur)
            drop(cur, before=first)


def _holds(first: datetime | None, at: datetime | None) -> bool:
    return first is not None and at is not None and first < at


def _later(known: datetime | None, found: datetime | None) -> datetime | None:
    """What is gone does not come back by another setting."""
    return max((at for at in (known, found) if at is not None), default=None)


def _said(kept: Kept) -> dict[str, str]:
    return {f"{name}_from": at.isoformat() for name, at in kept._asdict().items() if at is not None}
