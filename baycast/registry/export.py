"""The registry written to a file: GeoJSON holds all of it, CSV the bays and the sensors on them now."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping

from baycast.registry.sheet import COLUMNS
from occupancy.model import Bay, Binding, DeviceId, Sensor, Sign, Zone
from occupancy.registry import Entity, Registry, document, identity
from occupancy.registry_geojson import PLURALS
from occupancy.registry_geometry import zone_geometry

Object = dict[str, object]


def write_geojson(registries: Iterable[Registry]) -> str:
    """One feature collection that imports to the same registries, in a stable order, one entity per line."""
    ours: dict[str, dict[str, Object]] = {plural: {} for plural in PLURALS}
    plural_of = {kind: plural for plural, kind in PLURALS.items()}
    bindings: list[Object] = []
    features: list[Object] = []
    for registry in registries:
        sensor_of = _always_there(registry)
        short = set(sensor_of.values())
        for entity in registry.entities():
            match entity:
                case Zone() | Sign():
                    features.append(_feature(entity, None))
                case Bay():
                    device_id = sensor_of.get(entity.bay_id)
                    features.append(_feature(entity, registry.sensors[device_id] if device_id else None))
                case Binding() | Sensor() if entity.device_id in short:
                    pass  # said by the bay's feature
                case Binding():
                    bindings.append(document(entity))
                case _:
                    kind, id = identity(entity)
                    ours[plural_of[kind]][id] = document(entity)
    return _lines({plural: docs for plural, docs in ours.items() if docs}, bindings, features)


def _always_there(registry: Registry) -> dict[str, DeviceId]:
    """Bay -> sensor where the shorthand says everything: one binding, without a beginning or an end."""
    return {
        bay_id: group[0].device_id
        for bay_id, group in registry.bindings_by_bay.items()
        if len(group) == 1
        and group[0].valid_from is None
        and group[0].valid_to is None
        and len(registry.bindings_by_device[group[0].device_id]) == 1
        and group[0].device_id in registry.sensors
        and bay_id in registry.bays
    }


def _feature(place: Entity, sensor: Sensor | None) -> Object:
    kind, id = identity(place)
    doc = document(place)
    point = [doc.pop("lon"), doc.pop("lat")]
    geometry: Object = {"type": "Point", "coordinates": point}
    if isinstance(place, Zone):
        doc = {"zone_kind": doc.pop("kind"), **doc}
        geometry = zone_geometry(place)
        if doc.pop("line", None):
            doc["point"] = point
    if sensor is not None:
        short = {key: value for key, value in document(sensor).items() if key != "area_id"}
        doc["sensor"] = {"device_id": sensor.device_id, **short}
    return {"type": "Feature", "id": id, "geometry": geometry, "properties": {"kind": kind, **doc}}


def _lines(ours: Mapping[str, Mapping[str, Object]], bindings: list[Object], features: list[Object]) -> str:
    """JSON with a line per entity: small enough to mail, and a change shows as one line in a diff."""
    members = []
    for plural, docs in ours.items():
        lines = ",\n".join(f"{_json(id)}: {_json(doc)}" for id, doc in docs.items())
        members.append(f"{_json(plural)}: {{\n{lines}\n}}")
    if bindings:
        members.append('"bindings": [\n' + ",\n".join(map(_json, bindings)) + "\n]")
    head = '{"type": "FeatureCollection", "baycast": {\n' + ",\n".join(members) + '\n}, "features": [\n'
    return head + ",\n".join(map(_json, features)) + "\n]}\n"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def write_csv(registries: Iterable[Registry]) -> str:
    """The bays, one per row; what has no column (rules, car parks, signs) is in GeoJSON only."""
    out = io.StringIO(newline="")
    rows = csv.DictWriter(out, COLUMNS, lineterminator="\n", restval="")
    rows.writeheader()
    for registry in registries:
        for bay_id in sorted(registry.bays):
            rows.writerow(_row(registry, registry.bays[bay_id]))
    return out.getvalue()


def _row(registry: Registry, bay: Bay) -> dict[str, object]:
    zone = registry.zones[bay.zone_id]
    watching = [
        binding for binding in registry.bindings_by_bay.get(bay.bay_id, ()) if binding.valid_to is None
    ]
    sensor = registry.sensors.get(watching[-1].device_id) if watching else None
    return {
        "bay_id": bay.bay_id,
        "zone_id": bay.zone_id,
        "zone_name_en": zone.name.en,
        "zone_name_cy": zone.name.cy or "",
        "lat": bay.lat,
        "lon": bay.lon,
        "bay_type": bay.bay_type.value,
        "rule_ids": " ".join(bay.rule_ids),
        "device_id": sensor.device_id if sensor else "",
        "model": sensor.model if sensor else "",
        "expected_heartbeat_s": sensor.expected_heartbeat_s if sensor else "",
        "gateway": (sensor.gateway or "") if sensor else "",
    }
