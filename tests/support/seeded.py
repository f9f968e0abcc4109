"""A rebuild from a position, without a database: seeds are chosen, and rows copied, as the store does it."""

from __future__ import annotations

from datetime import datetime

from occupancy.batch import Batch
from occupancy.car_park import CountFold
from occupancy.device_fold import DeviceFold
from occupancy.model import AnyReading, DeviceId, ReadingKey, ZoneId
from occupancy.page import BEGINNING, FIRST_KEY
from occupancy.registry import Registry
from tests.support.folded import Folded


def seeded(town: Folded, position: int, *, pages_of: int = 1, together: bool = False) -> Folded:
    """Another generation, folded from the newest position with a watermark that is not after `position`."""
    town.lay()
    marked = [batch for batch in town.log[:position] if batch.watermark is not None]
    if not marked or town.tables.position < marked[-1].position:
        return town.rebuilt(pages_of=pages_of, together=together)
    begins, watermark = marked[-1].position, marked[-1].watermark
    assert watermark is not None
    other = Folded([], pages_of=pages_of, cells_until=town.cells_until)
    other.log = town.log[:begins]
    after = town.log[begins:]
    then = _registry(other.log)
    spoken = {reading.device_id for batch in other.log for reading in batch.readings}
    gone = (town.tables.devices.keys() - then.sensors.keys()) & spoken
    devices, parks = _devices(town, then, after), _car_parks(town, then, after)
    other.tables = town.tables.copied(begins, watermark, gone, devices, parks)
    other.take_up()
    other.fold_from_seeds()
    other.follow(after, together=together)
    return other


def _devices(town: Folded, then: Registry, after: list[Batch]) -> list[DeviceFold]:
    first: dict[DeviceId, ReadingKey] = {}
    for reading in _readings(after):
        first[reading.device_id] = min(reading.key, first.get(reading.device_id, reading.key))
    for kind, id, _ in _changes(after):
        if kind in ("sensor", "binding"):
            first[DeviceId(id.split("@")[0])] = FIRST_KEY
        if kind == "area":
            first.update(dict.fromkeys(then.sensors, FIRST_KEY))
    newest: dict[DeviceId, DeviceFold] = {}
    for checkpoint in sorted(town.tables.checkpoints, key=lambda c: c.key):
        device_id = checkpoint.device_id
        if device_id not in first or checkpoint.key < first[device_id]:
            newest[device_id] = checkpoint
    return list(newest.values())


def _car_parks(town: Folded, then: Registry, after: list[Batch]) -> dict[ZoneId, CountFold]:
    first: dict[ZoneId, datetime] = {}
    heard = [
        (gate.zone_id, min(reading.at or reading.received_at, reading.received_at))
        for reading in _readings(after)
        if (gate := then.gates.get(reading.device_id))
    ]
    for zone_id, at in [*heard, *((r.zone_id, r.at) for batch in after for r in batch.recounts)]:
        first[zone_id] = min(at, first.get(zone_id, at))
    for kind, id, doc in _changes(after):
        zones = {"zone": [id], "area": list(then.zones)}.get(kind, [])
        if kind == "gate":
            gate = then.gates.get(DeviceId(id))
            zones = [gate.zone_id] if gate else []
            zones += [doc["zone_id"]] if isinstance(doc, dict) else []
        first.update({ZoneId(zone_id): BEGINNING for zone_id in zones})
    newest: dict[ZoneId, CountFold] = {}
    for zone_id, checkpoint in sorted(town.tables.count_checkpoints, key=lambda c: c[1].as_of):
        if zone_id not in first or checkpoint.as_of < first[zone_id]:
            newest[zone_id] = checkpoint
    return newest


def _readings(batches: list[Batch]) -> list[AnyReading]:
    return [reading for batch in batches for reading in batch.readings]


def _changes(batches: list[Batch]) -> list[tuple[str, str, object | None]]:
    return [change for batch in batches for change in batch.changes]


def _registry(batches: list[Batch]) -> Registry:
    registry = Registry()
    for kind, id, doc in _changes(batches):
        if kind != "override" and doc is None:
            registry.remove(kind, id)
        elif kind != "override":
            registry.put(kind, id, doc)
    return registry
