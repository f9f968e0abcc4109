"""What does not fit together is found, named and explained; the indexes follow every change."""

from __future__ import annotations

from typing import Any

import pytest

from occupancy.model import BayId, DeviceId, ZoneId
from occupancy.registry import Registry, RegistryError
from tests.support.registry_samples import sample


def registry(**changes: Any) -> Registry:
    """The sample with documents changed, as in bay__queen_st_001={...}; None removes one."""
    docs: dict[tuple[str, str], Any] = dict(sample())
    for name, change in changes.items():
        kind, _, id = name.partition("__")
        key = (kind, id.replace("_", "-"))
        if change is None:
            del docs[key]
        else:
            docs[key] = {**docs.get(key, {}), **change}
    return Registry((kind, id, doc) for (kind, id), doc in docs.items())


def test_the_sample_is_sound() -> None:
    assert registry().problems() == []


@pytest.mark.parametrize(
    ("changes", "where", "field", "says"),
    [
        ({"area__tre": None}, "area tre", None, "not registered"),
        ({"calendar__tre": None}, "rule tre-school", "only_on", "never apply"),
        ({"bay__queen_st_001": {"zone_id": "king-st"}}, "bay queen-st-001", "zone_id", "no zone 'king-st'"),
        ({"bay__queen_st_001": {"rule_ids": ["tre-3h"]}}, "bay queen-st-001", "rule_ids", "no rule 'tre-3h'"),
        ({"bay__queen_st_002": {"rule_ids": ["tre-res-a"]}}, "bay queen-st-002", "rule_ids", "for nobody"),
        ({"gate__anpr_1": {"zone_id": "queen-st"}}, "gate anpr-1", "zone_id", "is a street"),
        ({"gate__anpr_1": {"zone_id": "nowhere"}}, "gate anpr-1", "zone_id", "no zone"),
        (
            {"sensor__anpr_1": {"area_id": "tre", "model": "x", "expected_heartbeat_s": 9}},
            "gate anpr-1",
            "id",
            "sensor",
        ),
        ({"sign__vms_1": {"zone_ids": ["nowhere"]}}, "sign vms-1", "zone_ids", "no zone"),
        (
            {"area__tre": {"languages": ["cy", "en", "de"]}, "legend__match_day": None},
            "sign vms-1",
            "words",
            "no words in 'de'",
        ),
        ({"legend__match_day": {"texts": {"en": "MATCH DAY"}}}, "legend match-day", "texts", "no text in cy"),
        ({"area__tre": {"languages": ["en"]}}, "sign vms-1", "words", "words in 'cy'"),
        ({"sensor__ir_001": None}, "binding ir-001@queen-st-001@always", "device_id", "no sensor"),
    ],
)
def test_each_problem_is_found(changes: dict[str, Any], where: str, field: str | None, says: str) -> None:
    problems = registry(**changes).problems()
    assert [(problem.where, problem.field) for problem in problems] == [(where, field)]
    assert says in problems[0].problem


def test_a_rule_for_the_days_that_overrides_declare_needs_none_in_the_calendar() -> None:
    rule = sample()["rule", "tre-school"]
    assert registry(calendar__tre=None, rule__tre_school={**rule, "only_on": "event"}).problems() == []
    [problem] = registry(calendar__tre=None).problems()
    assert "'event', which overrides declare" in str(problem)


def test_a_counted_car_park_needs_its_capacity() -> None:
    docs = sample()
    del docs["zone", "castle-mews"]["capacity"]
    problems = Registry((*key, doc) for key, doc in docs.items()).problems()
    assert ["has no capacity" in problem.problem for problem in problems] == [True]


def test_own_words_for_every_state_make_a_language_speak() -> None:
    words = {state: {"de": "X"} for state in ("spaces", "almost_full", "full", "closed")}
    assert (
        registry(
            area__tre={"languages": ["de"]}, sign__vms_1={"words": words}, legend__match_day=None
        ).problems()
        == []
    )


def bound(registry: Registry, device: str, bay: str, start: str | None, end: str | None) -> None:
    doc = {"area_id": "tre", "device_id": device, "bay_id": bay, "valid_from": start, "valid_to": end}
    doc = {key: value for key, value in doc.items() if value is not None}
    registry.put("binding", f"{device}@{bay}@{start or 'always'}", doc)


MARCH, MAY, JULY = (f"2026-{month:02}-01T00:00:00Z" for month in (3, 5, 7))


def test_bindings_may_follow_one_another_but_not_overlap() -> None:
    found = registry(**{"binding__ir_001@queen_st_001@always": None})
    bound(found, "ir-001", "queen-st-001", None, MARCH)
    bound(found, "ir-001", "queen-st-001", MAY, None)
    bound(found, "ir-001", "queen-st-001", MARCH, MAY)
    assert found.problems() == []
    starts = [binding.valid_from for binding in found.bindings_by_device[DeviceId("ir-001")]]
    assert starts == sorted(starts, key=lambda at: at.timestamp() if at else 0)
    bound(found, "ir-001", "queen-st-001", MARCH, JULY)
    assert {problem.field for problem in found.problems()} == {"bay_id", "device_id"}
    assert all("overlaps" in problem.problem for problem in found.problems())


def test_two_sensors_on_one_bay_overlap() -> None:
    found = registry()
    bound(found, "ir-002", "queen-st-001", None, "2026-01-01T00:00:00Z")
    assert [(problem.field, "one bay" in problem.problem) for problem in found.problems()] == [
        ("device_id", True)
    ]


def test_the_order_of_documents_does_not_matter() -> None:
    docs = [(*key, doc) for key, doc in sample().items()]
    forward, backward = Registry(docs), Registry(reversed(docs))
    assert forward.entities() == backward.entities()
    assert forward.bays_by_zone == backward.bays_by_zone
    assert forward.bindings_by_bay == backward.bindings_by_bay
    assert list(forward.bays_by_zone[ZoneId("queen-st")]) == sorted(
        forward.bays.values(), key=lambda bay: bay.bay_id
    )


def test_a_bay_that_moves_leaves_its_zone() -> None:
    found = registry()
    found.put("bay", "queen-st-001", {**sample()["bay", "queen-st-001"], "zone_id": "castle-mews"})
    assert [bay.bay_id for bay in found.bays_by_zone[ZoneId("queen-st")]] == ["queen-st-002"]
    assert [bay.bay_id for bay in found.bays_by_zone[ZoneId("castle-mews")]] == ["queen-st-001"]
    found.remove("bay", "queen-st-002")
    assert ZoneId("queen-st") not in found.bays_by_zone


def test_everything_can_be_taken_out_again() -> None:
    found = registry()
    for kind, id in sample():
        found.remove(kind, id)
        found.remove(kind, id)
    assert found.entities() == []
    assert found.problems() == []
    assert not found.bindings_by_bay.get(BayId("queen-st-001"))
    assert not found.gates_by_zone


def test_a_document_of_another_area_is_refused() -> None:
    with pytest.raises(RegistryError, match="another area"):
        registry().put("rule", "r", {"area_id": "elsewhere", "use": "pay", "days": "daily"})
