"""Hours that have become final: records, which change only by a revision that is recorded."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from store.copying import Cursor
from store.generation import Generation
from store.queries import sql


class Standing(NamedTuple):
    """`final_to`: hours before it are records; None: there are none. `live`: whether the generation is served."""

    final_to: datetime | None
    live: bool


def standing(cur: Cursor, at: Generation) -> Standing:
    """How the hours of a generation's area stand."""
    cur.execute(sql("history_final.final_to"), (at.area, at.generation))
    final_to, live = cur.fetchall()[0]
    return Standing(final_to, bool(live))


def settle(
    cur: Cursor,
    at: Generation,
    *,
    before: datetime | None,
    final_to: datetime,
    cause: str,
    engine_version: str,
) -> None:
    """Make records of the live generation's hours up to `final_to`; those before `before` were final already, and are
    revised where they differ, or where the hour of a zone was computed anew and has nothing of the kind."""
    area = at.area
    cur.execute(sql("history_final.move_final_to"), (area, final_to))
    if before is not None:
        _revise(cur, at, before, cause, engine_version)
    cur.execute(sql("history_final.finish"), (area, engine_version, at.position))
    cur.execute(sql("history_final.drop_old_slots"), (area,))
    cur.execute(sql("history_final.finish_slots"), (area,))
    cur.execute(sql("history_final.drop_fresh_slots"), (area,))
    cur.execute(sql("history_final.drop_fresh"), (area,))


def _revise(cur: Cursor, at: Generation, before: datetime, cause: str, engine_version: str) -> None:
    cur.execute(sql("history_final.keep_revised"), (at.area, cause))
    cur.execute(sql("history_final.revise"), (at.area, engine_version, at.position))
    cur.execute(sql("history_final.keep_late"), (at.area, cause, before))
    cur.execute(sql("history_final.keep_void"), (at.area, cause))
    cur.execute(sql("history_final.drop_void"), (at.area,))
