"""Documents are read strictly and written back exactly."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from occupancy.model import Bay, BayType, Binding, Rule, Sign, Zone
from occupancy.registry import KINDS, SIGN_STATES, RegistryError, document, entity, identity
from signs import words
from tests.support.registry_samples import SAMPLE, sample


@pytest.mark.parametrize("key", SAMPLE, ids=" ".join)
def test_documents_come_back_as_they_were(key: tuple[str, str]) -> None:
    found = entity(*key, SAMPLE[key])
    assert document(found) == SAMPLE[key]
    assert identity(found) == key


def test_every_kind_is_in_the_sample() -> None:
    assert {kind for kind, _ in SAMPLE} == set(KINDS)


def test_defaults_are_left_out_and_instants_are_utc() -> None:
    doc = sample()["rule", "tre-2h"] | {
        "starts": "00:00",
        "ends": "24:00",
        "valid_from": "2026-04-01T00:00:00+01:00",
    }
    rule = entity("rule", "tre-2h", doc)
    assert isinstance(rule, Rule)
    assert rule.valid_from == datetime(2026, 3, 31, 23, tzinfo=UTC)
    assert document(rule)["valid_from"] == "2026-03-31T23:00:00Z"
    assert not {"starts", "ends"} & document(rule).keys()


def test_parsed_values() -> None:
    docs = sample()
    zone = entity("zone", "castle-mews", docs["zone", "castle-mews"])
    assert isinstance(zone, Zone)
    assert zone.opening[0].days == frozenset(range(6))
    assert (zone.opening[0].opens_min, zone.opening[0].closes_min) == (420, 1320)
    bay = entity("bay", "queen-st-002", docs["bay", "queen-st-002"])
    assert isinstance(bay, Bay)
    assert bay.bay_type is BayType.BLUE_BADGE
    assert isinstance(
        entity("binding", "ir-001@queen-st-001@always", docs["binding", "ir-001@queen-st-001@always"]),
        Binding,
    )
    sign = entity("sign", "vms-1", docs["sign", "vms-1"])
    assert isinstance(sign, Sign)
    assert sign.words == (("full", "cy", "LLAWN"), ("full", "en", "FULL"))


@pytest.mark.parametrize(
    ("text", "days", "spelt"),
    [
        ("daily", range(7), "daily"),
        ("mon-sun", range(7), "daily"),
        ("mon,wed,fri", (0, 2, 4), "mon,wed,fri"),
        ("sat,sun", (5, 6), "sat,sun"),
        ("sat-sun", (5, 6), "sat,sun"),
        ("sun,mon-wed", (0, 1, 2, 6), "mon-wed,sun"),
    ],
)
def test_days(text: str, days: Any, spelt: str) -> None:
    rule = entity("rule", "r", {"area_id": "a", "use": "pay", "days": text})
    assert isinstance(rule, Rule)
    assert rule.days == frozenset(days)
    assert document(rule)["days"] == spelt


def bent(kind: str, changes: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """The first sample of a kind with fields changed; ... removes one."""
    key = next(key for key in SAMPLE if key[0] == kind)
    doc = {**sample()[key], **changes}
    return *key, {name: value for name, value in doc.items() if value is not ...}


@pytest.mark.parametrize(
    ("kind", "changes", "field", "says"),
    [
        ("area", {"time_zone": "Europe/Cardiff"}, "time_zone", "no time zone"),
        ("area", {"time_zone": "../../etc/passwd"}, "time_zone", "not of the form"),
        ("area", {"languages": []}, "languages", "empty"),
        ("area", {"languages": ["cy", "cy"]}, "languages", "twice"),
        ("area", {"clock": "wall"}, "clock", "not known"),
        ("area", {"bank_holidays": "GB-XXX"}, "bank_holidays", "no part"),
        ("area", {"bank_holidays": "QQ"}, "bank_holidays", "no bank holidays are known"),
        ("area", {"name": {"en": "a\0b"}}, "en", "U+0000"),
        ("area", {"name": {"en": "\ud800"}}, "en", "U+D800"),
        ("area", {"name": {"en": " Town"}}, "en", "blanks"),
        ("area", {"name": {"en": ""}}, "en", "empty"),
        ("area", {"name": {"fr": "Ville", "en": "Town"}}, "fr", "not known"),
        ("area", {"name": "Town"}, None, "JSON object"),
        ("area", {"name": {"en": "x" * 201}}, "en", "201 characters"),
        (
            "calendar",
            {"days": [{"type": "event", "from": "2026-02-30", "to": "2026-03-01"}]},
            "from",
            "no date",
        ),
        (
            "calendar",
            {"days": [{"type": "event", "from": "2026-03-02", "to": "2026-03-01"}]},
            "to",
            "before from",
        ),
        ("calendar", {"area_id": "other"}, "id", "not the id"),
        ("rule", {"days": "sat-mon"}, "days", "backwards"),
        ("rule", {"days": "mo-fr"}, "days", "no day"),
        ("rule", {"days": "mon,mon"}, "days", "twice"),
        ("rule", {"starts": "22:00", "ends": "06:00"}, "ends", "not after starts"),
        ("rule", {"starts": "08:00", "ends": "08:00"}, "ends", "not after starts"),
        ("rule", {"ends": "24:01"}, "ends", "no time of day"),
        ("rule", {"starts": "8:00"}, "starts", "no time of day"),
        ("rule", {"max_stay": 60}, "max_stay", "not known"),
        ("rule", {"max_stay_min": 0}, "max_stay_min", "no whole number"),
        ("rule", {"max_stay_min": True}, "max_stay_min", "no whole number"),
        ("rule", {"max_stay_min": 60.5}, "max_stay_min", "no whole number"),
        ("rule", {"max_stay_min": ...}, "max_stay_min", "without a limit"),
        ("rule", {"use": "resident"}, "permit_areas", "nobody"),
        ("rule", {"exemptions": ["permit:"]}, "exemptions", "no kind of driver"),
        ("rule", {"only_on": "bank_holiday"}, "bank_holidays", "never apply"),
        ("rule", {"valid_from": "2026-04-01"}, "valid_from", "no instant"),
        ("rule", {"valid_from": "2026-04-01T00:00:00"}, "valid_from", "no instant"),
        ("rule", {"valid_from": "0001-01-01T00:00:00+05:00"}, "valid_from", "no instant"),
        (
            "rule",
            {"valid_from": "2026-04-01T00:00:00Z", "valid_to": "2026-04-01T01:00:00+01:00"},
            "valid_to",
            "not after valid_from",
        ),
        ("zone", {"lat": float("nan")}, "lat", "usable number"),
        ("zone", {"lat": 91}, "lat", "out of range"),
        ("zone", {"lon": 10**400}, "lon", "usable number"),
        ("zone", {"lon": "-3.1"}, "lon", "not a number"),
        ("zone", {"lat": True}, "lat", "not a number"),
        ("zone", {"lat": ...}, "lat", "missing"),
        ("zone", {"capacity": 10}, "capacity", "a street"),
        ("zone", {"kind": "car_park"}, "line", "not closed"),
        ("zone", {"line": [[-3.1, 51.4]]}, "line", "one point"),
        ("zone", {"line": [[51.4, -3.1], [-3.1, 151.4]]}, "line", "out of range"),
        ("zone", {"step_free": "yes"}, "step_free", "neither true nor false"),
        ("zone", {"ev_connectors": ["ccs"]}, "ev_connectors", "those of its bays"),
        ("bay", {"ev_connectors": ["type3"]}, "ev_connectors", "'type3' is not known"),
        ("bay", {"ev_connectors": ["ccs", "ccs"]}, "ev_connectors", "twice"),
        ("bay", {"ev_connectors": "ccs"}, "ev_connectors", "not a list"),
        ("bay", {"zone_id": "Queen St"}, "zone_id", "not of the form"),
        ("bay", {"bay_type": "disabled"}, "bay_type", "not known"),
        ("bay", {"rule_ids": "tre-2h"}, "rule_ids", "not a list"),
        ("sensor", {"expected_heartbeat_s": 0}, "expected_heartbeat_s", "no whole number"),
        ("binding", {"bay_id": "other"}, "id", "not the id"),
        ("sign", {"zone_ids": []}, "zone_ids", "no zone"),
        ("sign", {"driver": "everybody"}, "driver", "no kind of driver"),
        ("sign", {"words": {"empty": {"cy": "GWAG"}}}, "empty", "not known"),
        ("sign", {"words": {"full": {"Welsh": "LLAWN"}}}, "Welsh", "no language code"),
        ("sign", {"words": {"full": {"cy": ""}}}, "cy", "empty"),
    ],
)
def test_errors_name_field_problem_and_fix(
    kind: str, changes: dict[str, Any], field: str | None, says: str
) -> None:
    with pytest.raises(RegistryError) as caught:
        entity(*bent(kind, changes))
    assert caught.value.field == field
    assert says in caught.value.problem
    assert caught.value.where.startswith(f"{kind} ")
    assert caught.value.fix
    assert str(caught.value).endswith(f"(fix: {caught.value.fix})")


def test_a_rule_over_midnight_says_to_give_two() -> None:
    with pytest.raises(RegistryError, match="over midnight give two"):
        entity(*bent("rule", {"starts": "22:00", "ends": "06:00"}))


def test_a_misspelt_field_names_the_one_that_was_meant() -> None:
    with pytest.raises(RegistryError, match="did you mean 'max_stay_min'"):
        entity(*bent("rule", {"max_stay_mins": 60}))


@pytest.mark.parametrize("id", ["Queen-St", "", "-a", "a" * 65, "a\n", "a b", "caffi-ŷ"])
def test_bad_ids_are_refused(id: str) -> None:
    with pytest.raises(RegistryError, match="field 'id'"):
        entity("bay", id, sample()["bay", "queen-st-001"])


def test_device_ids_may_have_capitals_and_colons() -> None:
    entity("sensor", "A8:40:41-FF_1.2", sample()["sensor", "ir-001"])


@pytest.mark.parametrize("doc", [None, [], "x", 1, {1: 2}])
def test_what_is_no_object_is_refused(doc: object) -> None:
    with pytest.raises(RegistryError, match="a JSON object is expected"):
        entity("bay", "b", doc)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(RegistryError, match="no such kind"):
        entity("street", "b", {})


def test_names_are_kept_composed() -> None:
    """w + combining circumflex and ŵ look the same, so they are the same."""
    zone = entity(*bent("zone", {"name": {"en": "Dw\u0302r"}}))
    assert isinstance(zone, Zone)
    assert zone.name.en == "D\u0175r"


def test_sign_states_are_those_that_signs_have_words_for() -> None:
    assert {state for state, _ in words.DEFAULTS} == set(SIGN_STATES)
    assert {language for _, language in words.DEFAULTS} == {"cy", "en"}
