"""Which sensor to fix first, and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from occupancy.maintenance import SensorRecord, by_urgency, defects
from occupancy.model import AreaId, BayId, DeviceId, Sensor, State, Suspicion, SuspicionKind, ZoneId
from tests.support.small_town import AREA, START

NOW = START + timedelta(days=2)


def record(device_id: str, **more: Any) -> SensorRecord:
    sensor = Sensor(
        device_id=DeviceId(device_id), area_id=AreaId(AREA), model="ir", expected_heartbeat_s=86_400
    )
    known: dict[str, Any] = {
        "sensor": sensor,
        "bay_id": BayId("high-st-0"),
        "zone_id": ZoneId("high-st"),
        "now": NOW,
        "heard_at": NOW - timedelta(hours=1),
        "stated_at": NOW - timedelta(hours=1),
        "state": State.FREE,
        "agreed": 200,
        "missed": 2,
        "battery_mv": 3_500,
        "faults": (),
        "suspicions": (),
    }
    return SensorRecord(**{**known, **more})


def suspicion(kind: SuspicionKind, hours_ago: float) -> Suspicion:
    return Suspicion(
        bay_id=BayId("high-st-0"),
        device_id=DeviceId("x"),
        kind=kind,
        began_at=NOW - timedelta(hours=hours_ago),
        ended_at=None,
        reason="occupied since long ago",
        evidence={},
    )


def test_a_sensor_that_is_as_it_should_be_has_no_defect() -> None:
    assert defects(record("fine")) == []


def test_every_defect_is_said_in_words_the_worst_first() -> None:
    found = defects(
        record(
            "poor",
            suspicions=(suspicion(SuspicionKind.DRIFT, 5),),
            heard_at=NOW - timedelta(days=3),
            faults=("magnet",),
            battery_mv=2_950,
            agreed=80,
            missed=20,
        )
    )
    assert [defect.words for defect in found] == [
        "suspect (drift) since 2026-11-04 03:00:00Z: occupied since long ago",
        "silent since 2026-11-01 08:00:00Z",
        "reports magnet",
        "battery at 2950 mV",
        "20% of its words show one before them to be missing",
    ]


def test_few_words_say_nothing_about_what_is_missing() -> None:
    assert defects(record("new", agreed=3, missed=2)) == []
    assert [defect.words for defect in defects(record("mute", heard_at=None, agreed=0, missed=0))] == [
        "never heard"
    ]


def test_what_hides_a_bay_comes_before_what_will_hide_it_and_the_longest_first() -> None:
    records = [
        record("fine"),
        record("flat", battery_mv=2_800),
        record("low", battery_mv=2_950),
        record("stuck", suspicions=(suspicion(SuspicionKind.IMPLAUSIBLE, 5),)),
        record("stuck-long", suspicions=(suspicion(SuspicionKind.IMPLAUSIBLE, 50),)),
        record("silent", heard_at=NOW - timedelta(days=3)),
        record("both", suspicions=(suspicion(SuspicionKind.CHATTER, 1),), battery_mv=2_800),
    ]
    assert [one.device_id for one in by_urgency(records)] == [
        "both",
        "stuck-long",
        "stuck",
        "silent",
        "flat",
        "low",
        "fine",
    ]
