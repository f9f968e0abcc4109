"""The sensors of an area as the maintenance list shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from occupancy.maintenance import SensorRecord
from occupancy.model import DeviceId, State
from occupancy.registry import Registry
from store.postgres import Connection
from store.queries import sql
from store.suspicions import suspicion_of


def list_sensors(conn: Connection, registry: Registry) -> list[SensorRecord]:
    """Every sensor of one area that has a live generation, by id."""
    rows = conn.execute(sql("sensors.facts"), (registry.area_id,)).fetchall()
    return [_record(registry, row) for row in rows if DeviceId(row[0]) in registry.sensors]


def _record(registry: Registry, row: Any) -> SensorRecord:
    device_id, now, heard_at, stated_at, state, agreed, missed, battery_mv, faults, suspicions, cut_off_by = (
        row
    )
    bindings = registry.bindings_by_device.get(device_id, ())
    bay_id = next((one.bay_id for one in bindings if now is None or one.holds_at(now)), None)
    bay = None if bay_id is None else registry.bays.get(bay_id)
    return SensorRecord(
        sensor=registry.sensors[device_id],
        bay_id=bay_id,
        zone_id=None if bay is None else bay.zone_id,
        now=now,
        heard_at=heard_at,
        stated_at=stated_at,
        state=None if state is None else State(state),
        agreed=agreed,
        missed=missed,
        battery_mv=battery_mv,
        faults=tuple(faults or ()),
        suspicions=[suspicion_of(_with_times(one)) for one in suspicions or ()],
        cut_off_by=cut_off_by,
    )


def _with_times(row: list[Any]) -> list[Any]:
    """A suspicion out of JSON."""
    began_at, ended_at = (None if at is None else datetime.fromisoformat(at) for at in row[3:5])
    return [*row[:3], began_at, ended_at, *row[5:]]
