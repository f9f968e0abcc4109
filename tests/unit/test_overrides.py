"""Overrides: read strictly, the strictest wins, and rules, answers and forecasts honour them (L12)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from occupancy.drivers import withheld
from occupancy.forecast.capacity import RulesAt
from occupancy.model import BayId, Source, State, ZoneId
from occupancy.overrides import override_document, override_of
from occupancy.registry import Registry, RegistryError
from occupancy.rules import access_at, is_open, rules_at
from occupancy.whole_stay import Timetable
from tests.support.folded import Folded
from tests.support.registry_samples import sample
from tests.support.small_town import START, documents, passage, state

HOUR = timedelta(hours=1)


def at(hours: float) -> str:
    return (START + hours * HOUR).isoformat().replace("+00:00", "Z")


def doc(kind: str = "suspension", **more: Any) -> dict[str, Any]:
    return {
        "area_id": "town",
        "kind": kind,
        "reason": "water main",
        "starts_at": at(1),
        "ends_at": at(3),
        **more,
    }


def test_a_document_goes_in_and_comes_out_the_same() -> None:
    full = doc(
        "event", bay_ids=["a", "b"], zone_ids=["c"], notice="TTRO 1", expires_at=at(2), day_type="match_day"
    )
    assert override_document(override_of("x", full)) == full
    assert override_of("x", full).until == START + 2 * HOUR


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bay_ids": []}, "no bay and no zone"),
        ({"zone_ids": ["a"], "ends_at": at(1)}, "not after starts_at"),
        ({"zone_ids": ["a"], "starts_at": "2026-11-02T09:00:30Z"}, "whole minute"),
        ({"zone_ids": ["a"], "starts_at": "2026-11-02T09:00:00"}, "no instant"),
        ({"zone_ids": ["a"], "day_type": "match_day"}, "declares no day"),
        ({"zone_ids": ["a"], "resaon": "typo"}, "did you mean 'reason'"),
        ({"zone_ids": ["a"], "kind": "holiday"}, "kind"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(RegistryError, match=words):
        override_of("x", doc() | change)


def test_the_strictest_wins_and_says_why() -> None:
    registry = Registry(documents())
    bay = registry.bays[BayId("high-st-0")]
    registry.put_override("ev", doc("event", zone_ids=["high-st"]))
    assert not access_at(registry, bay, START + HOUR).closed
    registry.put_override("s", doc(bay_ids=["high-st-0"], notice="TTRO 7", ends_at=at(2)))
    registry.put_override("c", doc("closure", zone_ids=["high-st"], starts_at=at(1.5)))
    assert not access_at(registry, bay, START + HOUR - timedelta(seconds=1)).closed
    assert access_at(registry, bay, START + HOUR).closed_by == (
        "suspended from 2026-11-02 09:00Z until 2026-11-02 10:00Z, notice TTRO 7: water main"
    )
    assert access_at(registry, bay, START + 1.5 * HOUR).closed_by.startswith("closed from 2026-11-02 09:30Z")
    assert access_at(registry, bay, START + 2.9 * HOUR).closed
    assert not access_at(registry, bay, START + 3 * HOUR).closed
    assert not access_at(registry, registry.bays[BayId("high-st-1")], START + HOUR).closed


def test_an_event_brings_the_rules_of_its_day_type_into_force_for_what_it_names() -> None:
    docs: list[Any] = [(*key, one) for key, one in sample().items()]
    registry = Registry(docs)
    rule = {"area_id": "tre", "use": "no_parking", "days": "daily", "only_on": "match_day"}
    registry.put("rule", "match", rule)
    bay = next(iter(registry.bays.values()))
    registry.put("bay", bay.bay_id, _with_rule(registry, bay.bay_id, "match"))
    bay = registry.bays[bay.bay_id]
    noon = datetime(2026, 11, 2, 12, tzinfo=UTC)
    assert "match" not in [rule.rule_id for rule in rules_at(registry, bay, noon)]
    event = {
        "area_id": "tre",
        "kind": "event",
        "reason": "rugby",
        "starts_at": "2026-11-02T11:00:00Z",
        "day_type": "match_day",
        "zone_ids": [bay.zone_id],
    }
    registry.put_override("rugby", event)
    assert "match" in [rule.rule_id for rule in rules_at(registry, bay, noon)]
    assert access_at(registry, bay, noon).closed
    assert not access_at(registry, bay, datetime(2026, 11, 2, 10, 59, tzinfo=UTC)).closed


def _with_rule(registry: Registry, bay_id: BayId, rule_id: str) -> dict[str, object]:
    from occupancy.registry import document

    found = document(registry.bays[bay_id])
    rules = found.get("rule_ids", [])
    assert isinstance(rules, list)
    return found | {"rule_ids": [*rules, rule_id]}


def test_arrivals_to_come_are_answered_by_what_is_known_of_their_time() -> None:
    registry = Registry(documents())
    registry.put_override("s", doc(bay_ids=["high-st-0"], starts_at=at(5), ends_at=None) | {"ends_at": at(6)})
    registry.put_override("c", doc("closure", zone_ids=["castle"], starts_at=at(5), ends_at=at(6)))
    street, park = registry.zones[ZoneId("high-st")], registry.zones[ZoneId("castle")]
    for hours, usable, closed in ((4, 2, False), (5, 1, True), (6, 2, False)):
        then = RulesAt(Timetable(registry), START + hours * HOUR)
        assert then.capacity(street).usable == usable
        assert then.capacity(park).closed is closed
        assert is_open(registry, park, START + hours * HOUR) is not closed


def test_the_fold_closes_and_opens_as_the_watermark_gets_there() -> None:
    folded = Folded()
    change = doc(bay_ids=["high-st-0"], zone_ids=["castle"])
    folded.append([state("s0", 1, 0, True), passage("g-in", 1, 0, "in")], watermark_s=0)
    folded.append(changes=[("override", "x", change)])
    assert folded.bays["high-st-0"].state is State.OCCUPIED
    folded.append([state("s0", 2, 3590, True, cause="heartbeat")], watermark_s=3600)
    assert folded.bays["high-st-0"].state is State.CLOSED
    assert "water main" in folded.bays["high-st-0"].reason
    zones = folded.fold.zones
    assert zones[ZoneId("high-st")].counts.closed == 1
    assert zones[ZoneId("castle")].counts.closed == 5
    assert [i.state for i in folded.rows()["intervals"] if i.bay_id == "high-st-0"][-1] is State.OCCUPIED
    folded.append(changes=[("override", "x", None)])
    assert folded.bays["high-st-0"].state is State.OCCUPIED
    assert zones[ZoneId("castle")].counts.closed == 0


def test_l5_what_an_override_closes_is_closed_for_sure_and_no_sensor_says_so() -> None:
    folded = Folded()
    folded.append([state("s0", 1, 3500, True), passage("g-in", 1, 3500, "in")], watermark_s=3600)
    folded.append(changes=[("override", "x", doc(zone_ids=["high-st", "castle"], starts_at=at(0.5)))])
    for zone in (ZoneId("high-st"), ZoneId("castle")):
        said = folded.fold.zones[zone]
        assert said.counts.closed == said.counts.capacity
        assert (said.source, said.confidence, said.coverage) == (Source.PRIOR, 1.0, 0.0)
        assert said.as_of == START + 0.5 * HOUR
        assert withheld(said) == said, "also while the way from the sensors is down"
    folded.append(changes=[("override", "x", doc(bay_ids=["high-st-1"], starts_at=at(0.5)))])
    street = folded.fold.zones[ZoneId("high-st")]
    assert (street.source, street.as_of) == (Source.SENSOR, START + timedelta(minutes=58))
    assert withheld(street).confidence == 0.0
    assert folded.fold.zones[ZoneId("castle")].source is Source.COUNT


def test_l5_what_its_hours_close_is_closed_for_sure_and_since_no_time() -> None:
    docs = documents()
    opens = {"opening": [{"days": "daily", "opens": "10:00", "closes": "18:00"}]}
    folded = Folded([(kind, id, one | opens if id == "castle" else one) for kind, id, one in docs])
    folded.append(watermark_s=0)
    said = folded.fold.zones[ZoneId("castle")]
    assert (said.counts.closed, said.source, said.confidence, said.as_of) == (5, Source.PRIOR, 1.0, None)


def test_bays_are_told_apart_by_overrides_until_these_have_ended() -> None:
    """Also when the watermark jumps over all the time in which one holds (L3)."""
    folded = Folded()
    folded.append(watermark_s=0)
    folded.append(changes=[("override", "x", doc(bay_ids=["high-st-0"], starts_at=at(1), ends_at=at(2)))])

    def over() -> set[tuple[str, ...]]:
        groups = folded.fold.zones[ZoneId("high-st")].groups
        return {group.terms.override_ids for group in groups if group.terms is not None}

    assert over() == {(), ("x",)}, "known beforehand, and for that bay alone"
    folded.append(watermark_s=2 * 3600)
    assert over() == {()}


def test_the_reason_shown_follows_the_override_that_holds() -> None:
    folded = Folded()
    folded.append(watermark_s=0)
    early = doc(zone_ids=["high-st"], starts_at=at(0))
    folded.append(changes=[("override", "x", early)])
    folded.append(changes=[("override", "x", early | {"reason": "crane"})])
    assert "crane" in folded.bays["high-st-1"].reason


def test_an_override_of_another_area_is_refused() -> None:
    with pytest.raises(RegistryError, match="another area"):
        Registry(documents()).put_override("x", doc(zone_ids=["high-st"], area_id="elsewhere"))
