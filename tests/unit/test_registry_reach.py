"""What a change of the registry does to the past, said before it is done."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from occupancy.page import BEGINNING
from occupancy.registry import Registry, entity
from occupancy.registry_reach import Changed, reaches_back_to, recomputed

AREA = {"area_id": "town"}
SPRING, SUMMER = "2026-04-01T00:00:00Z", "2026-07-01T00:00:00Z"
APRIL, JULY = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
PLACE = {"lat": 51.5, "lon": -3.2}
TOWN: dict[tuple[str, str], dict[str, Any]] = {
    ("area", "town"): {
        **{"name": {"en": "Town"}, "time_zone": "Europe/London", "languages": ["cy", "en"], "clock": "live"}
    },
    ("rule", "pay"): {**AREA, "use": "pay", "days": "daily"},
    ("rule", "new"): {**AREA, "use": "pay", "days": "daily", "valid_from": SPRING},
    ("rule", "spare"): {**AREA, "use": "pay", "days": "daily"},
    ("zone", "st"): {**AREA, "kind": "street", "name": {"en": "Street"}, **PLACE},
    ("zone", "park"): {**AREA, "kind": "car_park", "name": {"en": "Park"}, "capacity": 9, **PLACE},
    ("bay", "b"): {**AREA, "zone_id": "st", "bay_type": "standard", "rule_ids": ["pay"], **PLACE},
    ("sensor", "s"): {**AREA, "model": "ir", "expected_heartbeat_s": 600},
    ("binding", f"s@b@{SPRING}"): {**AREA, "device_id": "s", "bay_id": "b", "valid_from": SPRING},
    ("gate", "g"): {**AREA, "zone_id": "park", "model": "loop", "expected_heartbeat_s": 60},
    ("sign", "v"): {**AREA, "name": {"en": "V"}, "zone_ids": ["st"], **PLACE},
}


def reach(*changes: tuple[str, str, dict[str, Any] | None]) -> datetime | None:
    after = Registry()
    for (kind, id), doc in TOWN.items():
        after.put(kind, id, doc)
    told = []
    for kind, id, doc in changes:
        old = TOWN.get((kind, id))
        told.append(Changed(old and entity(kind, id, old), doc and entity(kind, id, doc)))
        if doc is None:
            after.remove(kind, id)
        else:
            after.put(kind, id, doc)
    return reaches_back_to(told, after)


def other(kind: str, id: str, **more: Any) -> tuple[str, str, dict[str, Any]]:
    return kind, id, {**TOWN[kind, id], **more}


@pytest.mark.parametrize(
    ("change", "since"),
    [
        (other("rule", "pay", days="mon-fri"), BEGINNING),
        (other("rule", "pay", valid_to=SUMMER), JULY),
        (other("rule", "pay", valid_from=SPRING), BEGINNING),
        (other("rule", "pay", tariff="T2"), None),
        (other("rule", "spare", days="mon"), None),
        (("rule", "spare", None), None),
        (other("bay", "b", rule_ids=["pay", "new"]), APRIL),
        (other("bay", "b", rule_ids=["new"]), BEGINNING),
        (other("bay", "b", in_service_to=SUMMER), JULY),
        (other("bay", "b", rule_ids=["pay", "new"], in_service_to=SUMMER), APRIL),
        (other("bay", "b", lat=51.6), None),
        (other("bay", "b", ev_connectors=["ccs"]), None),
        (other("zone", "park", step_free=True, ev_connectors=["ccs"], height_limit_m=2), None),
        (other("bay", "b", bay_type="ev"), BEGINNING),
        (("bay", "b", None), BEGINNING),
        (("bay", "c", {**TOWN["bay", "b"], "in_service_from": SUMMER}), JULY),
        (("binding", f"s@b@{SPRING}", None), APRIL),
        (other("binding", f"s@b@{SPRING}", valid_to=SUMMER), JULY),
        (other("sensor", "s", expected_heartbeat_s=60), APRIL),
        (other("sensor", "s", model="ir-2"), None),
        (("sensor", "t", TOWN["sensor", "s"]), None),
        (("gate", "g", None), BEGINNING),
        (("gate", "h", TOWN["gate", "g"]), BEGINNING),
        (other("zone", "st", name={"en": "Road"}), None),
        (other("zone", "park", capacity=8), BEGINNING),
        (other("zone", "st", controlled_zone="A"), BEGINNING),
        (("zone", "lane", TOWN["zone", "st"]), None),
        (other("area", "town", name={"en": "City"}), None),
        (other("area", "town", bank_holidays="GB-WLS"), BEGINNING),
        (("calendar", "town", {**AREA, "days": []}), BEGINNING),
        (other("sign", "v", lines=1), None),
    ],
)
def test_history_is_told_otherwise_from_where_the_documents_differ(
    change: tuple[str, str, dict[str, Any] | None], since: datetime | None
) -> None:
    assert reach(change) == since


def test_several_changes_reach_as_far_as_the_one_that_reaches_farthest() -> None:
    assert (
        reach(other("bay", "b", in_service_to=SUMMER), (other("sensor", "s", expected_heartbeat_s=60)))
        == APRIL
    )
    assert reach() is None
    docks = ("zone", "dock", TOWN["zone", "park"]), ("gate", "d", {**TOWN["gate", "g"], "zone_id": "dock"})
    assert (reach(docks[1]), reach(*docks)) == (BEGINNING, BEGINNING)


def test_it_is_said_in_words() -> None:
    assert [recomputed(since) for since in (BEGINNING, APRIL, None)] == [
        "recomputed from the beginning",
        "recomputed from 2026-04-01T00:00:00Z",
        None,
    ]
