"""The Cardiff-like registry that ships: sound, complete and varied."""

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from math import cos, hypot, radians

import pytest

from baycast import cardiff
from baycast.registry.recorded import recorded_registry
from baycast.world_plan import world_plan
from occupancy.model import BayId, BayType, Use, ZoneKind
from occupancy.registry import KINDS, Registry, document, entity
from occupancy.rules import access_at
from signs.refusals import refusals
from simulator.plan import CityPlan, Profile
from simulator.recordings import Recording, RecordingError

TUESDAY_NOON = datetime(2026, 10, 13, 11, tzinfo=UTC)


@pytest.fixture(scope="module")
def registry() -> Registry:
    found = Registry()
    for kind, id, doc in cardiff.documents():
        found.put(kind, id, doc)
    return found


@pytest.fixture(scope="module")
def plan() -> CityPlan:
    return world_plan(cardiff.documents(), at=TUESDAY_NOON, rhythm=cardiff.rhythm())


def test_every_document_is_read_strictly_and_comes_back_as_it_was() -> None:
    for kind, id, doc in cardiff.documents():
        assert document(entity(kind, id, doc)) == doc


def test_the_registry_is_sound(registry: Registry) -> None:
    assert [*registry.problems(), *refusals(registry)] == []


def test_documents_are_the_same_each_time_in_import_order() -> None:
    documents = cardiff.documents()
    assert documents == cardiff.documents()
    assert [KINDS.index(kind) for kind, _, _ in documents] == sorted(
        KINDS.index(kind) for kind, _, _ in documents
    )
    assert len({(kind, id) for kind, id, _ in documents}) == len(documents)


def test_it_is_a_city_of_the_promised_size(registry: Registry) -> None:
    kinds = Counter(zone.kind for zone in registry.zones.values())
    assert kinds[ZoneKind.STREET] >= 42
    assert kinds[ZoneKind.CAR_PARK] >= 6
    assert len(registry.bays) == len(registry.sensors) == len(registry.bindings_by_bay) == 3300
    assert len(registry.signs) == 10
    assert registry.area is not None
    assert registry.area.languages == ("cy", "en")
    assert "illustrative" in registry.area.name.en


def test_names_are_in_both_languages(registry: Registry) -> None:
    names = [zone.name for zone in registry.zones.values()] + [sign.name for sign in registry.signs.values()]
    assert all(name.cy and name.en for name in names)


def test_l12_rules_and_bays_are_of_every_kind(registry: Registry) -> None:
    assert {bay.bay_type for bay in registry.bays.values()} == set(BayType)
    uses = {registry.rules[rule_id].use for bay in registry.bays.values() for rule_id in bay.rule_ids}
    assert uses == set(Use) - {Use.FREE_PARKING}
    used = {rule_id for bay in registry.bays.values() for rule_id in bay.rule_ids}
    assert used == set(registry.rules), "a rule that no bay has"
    admitted = {
        token for bay in registry.bays.values() for token in access_at(registry, bay, TUESDAY_NOON).admits
    }
    assert admitted >= {
        "general",
        "blue_badge",
        "loading",
        "ev",
        "motorcycle",
        "coach",
        "permit:A",
        "permit:C",
    }


def test_l12_event_days_and_school_mornings_close_bays(registry: Registry) -> None:
    westgate = registry.bays[BayId("westgate-street-030")]
    romilly = registry.bays[BayId("romilly-crescent-001")]
    assert access_at(registry, westgate, datetime(2026, 11, 7, 15, tzinfo=UTC)).closed
    assert not access_at(registry, westgate, datetime(2026, 11, 10, 15, tzinfo=UTC)).closed
    assert access_at(registry, romilly, datetime(2026, 11, 10, 8, 30, tzinfo=UTC)).closed
    assert not access_at(registry, romilly, datetime(2026, 10, 27, 8, 30, tzinfo=UTC)).closed


