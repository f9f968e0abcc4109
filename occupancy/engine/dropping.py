"""The end of a log that nobody needs any more goes: what came of it is frozen, and checkpoints seed the fold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from occupancy.engine.config import ENGINE_VERSION
from occupancy.engine.rebuilding import RebuildRunningError
from occupancy.model import AreaId
from occupancy.outages import remembered_from
from store import dropping, generation, seeding, tail
from store.postgres import Connection


@dataclass(frozen=True, slots=True)
class Dropped:
    """Where the log begins now (None: it is whole), and how many readings went."""

    begins_at: datetime | None
    readings: int


@contextmanager
def no_rebuild(conn: Connection, area: AreaId) -> Iterator[None]:
    """The live generation stays the live one for as long as the `with` lasts. Raises `RebuildRunningError`."""
    with conn.transaction(), conn.cursor() as cur:
        if not generation.try_rebuild_lock(cur, area):
            raise RebuildRunningError(f"area {area} is being rebuilt by another process")
    try:
        yield
    finally:
        with conn.transaction(), conn.cursor() as cur:
            generation.release_rebuild_lock(cur, area)


def drop_log_before(conn: Connection, area: AreaId, before: datetime) -> Dropped:
    """Drop the readings of an area that nothing folded from `before` on needs. A page of the engine waits for the
    moment of freezing only.

    Only what a checkpoint holds goes: of a sensor or a car park that has none from before `before`, all stays; of the
    others what came after theirs, and what tells who was heard in the days before. Entries are never dropped, nor
    batches that hold any. From then on nothing can be folded again from an earlier instant, and what comes late with a
    place before a checkpoint is passed over; a running engine loads again. Raises `LookupError` for an area without
    rows, `RebuildRunningError`.
    """
    with no_rebuild(conn, area):
        with conn.transaction(), conn.cursor() as cur:
            tail.allow_long_history(cur)
            live = generation.live_generation(cur, area, ENGINE_VERSION)
            before = min(before, live.watermark or before)  # what is still to come has not begun yet
            seed = seeding.seed_at(cur, live, before)
            if seed is None or (live.begins_at is not None and before <= live.begins_at):
                return Dropped(live.begins_at, 0)
            registry = generation.registry_at(cur, area, live.position)
            found = dropping.seeds(cur, live, registry, seed, before)
        with conn.transaction(), conn.cursor() as cur:
            generation.hold_live(cur, area)
            dropping.freeze(cur, live, found, before)
        with conn.transaction(), conn.cursor() as cur:
            tail.allow_long_history(cur)
            heard_from = remembered_from(seed.watermark)
            readings = dropping.drop_frozen_readings(cur, live, registry, found, heard_from)
            dropping.drop_empty_batches(cur, live, seed.position)
            return Dropped(before, readings)
