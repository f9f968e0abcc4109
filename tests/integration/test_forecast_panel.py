"""How full places were at instants, by what the derived tables hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from occupancy.forecast.panel import Floats
from occupancy.forecast.places import bays_at, members_of
from occupancy.model import AreaId
from occupancy.registry import Registry
from store.forecast_panel import heard_since, instants, known_to
from store.postgres import Connection, connect

AREA = AreaId("cardiff")
STEP = timedelta(minutes=5)
DAY = datetime(2026, 3, 3, tzinfo=UTC)
WATERMARK = DAY + timedelta(hours=12)
PLACE = {"area_id": AREA, "lat": 51.48, "lon": -3.18}


def at(text: str) -> datetime:
    """By the clock of the day, in UTC."""
    return datetime.fromisoformat(f"2026-03-03T{text}:00+00:00")


def registry() -> Registry:
    found = Registry()
    area = {"name": {"en": "Cardiff"}, "time_zone": "Europe/London", "languages": ["en"], "clock": "event"}
    found.put("area", AREA, area)
    found.put("zone", "castle-st", {**PLACE, "kind": "street", "name": {"en": "Castle Street"}})
    found.put("zone", "arcade", {**PLACE, "kind": "car_park", "name": {"en": "Arcade"}, "capacity": 200})
    for name in ("a", "b", "c"):
        found.put("bay", name, {**PLACE, "zone_id": "castle-st", "bay_type": "standard"})
    found.put("bay", "d", {**PLACE, "zone_id": "castle-st", "bay_type": "blue_badge"})
    return found


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url, autocommit=True) as found:
        found.execute(
            "INSERT INTO generation (area, generation, status, engine_version, watermark)"
            " VALUES ('cardiff', 1, 'live', 'test', $1), ('cardiff', 2, 'building', 'test', $1)",
            (WATERMARK,),
        )
        yield found


def held(conn: Connection, bay: str, *rows: tuple[str, datetime], generation: int = 1) -> None:
    """What held at a bay from when on; the last row lasts."""
    ends = [start for _, start in rows[1:]] + [None]
    for (state, start), end in zip(rows, ends, strict=True):
        conn.execute(
            "INSERT INTO bay_interval (area, generation, bay_id, started_at, ended_at, state, reason, device_id)"
            " VALUES ('cardiff', $1, $2, $3, $4, $5, '', $2)",
            (generation, bay, start, end, state),
        )


def read(conn: Connection, town: Registry, first: datetime, count: int) -> tuple[Floats, Floats]:
    with conn.cursor() as cur:
        found = instants(cur, town, members_of(town), first, STEP, count)
    return found.shares, found.known


def test_places_are_bays_on_the_same_terms_and_car_parks() -> None:
    places = members_of(registry())
    assert [(one.place.zone_id, one.place.bay_type.value, len(one.bays)) for one in places] == [
        ("arcade", "standard", 0),
        ("castle-st", "blue_badge", 1),
        ("castle-st", "standard", 3),
    ]
    assert list(bays_at(registry(), places, DAY)) == [200, 1, 3]


def test_what_holds_at_an_instant_counts_from_its_beginning_to_its_end(conn: Connection) -> None:
    held(conn, "a", ("free", at("08:00")), ("occupied", at("08:05")), ("free", at("08:20")))
    held(conn, "b", ("occupied", at("07:00")), ("free", at("08:12")))
    held(conn, "c", ("unknown", at("07:00")))
    held(conn, "c", ("occupied", at("07:00")), generation=2)
    shares, known = read(conn, registry(), at("07:55"), 7)
    # 07:55 b alone is known, of three
    assert shares[:, 2].tolist() == pytest.approx([np.nan, 0.5, 1, 1, 0.5, 0, 0], nan_ok=True)
    assert known[:, 2] == pytest.approx([1 / 3, *[2 / 3] * 6])
    assert np.isnan(shares[:, :2]).all()


def test_what_lasts_is_known_up_to_the_watermark(conn: Connection) -> None:
    held(conn, "d", ("occupied", at("11:00")))
    shares, _ = read(conn, registry(), at("11:50"), 4)
    assert shares[:, 1].tolist() == pytest.approx([1, 1, 1, np.nan], nan_ok=True)
    with conn.cursor() as cur:
        assert known_to(cur, AREA) == WATERMARK
        assert heard_since(cur, AREA, members_of(registry())) == at("11:00")


def test_a_count_is_a_share_of_the_capacity_that_it_was_given_with(conn: Connection) -> None:
    for start, end, occupied, capacity in (
        ("08:00", "08:10", 50, None),
        ("08:10", "08:15", 50, 100),
        ("08:15", "08:20", None, None),
        ("08:20", "08:25", 300, None),
    ):
        conn.execute(
            "INSERT INTO count_interval (area, generation, zone_id, started_at, ended_at, occupied, capacity)"
            " VALUES ('cardiff', 1, 'arcade', $1, $2, $3, $4)",
            (at(start), at(end), occupied, capacity),
        )
    shares, known = read(conn, registry(), at("08:00"), 6)
    assert shares[:, 0].tolist() == pytest.approx([0.25, 0.25, 0.5, np.nan, 1, np.nan], nan_ok=True)
    assert known[:, 0].tolist() == [1, 1, 1, 0, 1, 0]


def test_closed_bays_tell_nothing_of_demand(conn: Connection) -> None:
    town = registry()
    town.put_override(
        "works",
        {
            "area_id": AREA,
            "kind": "suspension",
            "reason": "works",
            "starts_at": "2026-03-03T08:05:00Z",
            "ends_at": "2026-03-03T08:10:00Z",
            "bay_ids": ["a"],
        },
    )
    held(conn, "a", ("free", at("07:00")))
    held(conn, "b", ("occupied", at("07:00")))
    held(conn, "c", ("occupied", at("07:00")))
    shares, known = read(conn, town, at("08:00"), 3)
    assert shares[:, 2] == pytest.approx([2 / 3, 1, 2 / 3])
    assert known[:, 2].tolist() == [1, 1, 1]


def test_days_are_read_one_by_one_and_are_the_same(conn: Connection) -> None:
    edges = [DAY - timedelta(hours=30) + n * timedelta(minutes=37) for n in range(60)]
    held(conn, "d", *((("free", "occupied")[n % 2], edge) for n, edge in enumerate(edges)))
    first = DAY - timedelta(days=2)
    whole, _ = read(conn, registry(), first, 700)
    parts = [read(conn, registry(), first + n * STEP, 100)[0] for n in range(0, 700, 100)]
    assert np.array_equal(whole, np.concatenate(parts), equal_nan=True)
    assert 0.3 < np.nanmean(whole[:, 1]) < 0.7
