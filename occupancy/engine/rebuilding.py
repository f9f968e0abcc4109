"""The derived tables anew from the log: a generation beside the live one, which takes over when it has caught up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from occupancy.engine.area_engine import AreaEngine
from occupancy.engine.config import ENGINE_VERSION, EngineConfig
from occupancy.model import AreaId
from store import derived, generation, history_final
from store.generation import Cursor, Generation
from store.postgres import Connection

Progress = Callable[[int, int], None]
"""Told of the position reached and of the newest one."""
_AT_ONCE = timedelta(0)
REBUILT = "rebuilt"
"""Why a record is revised when another generation takes over."""


class RebuildRunningError(RuntimeError):
    """Another process rebuilds this area now."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What took over from what; `differing` are the tables whose rows differ, None when that was not asked."""

    old: int
    new: int
    differing: tuple[str, ...] | None


def rebuild(
    conn: Connection,
    area: AreaId,
    config: EngineConfig,
    *,
    compare: bool = False,
    progress: Progress | None = None,
) -> Rebuilt:
    """Fold the whole log into a new generation beside the live one and switch to it.

    The live engine goes on meanwhile and takes up the new generation when its next swap fails; with `compare` it waits
    while the two are compared at the same position. The old rows stay until `drop_retired`. Raises `LookupError` for an
    area without a log, `RebuildRunningError`.
    """
    with conn.transaction(), conn.cursor() as cur:
        if not generation.try_rebuild_lock(cur, area):
            raise RebuildRunningError(f"area {area} is being rebuilt by another process")
        generation.live_generation(cur, area, ENGINE_VERSION)
        at_once_until = _exact_from(cur, area)
    engine = _built(conn, area, config, at_once_until, progress)
    while engine.fold.unsure:
        at_once_until = min(engine.fold.unsure.values())
        with conn.transaction(), conn.cursor() as cur:
            derived.drop_generation(cur, area, engine.at.generation)
        engine = _built(conn, area, config, at_once_until, progress)
    while (done := _taken_over(conn, engine, compare=compare)) is None:
        _follow(engine, 0, progress)
    return done


def _exact_from(cur: Cursor, area: AreaId) -> int:
    """The position after which zones are judged at each, because the versions that are left at the end are of then: who
    is alive speaks after it, which gives a street a new answer, and who is not falls silent."""
    registry = generation.registry_at(cur, area, generation.heads(cur)[area])
    sensors = max((sensor.silent_after for sensor in registry.sensors.values()), default=_AT_ONCE)
    gates = max((gate.silent_after for gate in registry.gates.values()), default=_AT_ONCE)
    return generation.position_before(cur, area, max(sensors, gates))


def _built(
    conn: Connection, area: AreaId, config: EngineConfig, at_once_until: int, progress: Progress | None
) -> AreaEngine:
    """A new generation, folded up to the end of the log."""
    with conn.transaction(), conn.cursor() as cur:
        fresh = generation.start_building(cur, area, ENGINE_VERSION)
    engine = AreaEngine(conn, fresh, config)
    _follow(engine, at_once_until, progress)
    return engine


def _follow(engine: AreaEngine, at_once_until: int, progress: Progress | None) -> None:
    while engine.advance(at_once_until=at_once_until):
        if progress is not None:
            with engine.conn.transaction(), engine.conn.cursor() as cur:
                progress(engine.at.position, generation.heads(cur)[engine.at.area])


def _taken_over(conn: Connection, engine: AreaEngine, *, compare: bool) -> Rebuilt | None:
    """Switch to the generation that was built. None: the live one is ahead, or not at the position to compare at."""
    area, new = engine.at.area, engine.at.generation
    with conn.transaction(), conn.cursor() as cur:
        old, position = generation.hold_live(cur, area)
        # Rows can only be compared at one position; versions must not go back.
        if position > engine.at.position or (compare and position != engine.at.position):
            return None
        differing: tuple[str, ...] | None = None
        if compare:
            before, after = derived.digest(cur, area, old), derived.digest(cur, area, new)
            differing = tuple(table for table in before if before[table] != after[table])
        generation.switch(cur, area, old, new)
        _hold_against_records(cur, engine.at)
        generation.release_rebuild_lock(cur, area)
        derived.notify_feed(cur, area)
        return Rebuilt(old, new, differing)


def _hold_against_records(cur: Cursor, at: Generation) -> None:
    """What was final stays as it is, or is revised: the generation that takes over may know better."""
    final_to, _ = history_final.standing(cur, at)
    if final_to is None:
        return
    history_final.settle(
        cur,
        at,
        before=final_to,
        final_to=final_to,
        anew=history_final.computed_before(cur, at, final_to),
        cause=REBUILT,
        engine_version=ENGINE_VERSION,
    )


def drop_retired(conn: Connection, area: AreaId) -> int:
    """Delete the rows of generations that are not live, also those of a rebuild that was cut off."""
    with conn.transaction(), conn.cursor() as cur:
        live = generation.live_generation(cur, area, ENGINE_VERSION)
        old = generation.not_live(cur, live)
    for number in old:
        with conn.transaction(), conn.cursor() as cur:
            derived.drop_generation(cur, area, number)
    return len(old)
