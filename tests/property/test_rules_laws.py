"""Laws of the rules: never outside their window, right on odd days, never general by accident."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from occupancy.calendar import day_bounds
from occupancy.model import AreaId, Bay, BayId, BayType, Rule, Use, ZoneId
from occupancy.registry import Registry, document, entity
from occupancy.registry_fields import format_days, format_minutes, parse_days
from occupancy.rules import access_of, rules_at

LONDON = ZoneInfo("Europe/London")
RESERVED = {Use.RESIDENT, Use.BLUE_BADGE, Use.LOADING, Use.EV, Use.MOTORCYCLE, Use.COACH}
CLOSING = {Use.SUSPENDED, Use.NO_PARKING}

instants = st.datetimes(datetime(2020, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
days = st.frozensets(st.integers(0, 6), min_size=1)
windows = st.tuples(st.integers(0, 1440), st.integers(0, 1440)).filter(lambda pair: pair[0] < pair[1])


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    use = draw(st.sampled_from(list(Use)))
    starts, ends = draw(windows)
    doc: dict[str, Any] = {
        "area_id": "tre",
        "use": use.value,
        "days": format_days(draw(days)),
        "starts": format_minutes(starts),
        "ends": format_minutes(ends),
        "bank_holidays": draw(st.booleans()),
    }
    if use in (Use.RESIDENT, Use.SHARED):
        doc["permit_areas"] = draw(st.lists(st.sampled_from("ABC"), min_size=1, unique=True))
    if use is Use.LIMITED_WAITING or draw(st.booleans()):
        doc["max_stay_min"] = draw(st.integers(1, 600))
    return doc


def registry(*docs: dict[str, Any]) -> Registry:
    area = {
        "name": {"en": "Town"},
        "time_zone": "Europe/London",
        "languages": ["cy", "en"],
        "clock": "live",
        "bank_holidays": "GB-WLS",
    }
    return Registry([("area", "tre", area), *(("rule", f"r{n}", doc) for n, doc in enumerate(docs))])


def a_bay(bay_type: BayType, count: int) -> Bay:
    return Bay(
        bay_id=BayId("b"),
        zone_id=ZoneId("z"),
        area_id=AreaId("tre"),
        bay_type=bay_type,
        lat=51.0,
        lon=-3.0,
        rule_ids=tuple(f"r{n}" for n in range(count)),
    )


@given(st.lists(rules(), max_size=4), instants)
def test_no_rule_is_in_force_outside_its_window(docs: list[dict[str, Any]], at: datetime) -> None:
    local = at.astimezone(LONDON)
    minute = local.hour * 60 + local.minute
    for rule in rules_at(registry(*docs), a_bay(BayType.STANDARD, len(docs)), at):
        assert local.weekday() in rule.days
        assert rule.starts_min <= minute < rule.ends_min


@given(st.lists(rules(), max_size=5), st.sampled_from(list(BayType)), instants)
def test_l12_general_never_hides_a_reserved_or_closed_bay(
    docs: list[dict[str, Any]], bay_type: BayType, at: datetime
) -> None:
    found = registry(*docs)
    bay = a_bay(bay_type, len(docs))
    uses = {rule.use for rule in rules_at(found, bay, at)}
    access = access_of(found, bay.rule_ids, bay_type, at)
    assert access.closed == bool(uses & CLOSING)
    assert not (access.closed and access.admits)
    assert ("general" in access.admits) == (bay_type is BayType.STANDARD and not uses & (RESERVED | CLOSING))
    if bay_type is not BayType.STANDARD:
        assert access.admits <= {bay_type.value}


def changing_days() -> list[date]:
    """The days of Europe/London in 2020-2037 that do not have 24 hours, found by their length."""
    first = date(2020, 1, 1)
    every = (first + timedelta(days=n) for n in range(18 * 366) if (first + timedelta(days=n)).year < 2038)
    found = []
    for day in every:
        start, end = day_bounds("Europe/London", day)
        if end - start != timedelta(hours=24):
            found.append(day)
    return found


def test_every_minute_of_the_odd_days_follows_the_wall_clock() -> None:
    """All 36 days of 23 or 25 hours, minute by minute: in force exactly when the wall clock says so."""
    starts, ends = 90, 150  # across the hour that is missing or there twice
    found = registry({"area_id": "tre", "use": "pay", "days": "sun", "starts": "01:30", "ends": "02:30"})
    bay = a_bay(BayType.STANDARD, 1)
    odd = changing_days()
    assert len(odd) == 36
    for day in odd:
        start, end = day_bounds("Europe/London", day)
        minutes = int((end - start).total_seconds()) // 60
        in_force = 0
        for n in range(-60, minutes + 60):
            at = start + timedelta(minutes=n)
            wall = at.astimezone(LONDON)
            expected = wall.weekday() == 6 and starts <= wall.hour * 60 + wall.minute < ends
            assert bool(rules_at(found, bay, at)) == expected, at
            in_force += expected
        assert in_force == (30 if minutes == 23 * 60 else 90)


@given(days)
def test_days_are_read_as_they_are_written(chosen: frozenset[int]) -> None:
    assert parse_days(format_days(chosen)) == chosen


@given(rules())
def test_rules_come_back_as_they_were(doc: dict[str, Any]) -> None:
    rule = entity("rule", "r", doc)
    assert isinstance(rule, Rule)
    assert entity("rule", "r", document(rule)) == rule
