"""Readings that are dropped, and the checkpoints that take their place: in the caller's one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from occupancy.model import DeviceId, ReadingKey
from occupancy.page import BEGINNING
from occupancy.registry import Registry
from occupancy.spans import FOREVER
from store.generation import Generation, Seed
from store.history_final import allow_unpacking
from store.queries import sql
from store.seeding import Seeds, car_park_seeds

Cursor = psycopg.Cursor[tuple[Any, ...]]


def seeds(cur: Cursor, live: Generation, registry: Registry, seed: Seed, before: datetime) -> Seeds:
    """The newest checkpoints from before an instant that hold nothing which came after a position."""
    cur.execute(sql("dropping.seeds_of_sensors"), (live.area, live.generation, seed.position, before))
    devices = {DeviceId(row[0]): ReadingKey(*row[1:]) for row in cur.fetchall()}
    return Seeds(devices, car_park_seeds(cur, live, registry, seed.position))


def freeze(cur: Cursor, live: Generation, found: Seeds, begins_at: datetime) -> None:
    """The log begins at an instant, and with these checkpoints: those before them go."""
    scope = (live.area, live.generation)
    keys = found.devices
    seeds = (
        list(keys),
        [key.incarnation for key in keys.values()],
        [key.boot for key in keys.values()],
        [key.seq for key in keys.values()],
    )
    cur.execute(sql("dropping.freeze_checkpoints"), (*scope, *seeds))
    cur.execute(sql("dropping.forget_checkpoints"), scope)
    ends = (list(found.car_parks), list(found.car_parks.values()))
    cur.execute(sql("dropping.freeze_count_checkpoints"), (*scope, *ends))
    cur.execute(sql("dropping.forget_count_checkpoints"), scope)
    cur.execute(sql("dropping.begin_log"), (*scope, begins_at))


def drop_frozen_readings(
    cur: Cursor, live: Generation, registry: Registry, found: Seeds, heard_from: datetime
) -> int:
    """Drop what the frozen checkpoints hold; returns how many readings.

    What sensors said from `heard_from` on stays: it tells who was heard. Times are planned with as constants.
    """
    scope = (live.area, live.generation)
    allow_unpacking(cur)
    cur.execute(sql("dropping.is_live"), (live.area,))
    (is_live,) = cur.fetchall()[0]
    cur.execute(
        sql("dropping.drop_readings_of_sensors"),
        (*scope, heard_from, heard_from if is_live else FOREVER),
        prepare=False,
    )
    dropped = cur.rowcount
    gates = registry.gates.values()
    cur.execute(
        sql("dropping.drop_readings_of_gates"),
        (
            *scope,
            [gate.device_id for gate in gates],
            [gate.zone_id for gate in gates],
            max(found.car_parks.values(), default=heard_from),
        ),
        prepare=False,
    )
    return dropped + cur.rowcount


def drop_empty_batches(cur: Cursor, live: Generation, before: int) -> None:
    """Drop the batches before a position that nothing is left of; the position itself stays: folding begins there."""
    cur.execute(sql("dropping.last_receipt"), (live.area, before))
    (received_to,) = cur.fetchall()[0]
    cur.execute(sql("dropping.drop_batches"), (live.area, before, received_to or BEGINNING), prepare=False)
