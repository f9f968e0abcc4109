"""The seeds of a generation that is not folded from the beginning, and what is copied from the live one up to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from occupancy.cells import floor_cell
from occupancy.history.hour import floor_hour
from occupancy.model import AreaId, DeviceId, ReadingKey, ZoneId
from occupancy.page import BEGINNING, FIRST_KEY
from occupancy.registry import Registry
from store.generation import Generation, Seed
from store.queries import sql

Cursor = psycopg.Cursor[tuple[Any, ...]]
_BY_SEED = ("seed.copy_bay_intervals", "seed.copy_stays", "seed.copy_overstays", "seed.copy_count_intervals")


@dataclass(frozen=True, slots=True)
class Seeds:
    """The checkpoints from which everything is folded on: by sensor up to which reading, by car park up to when."""

    devices: Mapping[DeviceId, ReadingKey]
    car_parks: Mapping[ZoneId, datetime]


def log_begins(cur: Cursor, area: AreaId) -> datetime | None:
    """Where an area's log begins; None: it is whole."""
    cur.execute(sql("seed.log_begins"), (area,))
    row = cur.fetchone()
    return row[0] if row else None


def seed_at(cur: Cursor, live: Generation, at: datetime) -> Seed | None:
    """The newest position whose watermark is no younger than `at`; None: there is none."""
    cur.execute(sql("seed.position_at"), (live.area, at, live.position))
    row = cur.fetchone()
    return Seed(int(row[0]), row[1]) if row else None


def of_one_snapshot(cur: Cursor) -> None:
    """What this transaction reads is of one moment. The first statement of it."""
    cur.execute(sql("seed.one_snapshot"))


def seeds(cur: Cursor, live: Generation, registry: Registry, position: int) -> Seeds:
    """The newest checkpoints that hold nothing which came after a position, so that all of it is taken up in its turn.

    `registry` is that of the position. What it has otherwise by now is folded from the beginning, or from where the
    log begins.
    """
    cur.execute(sql("seed.first_words_after"), (live.area, live.generation, position))
    words = {device_id: ReadingKey(*key) for device_id, key in cur.fetchall()}
    devices, car_parks = _changed_after(cur, live, registry, position)
    words.update(dict.fromkeys(devices, FIRST_KEY))
    cur.execute(
        sql("seed.device_seeds"),
        (
            live.area,
            live.generation,
            list(words),
            [key.incarnation for key in words.values()],
            [key.boot for key in words.values()],
            [key.seq for key in words.values()],
        ),
    )
    devices_found = {DeviceId(row[0]): ReadingKey(*row[1:]) for row in cur.fetchall()}
    return Seeds(devices_found, car_park_seeds(cur, live, registry, position, car_parks))


def car_park_seeds(
    cur: Cursor, live: Generation, registry: Registry, position: int, changed: Iterable[ZoneId] = ()
) -> dict[ZoneId, datetime]:
    """The same of car parks; those that have `changed` since are folded from the beginning."""
    gates = {gate.device_id: gate.zone_id for gate in registry.gates.values()}
    columns = list(gates), list(gates.values())
    cur.execute(sql("seed.first_events_after"), (live.area, live.generation, position, *columns))
    events: dict[ZoneId, datetime] = dict(cur.fetchall())
    events.update(dict.fromkeys(changed, BEGINNING))
    cur.execute(sql("seed.car_park_seeds"), (live.area, live.generation, list(events), list(events.values())))
    return dict(cur.fetchall())


def copy_up_to(cur: Cursor, live: Generation, new: Generation, registry: Registry, found: Seeds) -> None:
    """Fill a generation whose cursor is where it begins with what the live one has from before the seeds."""
    scope = (live.area, live.generation, new.generation)
    keys = found.devices
    cur.execute(
        sql("seed.copy_device_checkpoints"),
        (
            *scope,
            list(keys),
            [key.incarnation for key in keys.values()],
            [key.boot for key in keys.values()],
            [key.seq for key in keys.values()],
        ),
    )
    ends = found.car_parks
    cur.execute(sql("seed.copy_count_checkpoints"), (*scope, list(ends), list(ends.values())))
    for rows in _BY_SEED:
        cur.execute(sql(rows), scope)
    cur.execute(sql("seed.copy_gone_devices"), (*scope, new.position, list(registry.sensors)))
    cur.execute(sql("seed.copy_zones"), (*scope, new.position))
    if new.watermark is not None:
        cur.execute(sql("seed.copy_outages"), (*scope, new.watermark))
        cur.execute(sql("seed.copy_suspicions"), (*scope, new.watermark))
        cur.execute(sql("seed.copy_cells"), (*scope, floor_cell(new.watermark)))
        cur.execute(sql("seed.copy_history_hours"), (*scope, floor_hour(new.watermark)))
        cur.execute(sql("seed.copy_history_slots"), (*scope, floor_hour(new.watermark)))


def _changed_after(
    cur: Cursor, live: Generation, registry: Registry, position: int
) -> tuple[set[DeviceId], set[ZoneId]]:
    """Sensors and car parks that the registry of a position has otherwise than that of today."""
    devices: set[DeviceId] = set()
    car_parks: set[ZoneId] = set()
    cur.execute(sql("seed.changes_after"), (live.area, position))
    for kind, id, zone_id in cur.fetchall():
        match kind:
            case "area":
                return set(registry.sensors), set(registry.zones)
            case "sensor" | "binding":
                devices.add(DeviceId(id.split("@", 1)[0]))
            case "zone":
                car_parks.add(ZoneId(id))
            case "gate":
                gate = registry.gates.get(DeviceId(id))
                car_parks.update(zone for zone in (zone_id, gate and gate.zone_id) if zone)
    return devices, car_parks
