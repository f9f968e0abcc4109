"""The registry that a recording needs: an event area, its car parks, and the counters that spoke."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.recordings import Recording, RecordingError
from simulator.replay import counter_id

_CENTRES = {"birmingham": (52.4797, -1.9027), "muenster": (51.9616, 7.6282)}
"""Nothing says where the recorded car parks are, so they all stand in the middle of their city."""
_NAMES = {"birmingham": "Birmingham 2016 (recorded)", "muenster": "Münster (recorded)"}
_LANGUAGES = {"muenster": ["de", "en"]}
_HEARTBEAT_S = 3600


def recorded_registry(
    recording: Recording, area_id: str, zone_ids: Mapping[str, str]
) -> list[tuple[str, str, dict[str, object]]]:
    """Documents as (kind, id, document), in import order. Raises `RecordingError` for a place without a
    capacity."""
    lat, lon = _CENTRES.get(recording.name, (0.0, 0.0))
    area: dict[str, object] = {
        "name": {"en": _NAMES.get(recording.name, recording.name)},
        "time_zone": recording.time_zone,
        "languages": _LANGUAGES.get(recording.name, ["en"]),
        "clock": "event",
    }
    found: list[tuple[str, str, dict[str, object]]] = [("area", area_id, area)]
    gates: list[tuple[str, str, dict[str, object]]] = []
    for place, zone_id in zone_ids.items():
        capacity = recording.capacity_of(place)
        if capacity is None:
            raise RecordingError(f"place {place!r}: no row says its capacity; a car park needs one")
        zone: dict[str, object] = {
            "area_id": area_id,
            "kind": "car_park",
            "name": {"en": place},
            "lat": lat,
            "lon": lon,
            "capacity": capacity,
        }
        gate: dict[str, object] = {
            "area_id": area_id,
            "zone_id": zone_id,
            "model": "counter",
            "expected_heartbeat_s": _HEARTBEAT_S,
        }
        found.append(("zone", zone_id, zone))
        gates.append(("gate", counter_id(zone_id), gate))
    return found + gates
