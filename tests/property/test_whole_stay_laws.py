"""L12: a stay is allowed exactly when a walk through it, minute by minute, meets nothing that forbids it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from occupancy.car_park import scheduled_capacity
from occupancy.limits import exemptions_of
from occupancy.model import Bay, BayId, Terms, ZoneId
from occupancy.overrides import in_force
from occupancy.registry import Registry
from occupancy.registry_fields import format_days, format_instant, format_minutes
from occupancy.rules import Access, access_at, access_of, admits, is_open, rules_in_force
from occupancy.whole_stay import Fit, Timetable, Visit

MINUTE = timedelta(minutes=1)
LONDON = ZoneInfo("Europe/London")
DRIVERS = ("general", "general", "permit:A", "blue_badge", "ev")
AREA = {
    "name": {"en": "Town"},
    "time_zone": "Europe/London",
    "languages": ["cy", "en"],
    "clock": "live",
    "bank_holidays": "GB-WLS",
}
PLACE = {"area_id": "tre", "name": {"en": "Somewhere"}, "lat": 51.48, "lon": -3.18}
EDGES = (
    datetime(2026, 3, 28, 12, tzinfo=UTC),  # 23 hours follow
    datetime(2026, 10, 24, 12, tzinfo=UTC),  # 25 hours follow
    datetime(2026, 12, 24, 12, tzinfo=UTC),  # bank holidays follow
    datetime(2026, 7, 7, 12, tzinfo=UTC),
)
quarters = st.integers(0, 48).map(lambda n: n * 30)
windows = st.tuples(quarters, quarters).filter(lambda pair: pair[0] < pair[1])
beside = st.sampled_from([0, 0, 0, -1, 1])
"""Minutes from a quarter of an hour: what goes wrong does so beside an edge."""
quarters_on = st.builds(lambda quarter, minutes: quarter * 15 + minutes, st.integers(1, 36), beside)
arrivals = st.builds(
    lambda edge, hours, minutes: edge + timedelta(minutes=hours * 30 + minutes),
    st.sampled_from(EDGES),
    st.integers(0, 60),
    beside,
)
stays = st.none() | quarters_on


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    use = draw(
        st.sampled_from(
            ["limited_waiting"] * 4 + "pay shared free_parking resident loading no_parking suspended".split()
        )
    )
    starts, ends = draw(windows)
    doc: dict[str, Any] = {
        "area_id": "tre",
        "use": use,
        "days": draw(st.sampled_from(["daily", "daily", "mon-sat", "sun", "sat"])),
        "starts": format_minutes(starts),
        "ends": format_minutes(ends),
        "bank_holidays": draw(st.booleans()),
    }
    if use in ("resident", "shared"):
        doc["permit_areas"] = ["A"]
    if use == "limited_waiting" or draw(st.booleans()):
        doc["max_stay_min"] = draw(st.sampled_from([30, 60, 120]))
    if draw(st.integers(0, 2)) == 0:
        doc["exemptions"] = draw(st.lists(st.sampled_from(["permit:A", "ev"]), unique=True, max_size=2))
    if draw(st.integers(0, 3)) == 0:
        doc["only_on"] = "event"
    if draw(st.integers(0, 3)) == 0:
        doc["valid_from"] = format_instant(draw(arrivals))
    return doc


@st.composite
def overrides(draw: st.DrawFn) -> dict[str, Any]:
    starts = draw(arrivals)
    ends = draw(st.none() | st.integers(1, 600))
    return {
        "area_id": "tre",
        "kind": draw(st.sampled_from(["suspension", "closure", "event"])),
        "reason": "works",
        "zone_ids": ["place"],
        "starts_at": format_instant(starts),
        **({} if ends is None else {"ends_at": format_instant(starts + ends * MINUTE)}),
    }


def registry_of(
    zone: dict[str, Any], rules: list[dict[str, Any]], overrides: list[dict[str, Any]], **bay: Any
) -> Registry:
    docs: list[tuple[str, str, object]] = [("area", "tre", AREA)]
    docs += [("rule", f"r{n}", doc) for n, doc in enumerate(rules)]
    docs.append(("zone", "place", {**PLACE, **zone}))
    if zone["kind"] == "street":
        rule_ids = [f"r{n}" for n in range(len(rules))]
        place = {"area_id": "tre", "zone_id": "place", "lat": 51.48, "lon": -3.18}
        docs.append(("bay", "b", {**place, "rule_ids": rule_ids, **bay}))
    registry = Registry(docs)
    for n, doc in enumerate(overrides):
        registry.put_override(f"o{n}", doc)
    return registry


def terms_of(registry: Registry, bay: Bay) -> Terms:
    return Terms(
        rule_ids=bay.rule_ids,
        override_ids=tuple(sorted(registry.overrides)),
        in_service_to=bay.in_service_to,
    )


def walked(registry: Registry, bay: Bay, driver: str, visit: Visit) -> Fit:
    """Ask at every minute of the stay, as somebody would who stands beside the car with the order in hand."""
    at, stayed = visit.starts_at, 0
    limit: int | None = None
    while at < visit.departs_at:
        if bay.in_service_to is not None and at >= bay.in_service_to:
            return Fit.CLOSED
        access = access_at(registry, bay, at)
        if access.closed:
            return Fit.SUSPENDED if access.suspended else Fit.CLOSED
        if not admits(access.admits, driver):
            return Fit.NOT_FOR_YOU
        over = in_force(registry.overrides.of_bay(bay), at)
        spared = exemptions_of(rules_in_force(registry, bay.rule_ids, at, over), bay.bay_type)
        now = None if driver in spared else access.max_stay_min
        stayed, limit = (stayed if now == limit else 0) + 1, now
        if limit is not None and stayed > limit:
            return Fit.NOT_FOR_YOU
        at += MINUTE
    return Fit.USABLE


@given(
    st.lists(rules(), max_size=4),
    st.lists(overrides(), max_size=2),
    st.sampled_from(["standard", "ev", "loading"]),
    st.none() | arrivals,
    st.sampled_from(DRIVERS),
    arrivals,
    stays,
)
def test_l12_a_stay_at_the_kerb_is_allowed_as_a_walk_through_it_finds(
    docs: list[dict[str, Any]],
    over: list[dict[str, Any]],
    bay_type: str,
    leaves: datetime | None,
    driver: str,
    arrives_at: datetime,
    stay_min: int | None,
) -> None:
    more = {} if leaves is None else {"in_service_to": format_instant(leaves)}
    registry = registry_of({"kind": "street"}, docs, over, bay_type=bay_type, **more)
    bay = registry.bays[BayId("b")]
    visit = Visit(Timetable(registry), arrives_at + timedelta(seconds=17), stay_min)

    found = visit.fit(bay.bay_type, terms_of(registry, bay), driver)
    naive = walked(registry, bay, driver, visit)

    assert (found is Fit.USABLE) == (naive is Fit.USABLE), (found, naive)
    if bay.in_service_to is None:
        assert found is naive


hours = st.builds(
    lambda days, window: {
        "days": format_days(days),
        "opens": format_minutes(window[0]),
        "closes": format_minutes(window[1]),
    },
    st.frozensets(st.integers(0, 6), min_size=1),
    windows,
)
capacities = st.builds(
    lambda days, window, capacity: {
        "days": format_days(days),
        "starts": format_minutes(window[0]),
        "ends": format_minutes(window[1]),
        "capacity": capacity,
    },
    st.frozensets(st.integers(0, 6), min_size=1),
    windows,
    st.integers(0, 100),
)


@given(
    st.lists(hours, max_size=3),
    st.lists(capacities, max_size=2),
    st.lists(overrides(), max_size=2),
    arrivals,
    stays,
)
def test_l12_a_car_park_is_open_for_a_stay_as_a_walk_through_it_finds(
    opening: list[dict[str, Any]],
    capacity_hours: list[dict[str, Any]],
    over: list[dict[str, Any]],
    arrives_at: datetime,
    stay_min: int | None,
) -> None:
    park = {"kind": "car_park", "capacity": 100, "opening": opening, "capacity_hours": capacity_hours}
    registry = registry_of(park, [], over)
    zone = registry.zones[ZoneId("place")]
    visit = Visit(Timetable(registry), arrives_at, stay_min)
    minutes = [visit.starts_at + n * MINUTE for n in range((visit.departs_at - visit.starts_at) // MINUTE)]

    fit, least = visit.car_park(zone)

    assert (fit is Fit.USABLE) == all(is_open(registry, zone, at) for at in minutes)
    assert least == min(scheduled_capacity(zone, "Europe/London", at) for at in minutes)


@given(st.lists(rules(), max_size=3), st.sampled_from(DRIVERS), arrivals, st.integers(1, 600))
def test_l12_a_longer_stay_never_frees_a_bay(
    docs: list[dict[str, Any]], driver: str, arrives_at: datetime, stay_min: int
) -> None:
    registry = registry_of({"kind": "street"}, docs, [], bay_type="standard")
    bay = registry.bays[BayId("b")]
    timetable, terms = Timetable(registry), terms_of(registry, bay)

    longer = Visit(timetable, arrives_at, stay_min + 60).fit(bay.bay_type, terms, driver)
    if longer is Fit.USABLE:
        assert Visit(timetable, arrives_at, stay_min).fit(bay.bay_type, terms, driver) is Fit.USABLE


@given(st.lists(rules(), max_size=4), st.sampled_from(DRIVERS), arrivals)
def test_l12_without_a_stay_the_rules_of_the_minute_hold(
    docs: list[dict[str, Any]], driver: str, arrives_at: datetime
) -> None:
    registry = registry_of({"kind": "street"}, docs, [], bay_type="standard")
    bay = registry.bays[BayId("b")]
    access: Access = access_of(registry, bay.rule_ids, bay.bay_type, arrives_at)

    found = Visit(Timetable(registry), arrives_at).fit(bay.bay_type, terms_of(registry, bay), driver)

    assert (found is Fit.USABLE) == admits(access.admits, driver)
