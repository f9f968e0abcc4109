"""How far an area's rows and records reach, and dropping what is older."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from occupancy.model import AreaId
from store.copying import Cursor
from store.generation import Generation
from store.history_final import allow_unpacking
from store.queries import sql

ROWS = (
    "retention.drop_bay_intervals",
    "retention.drop_stays",
    "retention.drop_overstays",
    "retention.drop_count_intervals",
    "retention.drop_cells",
)
"""Of bays and car parks."""
SIGN_RECORDS = ("retention.drop_sign_frames", "retention.drop_sign_shown")
"""Of all signs, also of those that are in no registry any more."""
AT_ONCE = 20_000
"""Rows in one transaction."""
_ALL = 2**31


class Standing(NamedTuple):
    """`ran_at`: the watermark that was gone by last. `first`: where the log begins, or its first watermark.

    The others: from when on things are kept (None: all), `final_to`: up to when hours are records (None: none are).
    """

    ran_at: datetime | None
    begins_at: datetime | None
    first: datetime | None
    final_to: datetime | None
    kept_from: datetime | None
    hours_from: datetime | None
    slots_from: datetime | None


def standing(cur: Cursor, area: AreaId) -> Standing:
    """Raises `LookupError` for an area without a log."""
    cur.execute(sql("retention.standing"), (area,))
    row = cur.fetchone()
    if row is None:
        raise LookupError(f"area {area} has no log")
    return Standing(*row)


def keep_rows_from(cur: Cursor, live: Generation, at: datetime) -> None:
    """From now on no hour or cell before it is computed again; a running engine loads again."""
    cur.execute(sql("retention.keep_rows_from"), (live.area, live.generation, at))


def keep_records_from(cur: Cursor, area: AreaId, hours: datetime | None, slots: datetime | None) -> None:
    """From when on hours and their five minutes are kept; None: all of them."""
    cur.execute(sql("retention.keep_records_from"), (area, hours, slots))


def note_run(cur: Cursor, area: AreaId, watermark: datetime) -> None:
    """All that was too old at a watermark has gone."""
    cur.execute(sql("retention.note_run"), (area, watermark))


def drop_rows(cur: Cursor, *, at: Generation, statement: str, kept_from: datetime) -> bool:
    """Some rows of one table (`ROWS`) that ended before an instant; whether there are more."""
    cur.execute(sql(statement), (at.area, at.generation, kept_from, AT_ONCE))
    return cur.rowcount == AT_ONCE


def drop_all_rows(cur: Cursor, at: Generation, kept_from: datetime) -> None:
    """All of them at once: a fold from a sensor's first word writes some of them anew."""
    for statement in ROWS:
        cur.execute(sql(statement), (at.area, at.generation, kept_from, _ALL))


def oldest_records(cur: Cursor, area: AreaId) -> tuple[datetime | None, datetime | None]:
    """The area's oldest final hour, and its oldest five minutes."""
    cur.execute(sql("retention.oldest_records"), (area,))
    row = cur.fetchone()
    return (None, None) if row is None else (row[0], row[1])


def drop_hours(cur: Cursor, *, area: AreaId, before: datetime) -> None:
    """Final hours, their revisions and their days. The time is planned with as a constant."""
    allow_unpacking(cur)
    cur.execute(sql("retention.drop_hours"), (area, before), prepare=False)
    cur.execute(sql("retention.drop_revisions"), (area, before))
    cur.execute(sql("retention.drop_days"), (area, before))


def drop_slots(cur: Cursor, *, area: AreaId, before: datetime) -> None:
    """The five minutes of final hours. The time is planned with as a constant."""
    allow_unpacking(cur)
    cur.execute(sql("retention.drop_slots"), (area, before), prepare=False)


def clock(cur: Cursor) -> datetime:
    """The database's time of day."""
    row = cur.execute(sql("retention.clock")).fetchone()
    assert row is not None  # noqa: S101 - it always knows the time
    return row[0]  # type: ignore[no-any-return]


def drop_sign_records(cur: Cursor, *, statement: str, before: datetime) -> bool:
    """Some records of one table (`SIGN_RECORDS`) from before an instant; whether there are more."""
    signs = [sign_id for (sign_id,) in cur.execute(sql("retention.signs_on_record")).fetchall()]
    cur.execute(sql(statement), (signs, before, AT_ONCE))
    return cur.rowcount == AT_ONCE
