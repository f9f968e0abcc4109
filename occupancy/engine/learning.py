"""Learns from closed days, once a civil day and area, beside the serving engine and with a connection of its own.

What is learnt goes through the log like everything else that the fold takes in; the database holds that there is one
entry a day, so a crash in between, or a second engine, does no harm. A rebuild learns nothing: it reads the entries.
"""

from __future__ import annotations

import logging
from datetime import date

from occupancy.engine.beside import Beside
from occupancy.engine.config import ENGINE_VERSION, EngineConfig
from occupancy.engine.metrics import LEARNING_FAILURES
from occupancy.learnt import days_before, due_day, holds_from, learn_day
from occupancy.model import AreaId
from store import generation, learnt, tail
from store.postgres import Connection

_BACKLOG = 600
"""Positions that an engine may lag: some minutes of a live area."""

_log = logging.getLogger("baycast.engine")


def learner(config: EngineConfig) -> Beside:
    """Learns for as long as the `with` lasts; what goes wrong leaves serving with what was learnt before."""
    asked: dict[AreaId, date] = {}

    def work(conn: Connection, area: AreaId) -> None:
        learn_when_due(conn, area, asked)

    return Beside(
        "learning",
        config.database_url,
        work,
        every_s=config.learn_every_s,
        again_s=config.beside_again_s,
        failures=LEARNING_FAILURES,
    )


def learn_when_due(conn: Connection, area: AreaId, asked: dict[AreaId, date]) -> bool:
    """Learn from the closed days of the live generation, unless that is done for today or the engine is behind.

    `asked` notes the newest day of each area, so that days that teach nothing are looked through once. Returns whether
    an entry was made. Raises `psycopg.Error`.
    """
    with conn.transaction(), conn.cursor() as cur:
        if generation.live_version(cur, area) != ENGINE_VERSION:
            return False
        at = generation.live_generation(cur, area, ENGINE_VERSION)
        registry = generation.registry_at(cur, area, at.position)
        if registry.area is None or at.watermark is None:
            return False
        time_zone = registry.area.time_zone
        day = due_day(time_zone, at.watermark)
        if day is None or asked.get(area) == day or not _caught_up(cur, area, at):
            return False
        asked[area] = day
        tail.allow_long_history(cur)
        if learnt.known(cur, area, day):
            return False
        days = days_before(time_zone, day)
        before = learnt.newest(cur, area, at.position, 1)
        found = learn_day(
            before[0] if before else None,
            day,
            registry,
            learnt.history(cur, at, registry, (days[0][0], days[-1][1])),
            begins=holds_from(at.watermark),
        )
    entered = found is not None and learnt.enter(conn, area, found)
    if entered:
        _log.info("learnt from closed days", extra={"area": area, "day": day.isoformat()})
    return entered


def _caught_up(cur: generation.Cursor, area: AreaId, at: generation.Generation) -> bool:
    """Whether the rows tell of the log as it is: an engine that folds a backlog would learn from its past."""
    return generation.heads(cur)[area] - at.position <= _BACKLOG
