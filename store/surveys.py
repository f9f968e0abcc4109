"""Looks of surveyors: records, entered once; and what the live rows say of the same bays and moments."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from occupancy.answers import instant
from occupancy.model import AreaId, BayId, DeviceId, State
from occupancy.registry import Registry, RegistryError, RegistryRefused
from occupancy.survey_sheets import Sheet
from occupancy.surveys import CLOSE_CALL, Judged, Look
from store import audit
from store.audit import Deed
from store.postgres import Connection
from store.queries import sql

Cursor = psycopg.Cursor[tuple[Any, ...]]

JUDGED_MAX = 20_000
"""Looks that one answer is made of, the newest (L8)."""


@dataclass(frozen=True, slots=True)
class EnteredSurvey:
    """`known`: looks that were there already; `skipped`: rows that were passed over, with what is wrong."""

    entered: int
    known: int
    skipped: list[RegistryError]


def enter(
    conn: Connection,
    area: AreaId,
    sheet: Sheet,
    *,
    surveyor: str,
    skip_bad: bool,
    entered_by: str,
    entered_at: datetime,
    actor: str | None = None,
) -> EnteredSurvey:
    """Enter a survey, whole or, with `skip_bad`, what is sound of it; the same one again changes nothing.

    `actor` is who did it in the audit log, where that is not who is noted as having entered it. Raises
    `RegistryRefused` with every row that is wrong, `psycopg.Error`.
    """
    with conn.transaction(), conn.cursor() as cur:
        cur.execute(sql("surveys.lock"))
        known, errors = _known(cur, area, sheet.looks, surveyor)
        errors = [*sheet.errors, *errors]
        if errors and not skip_bad:
            raise RegistryRefused(errors)
        wrong = {error.where for error in errors}
        new = [look for where, look in sheet.looks.items() if where not in known and where not in wrong]
        if new:
            bays, times, seen = (list(column) for column in zip(*new, strict=True))
            cur.execute(sql("surveys.enter"), (area, bays, times, surveyor, seen, entered_by, entered_at))
            told = {
                "entered_by": entered_by,
                "surveyor": surveyor,
                "looks": len(new),
                "from": instant(min(times)),
                "to": instant(max(times)),
                "skipped": len(errors),
            }
            who = actor or entered_by
            audit.append(cur, Deed(who=who, action="survey.enter", areas=[area], subject=surveyor, doc=told))
    return EnteredSurvey(len(new), len(known), errors)


def _known(
    cur: Cursor, area: AreaId, looks: Mapping[str, Look], surveyor: str
) -> tuple[set[str], list[RegistryError]]:
    """Where looks stand that are there already, and those that were entered otherwise then."""
    places = list(looks)
    given = ([look.bay_id for look in looks.values()], [look.seen_at for look in looks.values()])
    cur.execute(sql("surveys.known"), (area, *given, surveyor))
    known: set[str] = set()
    errors: list[RegistryError] = []
    for number, occupied in cur.fetchall():
        where = places[number - 1]
        if looks[where].occupied is occupied:
            known.add(where)
        else:
            problem = f"was entered as {_word(occupied)} before: a look is a record and stays"
            errors.append(RegistryError(where, "occupied", problem, "correct the row, or its time"))
    return known, errors


def _word(occupied: bool | None) -> str:
    return "unknown" if occupied is None else "taken" if occupied else "free"


def judged(
    conn: Connection,
    registry: Registry,
    start: datetime,
    end: datetime,
    *,
    bays: Collection[BayId] | None = None,
    most: int = JUDGED_MAX,
) -> list[Judged]:
    """At `most` so many looks of an area in [start, end), the newest, beside what is said of their bays now; `bays`:
    only at these."""
    if conn.execute(sql("surveys.any"), (registry.area_id, start, end)).fetchone() != (True,):
        return []  # as in most towns at most times: nothing is sent and joined for it
    bindings = [one for group in registry.bindings_by_bay.values() for one in group]
    rows = conn.execute(
        sql("surveys.judged"),
        (
            *(registry.area_id, start, end, CLOSE_CALL, most),
            [one.bay_id for one in bindings],
            [one.device_id for one in bindings],
            [one.valid_from for one in bindings],
            [one.valid_to for one in bindings],
            None if bays is None else sorted(bays),
        ),
    ).fetchall()
    return [
        Judged(
            BayId(bay_id),
            None if device_id is None else DeviceId(device_id),
            occupied,
            None if state is None else State(state),
            *rest,
        )
        for bay_id, device_id, occupied, state, *rest in rows
    ]
