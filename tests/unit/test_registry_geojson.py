"""GeoJSON in and out: what is exported imports to the same, and every error says where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from baycast.registry.export import write_geojson
from occupancy.model import Bay, Binding, Sensor, Zone
from occupancy.registry import Registry, RegistryRefused
from occupancy.registry_geojson import read_geojson
from tests.support.registry_samples import sample


def sample_registry() -> Registry:
    return Registry((*key, doc) for key, doc in sample().items())


def read(data: Any) -> Registry:
    found = Registry()
    for item in read_geojson(json.dumps(data), "town.geojson"):
        found.put_entity(item.entity)
    return found


def errors(text: str) -> list[str]:
    with pytest.raises(RegistryRefused) as caught:
        read_geojson(text, "town.geojson")
    return [str(error) for error in caught.value.errors]


def collection(*features: Any, **ours: Any) -> dict[str, Any]:
    area = {"tre": sample()["area", "tre"]}
    return {"type": "FeatureCollection", "baycast": {"areas": area, **ours}, "features": list(features)}


def feature(own_id: str, geometry: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "id": own_id, "geometry": geometry, "properties": properties}


POINT = {"type": "Point", "coordinates": [-3.17, 51.48]}
LINE = {"type": "LineString", "coordinates": [[-3.2, 51.0], [-3.1, 51.0], [-3.0, 51.0]]}
RING = {"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]]}
STREET = {"kind": "zone", "zone_kind": "street", "name": {"en": "Queen Street"}}


def test_what_is_exported_imports_to_the_same() -> None:
    before = sample_registry()
    text = write_geojson([before])
    after = Registry()
    for item in read_geojson(text, "town.geojson"):
        after.put_entity(item.entity)
    assert after.entities() == before.entities()
    assert write_geojson([after]) == text


def test_several_areas_in_one_file() -> None:
    other = {"name": {"en": "Other"}, "time_zone": "UTC", "languages": ["en"], "clock": "event"}
    text = write_geojson([sample_registry(), Registry([("area", "other", other)])])
    found = [item.entity for item in read_geojson(text, "town.geojson")]
    assert {entity.area_id for entity in found} == {"tre", "other"}
    assert len(found) == len(sample()) + 1


def test_the_export_is_geojson_that_others_can_read() -> None:
    data = json.loads(write_geojson([sample_registry()]))
    assert data["type"] == "FeatureCollection"
    by_id = {item["id"]: item for item in data["features"]}
    assert by_id["queen-st"]["geometry"]["type"] == "LineString"
    assert by_id["castle-mews"]["geometry"]["type"] == "Polygon"
    assert by_id["queen-st-001"]["geometry"] == {"type": "Point", "coordinates": [-3.1759, 51.48221]}
    assert by_id["queen-st-001"]["properties"]["sensor"]["device_id"] == "ir-001"
    # A binding with a beginning cannot be said in the shorthand.
    assert "sensor" not in by_id["queen-st-002"]["properties"]
    assert [binding["device_id"] for binding in data["baycast"]["bindings"]] == ["ir-002"]


def test_the_area_need_not_be_repeated_and_a_bay_may_name_its_sensor() -> None:
    sensor = {"device_id": "IR-7", "model": "ir-1", "expected_heartbeat_s": 3600}
    found = read(
        collection(
            feature("queen-st", POINT, **STREET),
            feature(
                "q1", POINT, kind="bay", zone_id="queen-st", bay_type="standard", sensor=sensor, rule_ids=None
            ),
            rules={"r": {"use": "pay", "days": "daily"}},
            calendars={"tre": {}},
        )
    )
    assert found.problems() == []
    kinds = [type(entity) for entity in found.entities()]
    assert [kinds.count(kind) for kind in (Zone, Bay, Sensor, Binding)] == [1, 1, 1, 1]


def test_a_zone_without_a_point_is_shown_in_its_middle() -> None:
    park = {"kind": "zone", "zone_kind": "car_park", "name": {"en": "P"}, "capacity": 9}
    found = read(collection(feature("s", LINE, **STREET), feature("p", RING, **park)))
    street, car_park = sorted(found.zones.values(), key=lambda zone: zone.kind, reverse=True)
    assert (street.lon, street.lat) == (-3.1, 51.0)
    assert (car_park.lon, car_park.lat) == (1, 1)
    shown = read(collection(feature("s", LINE, **STREET, point=[-3.0, 51.0])))
    assert [zone.lon for zone in shown.zones.values()] == [-3.0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"type": "FeatureCollection", "features": [NaN]}', "NaN is no number"),
        ('{"type": "FeatureCollection", "type": "x"}', "'type' is there twice"),
        ("[]", "no GeoJSON FeatureCollection"),
        ('{"type": "FeatureCollection"}', "field 'features': is not a list"),
        ('{"type": "FeatureCollection", "features": [], "areas": {}}', "field 'areas': is not known"),
        ('{"type": "FeatureCollection", "features": [], "baycast": []}', "'baycast': is not an object"),
        (
            '{"type": "FeatureCollection", "features": [], "baycast": {"zones": {}}}',
            "baycast.zones: is not known",
        ),
        (
            '{"type": "FeatureCollection", "features": [], "baycast": {"rules": []}}',
            "baycast.rules: is not an object",
        ),
        ('{"type": "FeatureCollection", "features": [], "baycast": {"bindings": {}}}', "is not a list"),
        ('{"type": "FeatureCollection", "features": [], "baycast": {"bindings": [{}]}}', "bindings[1]"),
        (
            '{"type": "FeatureCollection", "features": [],'
            ' "crs": {"properties": {"name": "urn:ogc:def:crs:EPSG::27700"}}}',
            "convert to WGS 84",
        ),
    ],
)
def test_files_that_are_no_registry(text: str, says: str) -> None:
    found = errors(text)
    assert len(found) == 1
    assert says in found[0]
    assert found[0].startswith("town.geojson")


@pytest.mark.parametrize(
    ("item", "says"),
    [
        (None, "feature 1: is no feature"),
        ({"type": "Feature", "properties": None}, "feature 1: is no feature"),
        (feature("b", POINT, kind="tree"), "'kind': 'tree' is no kind of place"),
        (feature("b", POINT, kind=["bay"]), "is no kind of place"),
        ({**feature("b", POINT, kind="bay"), "id": 7}, "'id': is missing, no text"),
        (feature("b", POINT, kind="bay", id="c"), "there twice"),
        (feature("b", LINE, kind="bay"), "'LineString' is not a Point"),
        (feature("b", None, kind="sign"), "None is not a Point"),
        (
            feature("b", {"type": "Point", "coordinates": [-3.1, 51.4, 12]}, kind="bay"),
            "no [longitude, latitude]",
        ),
        (
            feature("b", {"type": "Point", "coordinates": [318000, 176000]}, kind="bay"),
            "no [longitude, latitude]",
        ),
        (
            feature(
                "b", {"type": "Point", "coordinates": [51.4, -93.1]}, kind="bay", zone_id="z", bay_type="ev"
            ),
            "'lat': -93.1 is out of range",
        ),
        (feature("z", {"type": "Polygon", "coordinates": [[], []]}, **STREET), "with holes"),
        (feature("z", LINE, **STREET, point="here"), "no [longitude, latitude]"),
        (feature("b", POINT, kind="bay", zone_id="z", bay_type="ev", colour="red"), "'colour': is not known"),
        (
            feature("b", POINT, kind="bay", zone_id="z", bay_type="ev", sensor="s1"),
            "'sensor': has no device_id",
        ),
        (
            feature("b", POINT, kind="bay", zone_id="z", bay_type="ev", sensor={"device_id": "s1"}),
            "sensor s1: field 'model': is missing",
        ),
    ],
)
def test_errors_in_features_say_which(item: Any, says: str) -> None:
    found = errors(json.dumps(collection(item)))
    assert len(found) == 1
    assert says in found[0]
    assert "feature 1" in found[0]


def test_all_errors_of_a_file_are_told_at_once() -> None:
    wrong = [feature(f"b{n}", POINT, kind="bay", zone_id="z", bay_type="none") for n in range(30)]
    assert len(errors(json.dumps(collection(*wrong)))) == 30


def test_the_example_in_the_documentation_is_a_sound_registry() -> None:
    page = (Path(__file__).parents[2] / "docs" / "registry.md").read_text(encoding="utf-8")
    found = read(json.loads(page.split("```json")[1].split("```")[0]))
    assert found.problems() == []
    assert len(found.entities()) == 7
