"""The derived tables anew from the log: a generation beside the live one, which takes over when it has caught up."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from occupancy.clocks import z
from occupancy.engine.area_engine import AreaEngine
from occupancy.engine.config import ENGINE_VERSION, EngineConfig
from occupancy.model import AreaId
from occupancy.registry import Registry
from store import derived, generation, history_final, retention, seeding, tail
from store.generation import Cursor, Generation
from store.postgres import Connection

Progress = Callable[[int, int], None]
"""Told of the position reached and of the newest one."""
_AT_ONCE = timedelta(0)
REBUILT = "rebuilt"
"""Why a record is revised when another generation takes over."""


class RebuildRunningError(RuntimeError):
    """Another process rebuilds this area now."""


class LogBeginsLaterError(ValueError):
    """The log does not go back so far."""

    def __init__(self, area: AreaId, begins_at: datetime) -> None:
        super().__init__(
            f"area {area}: the log begins at {z(begins_at)}; nothing can be folded again from an earlier instant"
        )
        self.begins_at = begins_at


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
    from_at: datetime | None = None,
    compare: bool = False,
    progress: Progress | None = None,
) -> Rebuilt:
    """Fold the log into a new generation beside the live one and switch to it: from its beginning, or from an instant.

    What came before `from_at`, or before the log begins, is frozen: it is copied from the live generation.

    The live engine goes on meanwhile and takes up the new generation when its next swap fails; with `compare` it waits
    while the two are compared at the same position. The old rows stay until `drop_retired`. Raises `LookupError` for an
    area without a log, `RebuildRunningError`, `LogBeginsLaterError`.
    """
    engine = built_aside(conn, area, config, from_at=from_at, progress=progress)
    while (done := _taken_over(conn, engine, compare=compare)) is None:
        meet(engine, progress)
    return done


def built_aside(
    conn: Connection,
    area: AreaId,
    config: EngineConfig,
    *,
    from_at: datetime | None = None,
    progress: Progress | None = None,
) -> AreaEngine:
    """A new generation beside the live one, folded up to the end of the log. The area's rebuild lock is held since.

    Raises as `rebuild`.
    """
    with conn.transaction(), conn.cursor() as cur:
        begins_at = seeding.log_begins(cur, area)
        if from_at is not None and begins_at is not None and from_at < begins_at:
            raise LogBeginsLaterError(area, begins_at)
        if not generation.try_rebuild_lock(cur, area):
            raise RebuildRunningError(f"area {area} is being rebuilt by another process")
        generation.live_generation(cur, area, ENGINE_VERSION)
        at_once_until = _exact_from(cur, area)
    engine = _built(conn, area, config, from_at, at_once_until, progress)
    while engine.fold.unsure:
        at_once_until = min(engine.fold.unsure.values())
        with conn.transaction(), conn.cursor() as cur:
            derived.drop_generation(cur, area, engine.at.generation)
        engine = _built(conn, area, config, from_at, at_once_until, progress)
    return engine


def meet(engine: AreaEngine, progress: Progress | None = None) -> None:
    """Fold what has come since, here and in the live generation: no engine may be running."""
    _follow(engine, 0, progress)
    conn, area = engine.conn, engine.at.area
    with contextlib.suppress(derived.LostRace):  # then one is
        with conn.transaction(), conn.cursor() as cur:
            at = generation.live_generation(cur, area, ENGINE_VERSION)
        if at.position < engine.at.position:
            live = AreaEngine(conn, at, engine.config)
            while live.advance():
                pass


def _exact_from(cur: Cursor, area: AreaId) -> int:
    """The position after which zones are judged at each, because the versions that are left at the end are of then: who
    is alive speaks after it, which gives a street a new answer, and who is not falls silent."""
    registry = generation.registry_at(cur, area, generation.heads(cur)[area])
    sensors = max((sensor.silent_after for sensor in registry.sensors.values()), default=_AT_ONCE)
    gates = max((gate.silent_after for gate in registry.gates.values()), default=_AT_ONCE)
    return generation.position_before(cur, area, max(sensors, gates))


def _built(
    conn: Connection,
    area: AreaId,
    config: EngineConfig,
    from_at: datetime | None,
    at_once_until: int,
    progress: Progress | None,
) -> AreaEngine:
    """A new generation, folded up to the end of the log."""
    with conn.transaction(), conn.cursor() as cur:
        seeding.of_one_snapshot(cur)
        tail.allow_long_history(cur)
        fresh, seeded = _begun(cur, area, from_at)
    engine = AreaEngine(conn, fresh, config)
    if seeded:
        engine.fold_from_seeds()
    _follow(engine, at_once_until, progress)
    return engine


def _begun(cur: Cursor, area: AreaId, from_at: datetime | None) -> tuple[Generation, bool]:
    """A new generation, and whether it begins with what is copied from the live one rather than empty."""
    live = generation.live_generation(cur, area, ENGINE_VERSION)
    since = max((at for at in (from_at, live.begins_at) if at is not None), default=None)
    seed = None if since is None else seeding.seed_at(cur, live, since)
    fresh = generation.start_building(cur, area, ENGINE_VERSION, seed)
    if seed is None:
        return fresh, False
    registry = generation.registry_at(cur, area, seed.position)
    found = seeding.seeds(cur, live, registry, seed.position)
    seeding.copy_up_to(cur, live, fresh, registry, found)
    return fresh, True


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
        if engine.at.kept_from is not None:
            for number in (old, new):
                at = generation.cursor_of(cur, area, number)
                retention.drop_all_rows(cur, at, engine.at.kept_from)
        differing: tuple[str, ...] | None = None
        if compare:
            before, after = derived.digest(cur, area, old), derived.digest(cur, area, new)
            differing = tuple(table for table in before if before[table] != after[table])
        generation.switch(cur, area, old, new)
        _hold_against_records(cur, engine.at, engine.fold.registry)
        generation.release_rebuild_lock(cur, area)
        derived.notify_feed(cur, area)
        return Rebuilt(old, new, differing)


def _hold_against_records(cur: Cursor, at: Generation, registry: Registry) -> None:
    """What was final stays as it is, or is revised: the generation that takes over may know better."""
    final_to, _ = history_final.standing(cur, at)
    if final_to is None:
        return
    history_final.settle(
        cur,
        at,
        before=final_to,
        final_to=final_to,
        cause=REBUILT,
        engine_version=ENGINE_VERSION,
        time_zone=registry.area.time_zone if registry.area else None,
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
