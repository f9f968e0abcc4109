"""Overrides, rule changes and overstays under any order of arrival (L3), and what they may never say (L4)."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from occupancy.limits import LOOKED_AT, Limits
from occupancy.model import AnyReading, BayId, Quality, State
from occupancy.registry import Registry
from tests.property.test_fold_laws import histories
from tests.property.test_rules_laws import instants, rules
from tests.support.examples import of_profile
from tests.support.folded import Folded
from tests.support.small_town import START, documents

Change = tuple[str, str, Any]


def limited() -> list[Change]:
    """The town with limits of some minutes, for stays of all lengths; `late` is added by some changes."""
    docs: list[Change] = []
    for kind, id, doc in documents():
        docs.append((kind, id, doc | {"rule_ids": ["wait", "match"]} if kind == "bay" else doc))
        if kind == "area":
            docs.append(("area", id, doc | {"overstay_grace_min": 2}))
            docs.append(("rule", "wait", wait(20)))
            docs.append(("rule", "match", wait(5) | {"only_on": "event"}))
    return docs


def wait(minutes: int, **more: Any) -> dict[str, Any]:
    return {"area_id": "town", "use": "limited_waiting", "days": "daily", "max_stay_min": minutes, **more}


@st.composite
def changes(draw: st.DrawFn) -> Change:
    minute = draw(st.integers(-60, 400))
    at = (START + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")
    if draw(st.booleans()):
        rule = draw(
            st.sampled_from(
                [wait(20), wait(60), wait(20, starts="09:00", ends="12:00"), wait(10, valid_from=at)]
            )
        )
        return "rule", "wait", rule
    id = draw(st.sampled_from(["o1", "o2"]))
    if draw(st.integers(0, 3)) == 0:
        return "override", id, None
    doc = {"area_id": "town", "reason": "r", "starts_at": at}
    doc["kind"] = draw(st.sampled_from(["suspension", "closure", "event"]))
    if draw(st.booleans()):
        until = START + timedelta(minutes=minute + draw(st.integers(1, 200)))
        doc["ends_at"] = until.isoformat().replace("+00:00", "Z")
    target = draw(
        st.sampled_from([{"bay_ids": ["high-st-0"]}, {"zone_ids": ["high-st"]}, {"zone_ids": ["castle"]}])
    )
    return "override", id, doc | target


def deliver(readings: list[AnyReading], told: list[Change], seed: int | None) -> Folded:
    """In order of time and once, all changes first; or shuffled, repeated, with the changes somewhere in between."""
    folded = Folded(limited())
    if seed is None:
        folded.append(watermark_s=0)
        for change in told:
            folded.append(changes=[change])
        for reading in sorted(readings, key=lambda r: (r.received_at, r.device_id, r.key)):
            folded.append([reading])
    else:
        chance = random.Random(seed)
        order: list[Any] = [*readings, *chance.sample(readings, k=len(readings) // 2)]
        chance.shuffle(order)
        places = sorted(chance.randint(0, len(order)) for _ in told)
        for place, change in zip(reversed(places), reversed(told), strict=True):
            order.insert(place, change)
        clock = 0
        for item in order:
            clock += chance.randint(0, 2000)
            watermark_s = clock if chance.random() < 0.7 else None
            if isinstance(item, tuple):
                folded.append(changes=[item], watermark_s=watermark_s)
            else:
                folded.append([item], watermark_s=watermark_s)
    folded.append(watermark_s=20_000_000)
    return folded


@settings(max_examples=of_profile(120), deadline=None)
@given(readings=histories(), told=st.lists(changes(), max_size=4), seed=st.integers(0, 2**16))
def test_l3_overrides_and_rule_changes_at_any_time_give_the_same_rows(
    readings: list[AnyReading], told: list[Change], seed: int
) -> None:
    assert deliver(readings, told, seed).rows() == deliver(readings, told, None).rows()


@settings(max_examples=of_profile(80), deadline=None)
@given(readings=histories(), told=st.lists(changes(), max_size=3), seed=st.integers(0, 2**16))
def test_l4_an_overstay_has_an_observed_arrival_a_limit_and_evidence(
    readings: list[AnyReading], told: list[Change], seed: int
) -> None:
    folded = deliver(readings, told, seed)
    registry = folded.fold.registry
    limits = Limits(registry)
    stays = {(stay.bay_id, stay.arrived_at): stay for stay in folded.rows()["stays"]}
    for found in folded.rows()["overstays"]:
        stay = stays[found.bay_id, found.arrived_at]
        assert stay.arrival is Quality.OBSERVED
        assert found.over_from - stay.arrived_at >= timedelta(minutes=found.limit_min)
        assert found.candidate_at - found.over_from == timedelta(minutes=found.grace_min)
        for at in (found.over_from, found.candidate_at):
            in_force = limits.at(registry.bays[found.bay_id], at)
            assert in_force is not None
            assert in_force.limit_min is not None
        if found.confirmed_at is not None:
            assert found.confirmed_at > found.candidate_at
            assert found.ended_at is None or found.confirmed_at <= found.ended_at
        assert found.not_evidence


@settings(max_examples=of_profile(60), deadline=None)
@given(told=st.lists(changes(), max_size=4), seed=st.integers(0, 2**16))
def test_l4_what_overrides_close_still_adds_up_and_opens_again(told: list[Change], seed: int) -> None:
    folded = Folded(limited())
    chance = random.Random(seed)
    for clock, change in enumerate(told):
        folded.append(changes=[change], watermark_s=clock * 1000 + chance.randint(0, 999))
        for zone_id, capacity in (("high-st", 3), ("castle", 5)):
            assert folded.fold.zones[zone_id].counts.capacity == capacity  # type: ignore[index]
    folded.append(changes=[("override", "o1", None), ("override", "o2", None)], watermark_s=5000)
    assert all(bay.state is not State.CLOSED for bay in folded.bays.values())
    assert folded.fold.zones["castle"].counts.closed == 0  # type: ignore[index]


@given(st.lists(rules(), max_size=4), instants)
def test_limits_agree_with_the_rules_minute_by_minute(docs: list[dict[str, Any]], arrived_at: Any) -> None:
    """Also through the days with 23 and 25 hours: the parts of a day are judged once and hold throughout."""
    arrived_at = arrived_at.replace(second=0, microsecond=0)
    area = {"name": {"en": "T"}, "time_zone": "Europe/London", "languages": ["en"], "clock": "live"}
    found = Registry([("area", "tre", area | {"bank_holidays": "GB-WLS"})])
    for n, doc in enumerate(docs):
        found.put("rule", f"r{n}", doc)
    bay = {"area_id": "tre", "zone_id": "z", "bay_type": "standard", "lat": 51.0, "lon": -3.0}
    found.put("bay", "b", bay | {"rule_ids": [f"r{n}" for n in range(len(docs))]})
    limits, there = Limits(found), found.bays[BayId("b")]
    from occupancy.rules import access_at

    for minute in range(0, 1500, 7):
        at = arrived_at + timedelta(minutes=minute)
        in_force, access = limits.at(there, at), access_at(found, there, at)
        assert in_force is not None
        assert in_force.limit_min == (None if access.closed else access.max_stay_min)
    runs_out = limits.runs_out(there, arrived_at)
    if runs_out is not None:
        assert runs_out.over_from <= arrived_at + LOOKED_AT + timedelta(days=1)
