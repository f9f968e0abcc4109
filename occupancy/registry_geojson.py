"""The registry as GeoJSON: places are features, all that has no place is in the foreign member `baycast`.

docs/registry.md describes the format. What is exported here imports to the same registry.
"""

from __future__ import annotations

import json

from occupancy.registry import RegistryRefused
from occupancy.registry_geometry import take_geometry
from occupancy.registry_reading import FileEntity, Reading

Object = dict[str, object]

PLURALS = {
    "areas": "area",
    "calendars": "calendar",
    "rules": "rule",
    "sensors": "sensor",
    "gates": "gate",
    "legends": "legend",
}
"""Members of `baycast` that are objects of documents by id, and their kind; `bindings` is a list."""

_PLACES = ("zone", "bay", "sign")
_TOP = {"type", "name", "bbox", "crs", "baycast", "features"}
_WGS84 = ("urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326", "EPSG:4326")


def read_geojson(text: str, file: str) -> list[FileEntity]:
    """Every entity of a feature collection. Raises `RegistryRefused` with everything that is wrong."""
    reading = Reading()
    data = _parsed(text, file, reading)
    if data is not None:
        _Collection(data, file, reading).read()
    if reading.errors:
        raise RegistryRefused(reading.errors)
    return reading.found


def strict_json(text: str) -> object:
    """As `json.loads`, but for what JSON does not know, or leaves open. Raises `ValueError`, `RecursionError`."""
    found: object = json.loads(text, parse_constant=_no_number, object_pairs_hook=_unique)
    return found


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no number in JSON")


def _unique(pairs: list[tuple[str, object]]) -> Object:
    """Python would keep the last of two equal keys and say nothing."""
    made: Object = {}
    for key, value in pairs:
        if key in made:
            raise ValueError(f"the key {key!a} is there twice in one object")
        made[key] = value
    return made


def _parsed(text: str, file: str, reading: Reading) -> Object | None:
    """The collection; None when it is none, which is then noted."""
    try:
        data = strict_json(text)
    except (ValueError, RecursionError) as error:
        reading.error(file, None, f"is not JSON: {error}", "correct it there")
        return None
    if not isinstance(data, dict) or data.get("type") != "FeatureCollection":
        reading.error(
            file, "type", "is no GeoJSON FeatureCollection", 'begin with {"type": "FeatureCollection"'
        )
        return None
    for key in sorted(data.keys() - _TOP):
        reading.error(file, key, "is not known", f"known are {', '.join(sorted(_TOP))}")
    crs = data.get("crs")
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if crs is not None and name not in _WGS84:
        reading.error(file, "crs", f"coordinates in {ascii(name)[:60]}", "convert to WGS 84, longitude first")
    return data


class _Collection:
    """One feature collection being read."""

    def __init__(self, data: Object, file: str, reading: Reading) -> None:
        self._data = data
        self._file = file
        self._reading = reading
        self._only_area: str | None = None

    def read(self) -> None:
        ours = self._data.get("baycast", {})
        if isinstance(ours, dict):
            self._read_ours(ours)
        else:
            self._reading.error(self._file, "baycast", "is not an object", "give an object, or leave it out")
        features = self._data.get("features")
        if not isinstance(features, list):
            self._reading.error(self._file, "features", "is not a list", "give a list; it may be empty")
            return
        for ordinal, feature in enumerate(features, 1):
            self._read_feature(f"{self._file} feature {ordinal}", feature)

    def _read_ours(self, ours: Object) -> None:
        areas = ours.get("areas")
        if isinstance(areas, dict) and len(areas) == 1:
            self._only_area = str(next(iter(areas)))
        for plural, docs in ours.items():
            source = f"{self._file} baycast.{plural}"
            if plural == "bindings":
                self._read_bindings(source, docs)
            elif plural not in PLURALS:
                known = ", ".join((*PLURALS, "bindings"))
                self._reading.error(source, None, "is not known", f"known are {known}")
            elif not isinstance(docs, dict):
                self._reading.error(source, None, "is not an object", "give an object: id to document")
            else:
                kind = PLURALS[plural]
                for id, doc in docs.items():
                    self._reading.add(source, kind, id, self._with_area(kind, id, doc))

    def _read_bindings(self, source: str, docs: object) -> None:
        if not isinstance(docs, list):
            self._reading.error(source, None, "is not a list", "give a list of documents")
            return
        for ordinal, doc in enumerate(docs, 1):
            self._reading.add_binding(f"{source}[{ordinal}]", self._with_area("binding", "", doc))

    def _with_area(self, kind: str, id: str, doc: object) -> object:
        """In a file of one area nothing needs to repeat it."""
        if not isinstance(doc, dict) or kind == "area" or "area_id" in doc:
            return doc
        area = id if kind == "calendar" else self._only_area
        return doc if area is None else {**doc, "area_id": area}

    def _read_feature(self, source: str, feature: object) -> None:
        properties = feature.get("properties") if isinstance(feature, dict) else None
        if (
            not isinstance(feature, dict)
            or feature.get("type") != "Feature"
            or not isinstance(properties, dict)
        ):
            self._reading.error(
                source, None, "is no feature with properties", 'give {"type": "Feature", ...}'
            )
            return
        # Table tools write a null for every property that another feature has: it says nothing.
        doc = {str(key): value for key, value in properties.items() if value is not None}
        kind, inner_id = doc.pop("kind", None), doc.pop("id", None)
        id = feature.get("id", inner_id)
        if not isinstance(kind, str) or kind not in _PLACES:
            self._reading.error(
                source, "kind", f"{ascii(kind)[:60]} is no kind of place", "zone, bay or sign"
            )
            return
        if not isinstance(id, str) or inner_id not in (None, id):
            self._reading.error(
                source, "id", "is missing, no text or there twice", 'give the feature one "id"'
            )
            return
        if kind == "zone" and "zone_kind" in doc:
            doc["kind"] = doc.pop("zone_kind")
        problem = take_geometry(kind, feature.get("geometry"), doc)
        if problem:
            self._reading.error(source, "geometry", problem, "correct the geometry")
            return
        sensor = doc.pop("sensor", None) if kind == "bay" else None
        self._reading.add(source, kind, id, self._with_area(kind, id, doc))
        if sensor is not None:
            self._read_sensor(source, id, sensor, doc.get("area_id", self._only_area))

    def _read_sensor(self, source: str, bay_id: str, sensor: object, area: object) -> None:
        """The shorthand: a sensor that has always watched this bay."""
        device_id = sensor.get("device_id") if isinstance(sensor, dict) else None
        if not isinstance(sensor, dict) or not isinstance(device_id, str):
            fix = "give device_id, model and expected_heartbeat_s"
            self._reading.error(source, "sensor", "has no device_id", fix)
            return
        doc = {key: value for key, value in sensor.items() if key != "device_id"}
        if self._reading.add(source, "sensor", device_id, {"area_id": area, **doc}):
            self._reading.add_binding(source, {"area_id": area, "device_id": device_id, "bay_id": bay_id})
