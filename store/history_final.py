"""Hours that have become final: records, which change only by a revision that is recorded."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from occupancy.page import BEGINNING
from store import history_days
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
    time_zone: str | None,
) -> None:
    """Make records of the live generation's hours up to `final_to`; those before `before` were final already, and are
    revised where they differ, or where the hour of a zone was computed anew and has nothing of the kind.

    The civil days of `time_zone` follow; None: there is no area, whose days they would be."""
    area = at.area
    days = history_days.kept(cur, area)
    days_to = days.to or BEGINNING
    cur.execute(sql("history_final.move_final_to"), (area, final_to))
    changed: set[tuple[int, datetime]] = set()
    if before is not None:
        changed |= _revise(cur, at, before, cause, engine_version, days_to)
    cur.execute(sql("history_final.fresh"), (area,))
    hours = cur.fetchall()[0]
    if hours[0] is not None:
        cur.execute(
            sql("history_final.finish"), (area, engine_version, at.position, days_to, *hours), prepare=False
        )
        changed |= set(cur.fetchall())
        cur.execute(sql("history_final.finish_slots"), (area,))
        cur.execute(sql("history_final.drop_fresh_slots"), (area,))
        cur.execute(sql("history_final.drop_fresh"), (area,))
    if time_zone is not None:
        history_days.keep(cur, area, days, time_zone, final_to, changed)


def _revise(
    cur: Cursor, at: Generation, before: datetime, cause: str, engine_version: str, days_to: datetime
) -> set[tuple[int, datetime]]:
    """Returns the hours before `days_to` that are others now, by the number of their series.

    Statements that name their series and hours as constants are planned with them: `prepare` is off.
    """
    cur.execute(sql("history_final.computed_anew"), (at.area, before))
    anew = cur.fetchall()[0]
    if anew[0] is None:
        return set()
    allow_unpacking(cur)

    def run(statement: str, *arguments: object) -> None:
        cur.execute(sql(statement), (at.area, *arguments), prepare=False)

    run("history_final.keep_revised", cause, *anew)
    run("history_final.revise", engine_version, at.position, *anew, days_to)
    changed = set(cur.fetchall())
    run("history_final.keep_late", cause, before, *anew)
    run("history_final.keep_void", cause, *anew)
    run("history_final.make_void", engine_version, at.position, *anew, days_to)
    changed |= set(cur.fetchall())
    run("history_final.drop_old_slots", *anew)
    return changed


def allow_unpacking(cur: Cursor) -> None:
    """For the rest of the transaction: what is in a columnstore is changed, however much of it there is."""
    cur.execute(sql("history_final.allow_unpacking"))
