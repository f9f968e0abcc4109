"""Bay files: our columns and foreign ones, derived ids, and errors by row and column."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from baycast.registry.export import write_csv
from baycast.registry.files import MAX_BYTES, format_of, read_text
from baycast.registry.sheet import CsvOptions, read_csv
from baycast.settings import UsageError
from occupancy.model import BayId, DeviceId, ZoneId
from occupancy.registry import Registry, RegistryRefused, document
from tests.support.registry_samples import sample

HEADER = (
    "bay_id,zone_id,zone_name_en,zone_name_cy,lat,lon,bay_type,rule_ids"
    ",device_id,model,expected_heartbeat_s\n"
)
NEW = {"area": "tre", "area_name": "Town", "time_zone": "Europe/London", "languages": ("cy", "en")}


def sample_registry() -> Registry:
    return Registry((*key, doc) for key, doc in sample().items())


def read(text: str, known: Registry | None = None, **options: Any) -> Registry:
    """The registry after the import of a file."""
    after = Registry()
    for entity in known.entities() if known else []:
        after.put_entity(entity)
    for item in read_csv(text, "bays.csv", CsvOptions(**{**NEW, **options}), known or Registry()):
        after.put_entity(item.entity)
    return after


def errors(text: str, known: Registry | None = None, **options: Any) -> list[str]:
    with pytest.raises(RegistryRefused) as caught:
        read(text, known, **options)
    return [str(error) for error in caught.value.errors]


def test_areas_zones_bays_and_sensors_come_of_the_rows() -> None:
    text = HEADER + (
        "a1,king-st,King Street,Heol y Brenin,51.40,-3.10,standard,,ir-9,ir-1,3600\n"
        'a2,king-st,King Street,Heol y Brenin,51.42,-3.20,blue_badge,,"","",\n'
    )
    found = read(text)
    assert found.problems() == []
    zone = found.zones[ZoneId("king-st")]
    assert (zone.name.cy, zone.lat, zone.lon) == ("Heol y Brenin", 51.41, -3.15)
    assert found.bindings_by_bay[BayId("a1")][0].device_id == "ir-9"
    assert BayId("a2") not in found.bindings_by_bay
    assert found.area is not None
    assert found.area.languages == ("cy", "en")


def test_what_is_exported_imports_to_the_same() -> None:
    before = sample_registry()
    again = read(write_csv([before]), before, area_name=None, time_zone=None, languages=None)
    assert again.entities() == before.entities()


def test_the_gateway_of_a_sensor_goes_out_and_comes_in() -> None:
    before = sample_registry()
    sensor = next(iter(before.sensors.values()))
    before.put("sensor", sensor.device_id, {**document(sensor), "gateway": "gw-1"})
    same = {"area_name": None, "time_zone": None, "languages": None}
    text = write_csv([before])
    assert ",gw-1\n" in text
    assert read(text, before, **same).entities() == before.entities()
    assert read(text, **NEW).sensors[sensor.device_id].gateway == "gw-1"
    assert read(text.replace(",gw-1", ","), before, **same).sensors[sensor.device_id].gateway is None
    without = "\n".join(line.rpartition(",")[0] for line in text.splitlines()) + "\n"
    assert read(without, before, **same).sensors[sensor.device_id].gateway == "gw-1"


def test_what_the_file_has_no_column_for_stays_as_it_is() -> None:
    before = sample_registry()
    text = "bay_id,zone_id,lat,lon\nqueen-st-001,queen-st,51.5,-3.2\nqueen-st-002,queen-st,51.6,-3.2\n"
    after = read(text, before, area_name=None, time_zone=None, languages=None)
    assert after.bays[BayId("queen-st-001")].rule_ids == ("tre-2h", "tre-school")
    assert after.bays[BayId("queen-st-002")].in_service_from is not None
    assert after.bays[BayId("queen-st-001")].lat == 51.5
    assert after.zones == before.zones


def test_options_change_an_area_that_is_there_and_keep_the_rest_of_it() -> None:
    after = read(
        "bay_id,zone_id,lat,lon\n",
        sample_registry(),
        time_zone="Europe/Dublin",
        area_name=None,
        languages=None,
    )
    assert after.area is not None
    assert (after.area.time_zone, after.area.bank_holidays) == ("Europe/Dublin", "GB-WLS")


FOREIGN = (
    "RoadSegmentID,KerbsideID,RoadSegmentDescription,Latitude,Longitude,LastUpdated\n"
    "20189,56721,King Street,-37.81,144.95,2024-04-08\n"
    "20189,,King Street,-37.82,144.95,2024-04-08\n"
    "20172,777,Queen Street,-37.83,144.96,2024-04-08\n"
    "20189,777,King Street,-37.84,144.96,2024-04-08\n"
)
MAPPING = {
    "bay_id": "KerbsideID",
    "zone_id": "RoadSegmentID",
    "zone_name_en": "RoadSegmentDescription",
    "lat": "Latitude",
    "lon": "Longitude",
}


def test_foreign_columns_and_derived_ids() -> None:
    found = read(
        FOREIGN, columns=MAPPING, derive_ids=True, device_prefix="sim-", model="ir-1", heartbeat_s=600
    )
    assert sorted(found.zones) == ["tre-20172", "tre-20189"]
    ids = sorted(found.bays)
    assert len(ids) == 4
    assert "tre-56721" in ids
    assert sum(id.startswith("tre-20189-") for id in ids) == 2  # no id, and one that is there twice
    assert sum(id.startswith("tre-20172-") for id in ids) == 1
    assert sorted(found.sensors) == [f"sim-{id}" for id in ids]
    assert found.bindings_by_device[DeviceId("sim-tre-56721")][0].bay_id == "tre-56721"
    assert found.problems() == []


def test_derived_ids_do_not_depend_on_the_order_of_rows() -> None:
    head, *rows = FOREIGN.splitlines(keepends=True)
    first = read(FOREIGN, columns=MAPPING, derive_ids=True)
    second = read(head + "".join(reversed(rows)), columns=MAPPING, derive_ids=True)
    assert first.bays == second.bays


def test_ids_are_cleaned_and_prefixed_once() -> None:
    text = "bay_id,zone_id,zone_name_en,lat,lon\nTre/Bay 7,St. Mary's,St Mary's,51,-3\n"
    found = read(text, derive_ids=True)
    assert list(found.bays) == ["tre-bay-7"]
    assert list(found.zones) == ["tre-st-mary-s"]


def test_a_sensor_that_watches_its_bay_already_is_not_bound_again() -> None:
    before = sample_registry()
    text = HEADER + "queen-st-002,queen-st,,,51.48222,-3.1758,blue_badge,,ir-002,ir-1,3600\n"
    after = read(text, before, area_name=None, time_zone=None, languages=None)
    assert after.bindings == before.bindings
    assert after.sensors[DeviceId("ir-002")].incarnation == 2


ROW = "a1,king-st,King Street,,51.4,-3.1,standard,,,,\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["bays.csv: is empty"]),
        ("bay_id,zone_id,lat\n", ["row 1: field 'lon': is missing"]),
        ("bay_id,bay_id,zone_id,lat,lon\n", ["row 1: field 'bay_id': is there twice"]),
        ("bay_id;zone_id;lat;lon\n", ["is no column of ours", *["is missing"] * 4]),
        (HEADER + "a1,b\n", ["row 2: has 2 cells, the header has 11"]),
        (HEADER + ROW.replace("51.4", "51,4"), ["row 2: has 12 cells"]),
        (HEADER + ROW.replace("51.4", "nan"), ["row 2: field 'lat': 'nan' is not a number"]),
        (HEADER + ROW.replace("51.4", "1_0"), ["row 2: field 'lat': '1_0' is not a number"]),
        (HEADER + ROW.replace("51.4", ""), ["row 2: field 'lat': '' is not a number"]),
        (HEADER + ROW.replace("51.4", "151.4"), ["row 2: field 'lat': 151.4 is out of range"]),
        (HEADER + ROW.replace("a1", "A 1"), ["row 2: field 'bay_id': 'A 1' is not of the form"]),
        (HEADER + ROW.replace("a1", ""), ["row 2: field 'bay_id': '' is not of the form"]),
        (HEADER + ROW.replace("standard", "car"), ["row 2: field 'bay_type': 'car' is not known"]),
        (
            HEADER + ROW.replace("King Street", ""),
            ["row 2: field 'zone_name_en': the new zone 'king-st' has no name"],
        ),
        (HEADER + ROW + ROW.replace("a1", "a2").replace("King", "Kings"), ["row 3: field 'zone_name_en'"]),
        (HEADER + ROW + "\n" + ROW, ["row 4: field 'bay_id': the bay 'a1' is in row 2 already"]),
        (
            HEADER + ROW.replace(",,,,\n", ",,ir-9,,\n"),
            ["row 2: field 'model': is missing for a bay with a sensor"],
        ),
        (
            HEADER + ROW.replace(",,,,\n", ",,ir-9,m,1h\n"),
            ["row 2: field 'expected_heartbeat_s': '1h' is no whole"],
        ),
        (
            HEADER + ROW.replace(",,,,\n", ",,ir 9,m,60\n"),
            ["row 2: field 'device_id': 'ir 9' is not of the form"],
        ),
        (HEADER + 'a1,"b\n', ["row 2: unexpected end of data"]),
    ],
)
def test_errors_name_row_and_column(text: str, expected: list[str]) -> None:
    found = errors(text)
    assert len(found) == len(expected), found
    for error, says in zip(found, expected, strict=True):
        assert says in error
        assert error.startswith("bays.csv")


def test_errors_name_the_columns_as_the_file_does() -> None:
    found = errors(FOREIGN.replace("-37.81", "x"), columns=MAPPING, derive_ids=True)
    assert found == ["bays.csv row 2: field 'Latitude': 'x' is not a number (fix: give a number -90..90)"]
    found = errors(FOREIGN, columns={**MAPPING, "lat": "Lat"}, derive_ids=True)
    assert "field 'Lat': is missing, though mapped to lat" in found[0]


def test_two_bays_at_one_place_cannot_have_derived_ids() -> None:
    found = errors(FOREIGN + "20189,,King Street,-37.82,144.95,x\n", columns=MAPPING, derive_ids=True)
    assert len(found) == 1
    assert "is in row 3 already" in found[0]


def test_a_new_area_needs_a_name_and_a_time_zone() -> None:
    with pytest.raises(UsageError, match="--area-name and --time-zone"):
        read(HEADER + ROW, time_zone=None)


def test_bad_options_are_said_to_be_options() -> None:
    assert errors(HEADER + ROW, time_zone="Mars/Olympus")[0].startswith("the options: field 'time_zone'")


def test_files_are_unpacked_and_lose_their_byte_order_mark(tmp_path: Path) -> None:
    packed = tmp_path / "Bays.CSV.gz"
    packed.write_bytes(gzip.compress(b"\xef\xbb\xbfbay_id\n"))
    assert format_of(packed) == "csv"
    assert read_text(packed) == "bay_id\n"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.csv", b"a\nb\xff", "line 2 is not UTF-8"),
        ("x.csv.gz", b"not packed", "cannot be read"),
        ("x.csv.gz", gzip.compress(b"a" * 99, mtime=0)[:-9], "cannot be read"),
        ("x.csv", None, "No such file"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=says):
        read_text(tmp_path / name)


def test_l8_a_file_that_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.csv.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as file:
        for _ in range(MAX_BYTES // 2**24 + 1):
            file.write(bytes(2**24))
    with pytest.raises(UsageError, match="larger than 256 MiB"):
        read_text(bomb)


def test_other_kinds_of_file_are_refused() -> None:
    with pytest.raises(UsageError, match="not a registry file"):
        format_of(Path("bays.xlsx"))
