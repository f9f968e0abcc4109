"""The city under attack: streets of sensed bays and one car park that is counted at its gates. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

AREA = "chaos"
CAR_PARK = "chaos-park"
COUNTER = "chaos-counter"
GATES = 8
BAYS_PER_STREET = 20
ANCHOR = 500
CAPACITY = 1000
LATE_LOTS = 6
"""Sensors that are registered late, one in four, come in so many lots."""
HEARTBEAT_S = 7 * 86_400
"""So long a promise that no silence gets between the auditor and the readings."""

Document = tuple[str, str, Mapping[str, object]]


def sensor_id(number: int) -> str:
    return f"chaos-{number:05}"


def gate_id(number: int) -> str:
    return f"chaos-gate-{number}"


def street_id(number: int) -> str:
    """The street of a sensor by its number."""
    return f"chaos-street-{number // BAYS_PER_STREET:04}"


def lot_of(document: Document) -> int | None:
    """Which lot of late registrations a document is in, as sensors and their bindings may be; None: in none."""
    kind, id, _ = document
    if kind not in ("sensor", "binding"):
        return None
    number = int(id.partition("@")[0].removeprefix("chaos-"))
    return number // 4 % LATE_LOTS if number % 4 == 3 else None


def documents(sensors: int) -> Iterator[Document]:
    """The registry. A bay has its sensor's id."""
    name = {"en": "Chaos", "cy": "Anhrefn"}
    place = {"lat": 51.48, "lon": -3.18}
    area = {"name": name, "time_zone": "Europe/London", "languages": ["cy", "en"], "clock": "live"}
    yield "area", AREA, area
    for first in range(0, sensors, BAYS_PER_STREET):
        yield "zone", street_id(first), {"area_id": AREA, "kind": "street", "name": name, **place}
    for number in range(sensors):
        id = sensor_id(number)
        bay = {"zone_id": street_id(number), "area_id": AREA, "bay_type": "standard", **place}
        yield "bay", id, bay
        yield "sensor", id, {"area_id": AREA, "model": "chaos", "expected_heartbeat_s": HEARTBEAT_S}
        yield "binding", f"{id}@{id}@always", {"device_id": id, "bay_id": id, "area_id": AREA}
    park = {"area_id": AREA, "kind": "car_park", "name": name, "capacity": CAPACITY, **place}
    yield "zone", CAR_PARK, park
    for id, model in [(COUNTER, "counter"), *((gate_id(number), "barrier") for number in range(GATES))]:
        gate = {"area_id": AREA, "zone_id": CAR_PARK, "model": model, "expected_heartbeat_s": HEARTBEAT_S}
        yield "gate", id, gate
