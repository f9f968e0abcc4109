"""Overstays: only with evidence, only where a limit applied, and never of a stay whose arrival nobody saw."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from occupancy.model import BayType, Overstay, OverstayState, Rule, ZoneId
from occupancy.overstays import Grounds, differs_from
from occupancy.page import BEGINNING
from occupancy.registry import Registry
from occupancy.rule_versions import version_of
from tests.support.folded import Folded
from tests.support.small_town import START, documents, state

MIN = 60
LIMIT = {"area_id": "town", "use": "limited_waiting", "days": "mon-sat", "starts": "08:00", "ends": "18:00"}


def limited(max_stay_min: int = 30, **rule: Any) -> list[tuple[str, str, Any]]:
    docs: list[tuple[str, str, Any]] = []
    for kind, id, doc in documents():
        if kind == "area":
            docs += [(kind, id, doc), ("rule", "wait", {**LIMIT, "max_stay_min": max_stay_min, **rule})]
        else:
            docs.append((kind, id, doc | {"rule_ids": ["wait"]} if kind == "bay" else doc))
    return docs


def parked(folded: Folded, from_min: float, to_min: float | None = None, device: str = "s0") -> None:
    """A vehicle comes and perhaps leaves; the sensor says first that the bay is free, and repeats itself."""
    folded.append([state(device, 1, (from_min - 5) * MIN, False)], watermark_s=max(0, (from_min - 5) * MIN))
    folded.append([state(device, 2, from_min * MIN, True)], watermark_s=from_min * MIN)
    beat, seq = from_min + 9, 3
    while to_min is not None and beat < to_min:
        folded.append([state(device, seq, beat * MIN, True, cause="heartbeat")], watermark_s=beat * MIN)
        beat, seq = beat + 9, seq + 1
    if to_min is not None:
        folded.append([state(device, seq, to_min * MIN, False)], watermark_s=to_min * MIN)


def only(folded: Folded) -> Overstay:
    (found,) = folded.rows()["overstays"]
    assert isinstance(found, Overstay)
    return found


def test_a_stay_beyond_limit_and_grace_is_a_candidate_then_confirmed_and_published() -> None:
    folded = Folded(limited())
    parked(folded, 10)
    folded.append([state("s0", 3, 35 * MIN, True, cause="heartbeat")], watermark_s=49 * MIN)
    assert folded.rows()["overstays"] == []
    folded.append(watermark_s=50 * MIN)
    candidate = only(folded)
    assert (candidate.state, candidate.confirmed_at) == (OverstayState.CANDIDATE, None)
    assert candidate.over_from == START + timedelta(minutes=40)
    assert candidate.candidate_at == START + timedelta(minutes=50)
    folded.append([state("s0", 4, 52 * MIN, True, cause="requery")], watermark_s=52 * MIN)
    published = only(folded)
    assert (published.state, published.confirmed_at) == (
        OverstayState.PUBLISHED,
        START + timedelta(minutes=52),
    )
    assert "is there is of 2026-11-02 08:52:00Z" in published.evidence
    assert (published.limit_min, published.grace_min, published.rule_id) == (30, 10, "wait")
    assert published.not_evidence
    assert published.exemptions == ("blue_badge",)
    folded.append([state("s0", 5, 60 * MIN, False)], watermark_s=60 * MIN)
    ended = only(folded)
    assert ended.state is OverstayState.PUBLISHED
    assert (ended.ended_at, ended.over_min(START + timedelta(days=9))) == (START + timedelta(minutes=60), 20)


@pytest.mark.parametrize("to_min", [49, 50])
def test_a_stay_within_limit_and_grace_is_none(to_min: int) -> None:
    folded = Folded(limited())
    parked(folded, 10, to_min)
    folded.append(watermark_s=300 * MIN)
    assert folded.rows()["overstays"] == []


def test_a_departure_reported_after_limit_and_grace_is_the_second_word() -> None:
    folded = Folded(limited())
    parked(folded, 10, 51)
    found = only(folded)
    assert found.state is OverstayState.PUBLISHED
    assert "reported the departure at 2026-11-02 08:51:00Z" in found.evidence


def test_what_is_known_beyond_the_hours_confirms_only_to_their_end() -> None:
    folded = Folded(limited(ends="09:00"))
    parked(folded, 10, 90)
    found = only(folded)
    assert (found.confirmed_at, found.over_to) == (START + timedelta(hours=1),) * 2
    assert found.ended_at == START + timedelta(minutes=90)
    assert found.over_min(START + timedelta(days=1)) == 20


def test_an_arrival_that_nobody_saw_is_no_ground() -> None:
    folded = Folded(limited())
    for n in range(20):
        folded.append([state("s0", n, n * 9 * MIN, True, cause="heartbeat")], watermark_s=n * 9 * MIN)
    assert len(folded.rows()["stays"]) == 1
    assert folded.rows()["overstays"] == []


def test_silence_confirms_nothing() -> None:
    """The sensor is believed for 25 min after its last word at 09:15; nothing after it is evidence."""
    folded = Folded(limited())
    parked(folded, 10)
    folded.append([state("s0", 3, 30 * MIN, True, cause="heartbeat")], watermark_s=30 * MIN)
    folded.append(watermark_s=54 * MIN)
    assert only(folded).state is OverstayState.CANDIDATE
    folded.append(watermark_s=300 * MIN)
    assert only(folded).state is OverstayState.CANDIDATE
    assert only(folded).ended_at == START + timedelta(minutes=55)


def test_what_a_silence_follows_stays_confirmed_as_far_as_it_was() -> None:
    folded = Folded(limited())
    parked(folded, 10)
    for n, at in ((3, 30), (4, 50), (5, 70)):
        folded.append([state("s0", n, at * MIN, True, cause="heartbeat")], watermark_s=at * MIN)
    assert only(folded).state is OverstayState.PUBLISHED
    folded.append(watermark_s=300 * MIN)
    assert (only(folded).state, only(folded).confirmed_at) == (
        OverstayState.PUBLISHED,
        START + timedelta(minutes=70),
    )


def test_no_row_where_no_limit_applies() -> None:
    folded = Folded(limited(starts="20:00", ends="24:00"))
    parked(folded, 10, 500)
    assert folded.rows()["overstays"] == []
    assert [(s.rule_id, s.limit_min) for s in folded.rows()["stays"]] == [(None, None)]


def test_a_stay_of_days_is_confirmed_and_not_published() -> None:
    folded = Folded(limited(days="daily", starts="00:00", ends="24:00"))
    parked(folded, 10, 10 + 25 * 60)
    found = only(folded)
    assert found.state is OverstayState.CONFIRMED
    assert "may stick" in found.evidence


def test_a_limit_corrected_later_is_that_of_history_too() -> None:
    folded = Folded(limited())
    parked(folded, 10, 60)
    parked(folded, 90, device="s1")
    folded.append([state("s1", 3, 110 * MIN, True, cause="heartbeat")], watermark_s=130 * MIN)
    assert [o.bay_id for o in folded.rows()["overstays"]] == ["high-st-0", "high-st-1"]
    wrong = folded.rows()
    (first,) = {stay.rule_version for stay in wrong["stays"]}
    assert {overstay.rule_version for overstay in wrong["overstays"]} == {first}
    docs = {(kind, id): doc for kind, id, doc in limited(120)}
    folded.append(changes=[("rule", "wait", docs["rule", "wait"])])
    assert folded.rows()["overstays"] == []
    assert {stay.limit_min for stay in folded.rows()["stays"]} == {120}
    (corrected,) = {stay.rule_version for stay in folded.rows()["stays"]}
    assert first != corrected
    assert None not in (first, corrected)
    docs = {(kind, id): doc for kind, id, doc in limited()}
    folded.append(changes=[("rule", "wait", docs["rule", "wait"])])
    assert folded.rows()["overstays"] == wrong["overstays"]
    assert folded.rows()["stays"] == wrong["stays"]


def test_a_suspension_entered_later_takes_the_limit_away() -> None:
    folded = Folded(limited())
    parked(folded, 10, 60)
    works = {"area_id": "town", "kind": "suspension", "reason": "works", "zone_ids": ["high-st"]}
    works |= {"starts_at": "2026-11-02T08:30:00Z", "ends_at": "2026-11-02T10:00:00Z"}
    folded.append(changes=[("override", "w", works)])
    assert folded.rows()["overstays"] == []
    folded.append(changes=[("override", "w", None)])
    assert only(folded).state is OverstayState.PUBLISHED


def test_a_version_is_what_a_rule_says_but_for_when_it_ends() -> None:
    found = rules({}, {}, {"valid_to": "2026-06-01T00:00:00Z"}, {"tariff": "B"})
    rule, again, ended, other = [version_of(rule) for rule in found if rule is not None]
    assert rule == again == ended != other


def rules(*docs: dict[str, Any]) -> tuple[Rule | None, ...]:
    registry = Registry([("area", "town", documents()[0][2])])
    for n, doc in enumerate(docs):
        registry.put("rule", f"r{n}", {**LIMIT, "max_stay_min": 30, **doc})
    return tuple(registry.rules.values())


def in_street(found: tuple[Rule | None, ...], zone_id: str) -> Grounds:
    return Grounds(found, BayType.STANDARD, ZoneId(zone_id), None)


def test_a_bay_in_another_street_is_judged_from_the_beginning() -> None:
    """Whose overrides are its own, too."""
    assert differs_from(in_street(rules({}), "high-st"), in_street(rules({}), "side-st")) == BEGINNING


def test_new_versions_leave_the_past_as_it_was() -> None:
    june, july = "2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z"

    def first(old: tuple[Rule | None, ...], new: tuple[Rule | None, ...]) -> str:
        at = differs_from(in_street(old, "high-st"), in_street(new, "high-st"))
        return "always" if at == BEGINNING else f"{at:%B}"

    assert first(rules({}), rules({"valid_to": june}, {"valid_from": june})) == "June"
    assert first(rules({"valid_to": july}), rules({"valid_to": june})) == "June"
    assert first(rules({}), rules({"max_stay_min": 60})) == "always"
    assert first(rules({"valid_from": june}), rules({"valid_from": june, "max_stay_min": 60})) == "June"
    assert first(rules({"valid_from": june}), rules({"valid_from": july})) == "June"
    assert first(rules({}), (None,)) == "always"
