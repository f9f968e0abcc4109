"""Hours that have become final: records, which change only by a revision that is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from occupancy.history.hour import Scope
from occupancy.model import AreaId
from store.copying import Cursor
from store.generation import Generation
from store.queries import sql


class Anew(NamedTuple):
    """A stretch of whole hours [start, end) of all series of a zone (or of what is wider) that was computed anew."""

    scope: Scope
    scope_id: str
    start: datetime
    end: datetime


class Standing(NamedTuple):
    """`final_to`: hours before it are records; None: there are none. `live`: whether the generation is served."""

    final_to: datetime | None
    live: bool


def standing(cur: Cursor, at: Generation) -> Standing:
    """How the hours of a generation's area stand."""
    cur.execute(sql("history_final.final_to"), (at.area, at.generation))
    final_to, live = cur.fetchall()[0]
    return Standing(final_to, bool(live))


def computed_before(cur: Cursor, at: Generation, end: datetime) -> list[Anew]:
    """What a generation holds of the time before `end`: of each scope, all from its first hour on."""
    cur.execute(sql("history_final.first_hours"), (at.area, at.generation))
    return [
        Anew(Scope(scope), scope_id, first, end) for scope, scope_id, first in cur.fetchall() if first < end
    ]


def settle(
    cur: Cursor,
    at: Generation,
    *,
    before: datetime | None,
    final_to: datetime,
    anew: Sequence[Anew],
    cause: str,
    engine_version: str,
) -> None:
    """Make records of the live generation's hours up to `final_to`; those before `before` were final already, and are
    revised where they differ. `anew` says which records there must be derived hours for, or be void."""
    area = at.area
    cur.execute(sql("history_final.move_final_to"), (area, final_to))
    if before is not None:
        _revise(cur, at, before, anew, cause, engine_version)
    cur.execute(sql("history_final.finish"), (area, engine_version, at.position))
    cur.execute(sql("history_final.drop_old_slots"), (area,))
    cur.execute(sql("history_final.finish_slots"), (area,))
    cur.execute(sql("history_final.drop_fresh_slots"), (area,))
    cur.execute(sql("history_final.drop_fresh"), (area,))


def _revise(
    cur: Cursor, at: Generation, before: datetime, anew: Sequence[Anew], cause: str, engine_version: str
) -> None:
    area: AreaId = at.area
    cur.execute(sql("history_final.keep_revised"), (area, cause))
    cur.execute(sql("history_final.revise"), (area, engine_version, at.position))
    cur.execute(sql("history_final.keep_late"), (area, cause, before))
    if anew:
        columns = [list(column) for column in zip(*anew, strict=True)]
        cur.execute(sql("history_final.keep_void"), (area, *columns, cause))
        cur.execute(sql("history_final.drop_void"), (area, *columns))
        cur.execute(sql("history_final.drop_void_slots"), (area, *columns))
