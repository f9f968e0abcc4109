"""Car parks as UTMC open data has them: what is static, and what is dynamic. Pure.

Names and nesting are those of the public Tyne and Wear feed. What of it is verified, and what is not, says
docs/interop.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree

from occupancy.model import Zone, ZoneAvailability
from signs.car_park import occupied_of
from signs.words import FrameState

Document = dict[str, object]
_ONE_OF = {"definitions": "definition", "configurations": "configuration", "dynamics": "dynamic"}


def static(zone: Zone, capacity: int, languages: Sequence[str]) -> Document:
    """Return what a car park is. The long description has the names in the area's languages, in their order."""
    names = {"en": zone.name.en, "cy": zone.name.cy}
    spoken = [name for language in languages if (name := names.get(language))]
    return {
        "systemCodeNumber": zone.zone_id,
        "definitions": [
            {
                "shortDescription": zone.name.en,
                "longDescription": " / ".join(dict.fromkeys(spoken)) or zone.name.en,
                "point": {"latitude": zone.lat, "longitude": zone.lon},
            }
        ],
        "configurations": [{"capacity": capacity}],
    }


def dynamic(zone: Zone, availability: ZoneAvailability, state: FrameState, *, fresh: bool) -> Document:
    """Return what is known of a car park now. `occupancy` is what is taken, and is left out where it is not known.

    A car park of which nothing was ever known has no dynamics.
    """
    known = []
    if availability.as_of is not None:
        occupied = occupied_of(availability, fresh=fresh)
        known = [
            {
                **({} if occupied is None else {"occupancy": occupied}),
                "stateDescription": state.value,
                "lastUpdated": instant(availability.as_of),
            }
        ]
    return {"systemCodeNumber": zone.zone_id, "dynamics": known}


def instant(at: datetime) -> str:
    """Return a time as the public feed writes it: milliseconds, and the offset without a colon."""
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}+0000"


def xml(car_parks: Sequence[Document]) -> bytes:
    """Return the same as XML: an element for each member by its name, one element for each of a list."""
    root = ElementTree.Element("carParks")
    for car_park in car_parks:
        _fill(ElementTree.SubElement(root, "carPark"), car_park)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _fill(element: ElementTree.Element, value: object) -> None:
    if not isinstance(value, dict):
        element.text = str(value)
        return
    for name, member in value.items():
        child = ElementTree.SubElement(element, name)
        if isinstance(member, list):
            for one in member:
                _fill(ElementTree.SubElement(child, _ONE_OF[name]), one)
        else:
            _fill(child, member)
