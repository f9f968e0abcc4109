"""The sensors of an area as the maintenance list shows them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from occupancy.maintenance import KeptPromise, SaidWord, SensorRecord, SensorSheet, ShownBay
from occupancy.model import AreaId, BayId, Clock, DeviceId, State, Suspicion
from occupancy.privacy import told_bays
from occupancy.registry import Registry
from occupancy.surveys import MENDING_BACK, Agreement, agreements, key_of
from store.postgres import Connection
from store.queries import sql
from store.surveys import judged
from store.suspicions import suspicion_of

_MOST_SUSPICIONS = 100


def list_sensors(conn: Connection, registry: Registry, *, personal: bool) -> list[SensorRecord]:
    """Every sensor of one area that has a live generation, by id; without `personal` nothing comes of looks at bays of
    which the public is told nothing."""
    rows = conn.execute(sql("sensors.facts"), (registry.area_id, None)).fetchall()
    bays = None if personal else told_bays(registry)
    agreed = _agreements(conn, registry, rows[0], bays, personal=personal) if rows else {}
    return [
        _record(registry, row, agreed.get(row[0])) for row in rows if DeviceId(row[0]) in registry.sensors
    ]


def find_sheet(
    conn: Connection, registry: Registry, device_id: DeviceId, *, words: int, back: timedelta
) -> SensorSheet | None:
    """All that is known of one sensor of an area: its last `words`, and as far `back` from its area's time how well it
    spoke and what was held against it. None: the area has no live generation."""
    row = conn.execute(sql("sensors.facts"), (registry.area_id, device_id)).fetchone()
    if row is None:
        return None
    bays = {one.bay_id for one in registry.bindings_by_device.get(device_id, ())}
    record = _record(registry, row, _agreements(conn, registry, row, bays, personal=True).get(device_id))
    said = conn.execute(sql("sensors.words"), (device_id, words)).fetchall()
    return SensorSheet(
        record=record,
        shown=None if record.bay_id is None else _shown(conn, record.sensor.area_id, record.bay_id),
        promise=None if record.now is None else _promise(conn, registry, record, record.now - back),
        suspicions=[] if record.now is None else _suspicions(conn, record, record.now - back),
        words=[SaidWord(*one) for one in said],
    )


def _agreements(
    conn: Connection, registry: Registry, row: Any, bays: Collection[BayId] | None, *, personal: bool
) -> dict[str, Agreement]:
    """How far surveyors have lately agreed with the sensors of an area, or with those of some bays."""
    now = row[1]
    if now is None:
        return {}
    looks = judged(conn, registry, now - MENDING_BACK, now, bays=bays)
    return agreements(looks, key_of("sensor", registry), personal=personal)


def _shown(conn: Connection, area: AreaId, bay_id: BayId) -> ShownBay | None:
    row = conn.execute(sql("sensors.shown"), (area, bay_id)).fetchone()
    return None if row is None else ShownBay(State(row[0]), *row[1:])


def _promise(conn: Connection, registry: Registry, record: SensorRecord, since: datetime) -> KeptPromise:
    recorded = registry.area is not None and registry.area.clock is Clock.EVENT
    asked = (record.device_id, since, recorded, record.sensor.overdue_after)
    [(words, broken, longest)] = conn.execute(sql("sensors.promise"), asked).fetchall()
    return KeptPromise(since, words, broken, longest)


def _suspicions(conn: Connection, record: SensorRecord, since: datetime) -> list[Suspicion]:
    asked = (record.sensor.area_id, record.device_id, since, _MOST_SUSPICIONS)
    return [suspicion_of(row) for row in conn.execute(sql("sensors.suspicions"), asked).fetchall()]


def _record(registry: Registry, row: Any, agreement: Agreement | None) -> SensorRecord:
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
        agreement=agreement,
    )


def _with_times(row: list[Any]) -> list[Any]:
    """A suspicion out of JSON."""
    began_at, ended_at = (None if at is None else datetime.fromisoformat(at) for at in row[3:5])
    return [*row[:3], began_at, ended_at, *row[5:]]
