"""The derived tables anew from the log: a generation beside the live one, which takes over when it has caught up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from occupancy.engine.area_engine import AreaEngine
from occupancy.engine.config import ENGINE_VERSION, EngineConfig
from occupancy.model import AreaId
from store import derived, generation
from store.postgres import Connection


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
    progress: Callable[[int, int], None] | None = None,
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
        fresh = generation.start_building(cur, area, ENGINE_VERSION)
    engine = AreaEngine(conn, fresh, config)
    while True:
        while engine.advance():
            if progress is not None:
                with conn.transaction(), conn.cursor() as cur:
                    progress(engine.at.position, generation.heads(cur)[area])
        with conn.transaction(), conn.cursor() as cur:
            old, position = generation.hold_live(cur, area)
            new = engine.at.generation
            # Rows can only be compared at one position; versions must not go back.
            if position > engine.at.position or (compare and position != engine.at.position):
                continue
            differing: tuple[str, ...] | None = None
            if compare:
                before, after = derived.digest(cur, area, old), derived.digest(cur, area, new)
                differing = tuple(table for table in before if before[table] != after[table])
            generation.switch(cur, area, old, new)
            generation.release_rebuild_lock(cur, area)
            derived.notify_feed(cur, area)
            return Rebuilt(old, new, differing)


def drop_retired(conn: Connection, area: AreaId) -> int:
    """Delete the rows of generations that are not live, also those of a rebuild that was cut off."""
    with conn.transaction(), conn.cursor() as cur:
        live = generation.live_generation(cur, area, ENGINE_VERSION)
        old = generation.not_live(cur, live)
    for number in old:
        with conn.transaction(), conn.cursor() as cur:
            derived.drop_generation(cur, area, number)
    return len(old)
