"""History counted anew from the log, beside what is stored: nothing is changed by it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from occupancy.engine.area_engine import AreaEngine
from occupancy.engine.config import EngineConfig
from occupancy.engine.rebuilding import Progress, built_aside, meet
from occupancy.history.hour import HOUR, Series, floor_hour
from occupancy.model import AreaId
from occupancy.page import BEGINNING
from store import derived, generation, history_days, history_hours
from store.generation import Generation
from store.postgres import Connection

TOLD = 20
"""Differing hours and days that are named."""


@dataclass(frozen=True, slots=True)
class Recount:
    """`hours` of series, with their five minutes, were counted anew, and civil `days` of all series added up anew;
    `differing` of both are stored otherwise, some of which are `told`."""

    hours: int
    days: int
    differing: int
    told: tuple[tuple[Series, datetime], ...]


def recount(
    conn: Connection, area: AreaId, config: EngineConfig, *, progress: Progress | None = None
) -> Recount:
    """Fold the log from where it begins, hold its hours against the stored ones at one position, and drop them again.

    The engine waits while the two are compared. Raises `LookupError` for an area without a log, `RebuildRunningError`.
    """
    engine = built_aside(conn, area, config, progress=progress)
    while (found := _compared(conn, engine)) is None:
        meet(engine, progress)
    with conn.transaction(), conn.cursor() as cur:
        derived.drop_generation(cur, area, engine.at.generation)
        generation.release_rebuild_lock(cur, area)
    return found


def _compared(conn: Connection, engine: AreaEngine) -> Recount | None:
    """None: the two are not at one position."""
    area = engine.at.area
    with conn.transaction(), conn.cursor() as cur:
        live, position = generation.hold_live(cur, area)
        if position != engine.at.position:
            return None
        hours = history_hours.count_hours(cur, engine.at)
        differing, told = history_hours.differing(cur, engine.at, live, _complete_from(engine.at), TOLD)
        days, differing_days, told_days = history_days.differing(cur, area, TOLD)
        return Recount(hours, days, differing + differing_days, tuple([*told, *told_days][:TOLD]))


def _complete_from(at: Generation) -> datetime:
    """From which hour on a generation has every hour that there is: not all that are older than its log and rows."""
    return max([BEGINNING, *(floor_hour(begins) + HOUR for begins in (at.begins_at, at.kept_from) if begins)])
