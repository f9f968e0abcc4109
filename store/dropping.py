"""Readings that are dropped, and the checkpoints that take their place: in the caller's one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from occupancy.registry import Registry
from store.generation import Generation
from store.queries import sql
from store.seeding import Seeds

Cursor = psycopg.Cursor[tuple[Any, ...]]


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
    cur.execute(sql("dropping.forget_checkpoints"), (*scope, *seeds))
    cur.execute(sql("dropping.freeze_checkpoints"), (*scope, *seeds))
    ends = (list(found.car_parks), list(found.car_parks.values()))
    cur.execute(sql("dropping.forget_count_checkpoints"), (*scope, *ends))
    cur.execute(sql("dropping.freeze_count_checkpoints"), (*scope, *ends))
    cur.execute(sql("dropping.begin_log"), (*scope, begins_at))


def drop_frozen_readings(cur: Cursor, live: Generation, registry: Registry, heard_from: datetime) -> int:
    """Drop what the frozen checkpoints hold; returns how many readings.

    What sensors said from `heard_from` on stays: it tells who was heard.
    """
    scope = (live.area, live.generation)
    cur.execute(sql("dropping.drop_readings_of_sensors"), (*scope, heard_from))
    dropped = cur.rowcount
    gates = registry.gates.values()
    cur.execute(
        sql("dropping.drop_readings_of_gates"),
        (*scope, [gate.device_id for gate in gates], [gate.zone_id for gate in gates]),
    )
    return dropped + cur.rowcount
