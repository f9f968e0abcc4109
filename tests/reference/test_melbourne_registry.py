"""A real city's registry, as it is published: the City of Melbourne's on-street bays (CC BY 4.0)."""

from __future__ import annotations

from pathlib import Path

import pytest

from baycast.registry.files import read_text
from baycast.registry.sheet import CsvOptions, read_csv
from occupancy.registry import Registry

BAYS = Path(__file__).parents[3] / "shared" / "data" / "melbourne_bays_2025.csv.gz"


@pytest.mark.skipif(not BAYS.exists(), reason=f"{BAYS} is not there")
def test_the_real_bays_of_melbourne_make_a_sound_registry() -> None:
    options = CsvOptions(
        area="melbourne",
        area_name="Melbourne",
        time_zone="Australia/Melbourne",
        languages=("en",),
        bank_holidays="AU-VIC",
        columns={
            "bay_id": "KerbsideID",
            "zone_id": "RoadSegmentID",
            "zone_name_en": "RoadSegmentDescription",
            "lat": "Latitude",
            "lon": "Longitude",
        },
        derive_ids=True,
        device_prefix="mel-",
        model="in-ground",
        heartbeat_s=86_400,
    )
    registry = Registry()
    for item in read_csv(read_text(BAYS), BAYS.name, options, Registry()):
        registry.put_entity(item.entity)
    assert registry.problems() == []
    assert len(registry.bays) == 23_864
    assert len(registry.zones) == 1_256
    assert len(registry.sensors) == len(registry.bindings) == 23_864
    assert all(bay_id.startswith("melbourne-") for bay_id in registry.bays)
    assert sum(map(len, registry.bays_by_zone.values())) == 23_864