def test_bays_stand_in_cardiff_about_six_metres_apart(registry: Registry) -> None:
    for bays in registry.bays_by_zone.values():
        ordered = sorted(bays, key=lambda bay: bay.bay_id)
        for side in (ordered[::2], ordered[1::2]):
            for one, other in pairwise(side):
                north = (other.lat - one.lat) * 111_320
                east = (other.lon - one.lon) * 111_320 * cos(radians(51.48))
                assert 5.5 < hypot(north, east) < 6.5
        assert all(51.45 < bay.lat < 51.51 and -3.23 < bay.lon < -3.14 for bay in bays)


def test_each_car_park_has_gates_for_both_ways_and_a_counter(registry: Registry, plan: CityPlan) -> None:
    assert len(plan.car_parks) == sum(zone.kind is ZoneKind.CAR_PARK for zone in registry.zones.values())
    for park in plan.car_parks:
        assert park.counter is not None
        assert set().union(*(gate.ways for gate in park.gates)) == {"in", "out"}
        assert park.capacity > 0


def test_the_plan_has_every_bay_with_its_sensor_and_profile(plan: CityPlan) -> None:
    assert len(plan.bays) == 3300
    assert all(bay.device_id for bay in plan.bays)
    assert {bay.profile for bay in plan.bays} == set(Profile)
    assert len(plan.device_ids()) == len(set(plan.device_ids()))
    assert not plan.event_clock


def test_the_plan_admits_whom_the_rules_admit_all_week(registry: Registry, plan: CityPlan) -> None:
    wanted = {bay.bay_id: bay.timetable for bay in plan.bays}
    monday = datetime(2026, 10, 11, 23, tzinfo=UTC)  # 00:00 in Cardiff
    for bay_id in ("city-road-065", "romilly-crescent-001", "cathedral-road-050", "museum-avenue-001"):
        for quarter in range(0, 7 * 96, 3):
            access = access_at(
                registry,
                registry.bays[BayId(bay_id)],
                monday + quarter * (TUESDAY_NOON.resolution * 900_000_000),
            )
            admission = wanted[bay_id].at(quarter * 15)
            assert (admission.drivers, admission.max_stay_min) == (access.admits, access.max_stay_min)


def test_a_plan_can_be_cut_to_the_first_bays(plan: CityPlan) -> None:
    small = plan.first_bays(50)
    assert [bay.bay_id for bay in small.bays] == [bay.bay_id for bay in plan.bays[:50]]
    assert small.car_parks == plan.car_parks


def test_it_can_be_another_area_with_an_event_clock() -> None:
    plan = world_plan(cardiff.documents("elsewhere", "event"), at=TUESDAY_NOON)
    assert plan.area_id == "elsewhere"
    assert plan.event_clock
    assert len({bay.profile for bay in plan.bays}) > 1, "without a rhythm profiles are guessed by the rules"


def test_a_recording_gets_a_sound_event_area() -> None:
    recording = Recording("birmingham", "Europe/London")
    recording.add("Bull Ring", 1_475_564_400, 5, 3103)
    registry = Registry()
    for kind, id, doc in recorded_registry(recording, "bham", {"Bull Ring": "bham-bull-ring"}):
        registry.put(kind, id, doc)
        assert document(entity(kind, id, doc)) == doc
    assert [*registry.problems(), *refusals(registry)] == []
    assert list(registry.gates) == ["bham-bull-ring-counter"]
    recording.add("Nowhere", 1_475_564_400, 5, None)
    with pytest.raises(RecordingError, match="capacity"):
        recorded_registry(recording, "bham", {"Nowhere": "bham-nowhere"})


def test_a_copy_under_another_name_is_sound_and_stands_beside_the_original() -> None:
    copy = Registry()
    for kind, id, doc in cardiff.documents("elsewhere", "event"):
        assert document(entity(kind, id, doc)) == doc
        copy.put(kind, id, doc)
    assert copy.problems() == []
    assert len(copy.bindings_by_bay) == 3300
    ours = {(kind, id) for kind, id, _ in cardiff.documents()}
    assert ours.isdisjoint((kind, id) for kind, id, _ in cardiff.documents("elsewhere"))
    rhythm = cardiff.rhythm("elsewhere")
    assert set(rhythm.profiles) == set(copy.zones)
    assert set(rhythm.ways) == {
        gate for gates in copy.gates_by_zone.values() for gate in [g.device_id for g in gates]
    }
