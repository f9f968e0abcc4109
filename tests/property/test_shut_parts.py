"""How a bay closes is found from the edges of its rules: it is what asking once a minute finds (L3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from occupancy.cell_pass import shut_parts
from occupancy.cells import parts
from occupancy.model import BayId, ZoneId
from occupancy.registry import Registry
from occupancy.rules import access_of, overrides_at
from tests.property.test_rules_laws import registry, rules

BEFORE_THE_CLOCKS_CHANGE = (
    datetime(2026, 3, 28, 20, tzinfo=UTC),
    datetime(2026, 10, 24, 20, tzinfo=UTC),
)
instants = st.builds(
    lambda start, s: start + timedelta(seconds=s),
    st.sampled_from(BEFORE_THE_CLOCKS_CHANGE),
    st.integers(0, 2 * 86_400),
)
uses = st.sampled_from(["no_parking", "suspended", "pay"])
periods = st.one_of(
    st.just({}),
    st.tuples(st.sampled_from(["valid_from", "valid_to"]), instants).map(
        lambda edge: {edge[0]: said(edge[1])}
    ),
)
closing_rules = st.builds(lambda rule, use, period: {**rule, "use": use, **period}, rules(), uses, periods)


def said(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def street(found: list[dict[str, Any]], closed_from: datetime) -> Registry:
    every = registry(*found)
    place = {"area_id": "tre", "lat": 51.0, "lon": -3.0}
    bay = {**place, "zone_id": "z", "bay_type": "standard", "rule_ids": [f"r{n}" for n in range(len(found))]}
    starts_at, ends_at = (said((closed_from + timedelta(hours=h)).replace(second=0)) for h in (0, 2))
    override = {
        "area_id": "tre",
        "kind": "suspension",
        "reason": "r",
        "starts_at": starts_at,
        "ends_at": ends_at,
    }
    every.put("zone", "z", {**place, "kind": "street", "name": {"en": "Z"}})
    every.put("bay", "b", bay)
    every.put_override("o", {**override, "bay_ids": ["b"]})
    return every


@given(st.lists(closing_rules, min_size=1, max_size=3), instants, instants, st.integers(1, 40 * 3_600))
def test_l3_edges_find_what_asking_once_a_minute_finds(
    found: list[dict[str, Any]], closed_from: datetime, start: datetime, lasts_s: int
) -> None:
    every = street(found, closed_from)
    bay, end = every.bays[BayId("b")], start + timedelta(seconds=lasts_s)
    shut = shut_parts(every, every.zones[ZoneId("z")], (start, end))

    def once_a_minute(at: datetime) -> bool:
        return access_of(every, bay.rule_ids, bay.bay_type, at, overrides_at(every, bay, at)).closed

    asked = list(parts(start, end, once_a_minute, otherwise=False))
    assert (list(shut(bay, start, end)) if shut else [(start, end, False)]) == asked
