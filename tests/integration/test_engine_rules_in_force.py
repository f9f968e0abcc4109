"""Overrides, limits and overstays on the real database: restarts, rule changes and rebuild give the same rows (L3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from occupancy import engine
from occupancy.engine import EngineConfig
from occupancy.model import AnyReading
from store.log import LogEntry, append_entries
from store.postgres import Connection, connect
from tests.integration.test_engine_rows import TOWN, log, rows, serve
from tests.property.test_fold_laws import histories
from tests.property.test_rules_in_force_laws import Change, changes, limited
from tests.support.folded import Folded
from tests.support.small_town import AREA, START, state
from tests.unit.test_overstays import limited as limited_30

MIN = 60


def enter(conn: Connection, told: Sequence[Change], *, clock: str | None = None) -> None:
    entries = [
        LogEntry("override", id, doc, START, "test")
        if kind == "override"
        else LogEntry("registry", f"{kind}/{id}", doc, START, "test")
        for kind, id, doc in told
    ]
    with conn.transaction(), conn.cursor() as cur:
        append_entries(cur, AREA, entries, clock=clock)


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as connection:
        enter(connection, limited_30(), clock="live")
        yield connection


def assert_a_rebuild_agrees(conn: Connection) -> None:
    found = rows(conn, 1)
    assert engine.rebuild(conn, TOWN, EngineConfig(database_url=""), compare=True).differing == ()
    assert rows(conn, 2) == found


def overstays(conn: Connection) -> list[tuple[str, str]]:
    return [(row["bay_id"], row["state"]) for row in rows(conn, 1)["overstay"]]


def versions(conn: Connection) -> set[str | None]:
    """Of the rule that stays and overstays were judged by."""
    found = rows(conn, 1)
    return {row["rule_version"] for table in ("stay", "overstay") for row in found[table]}


def test_l3_an_overstay_goes_its_way_through_restarts(conn: Connection) -> None:
    log(conn, [state("s0", 1, 0, False), state("s0", 2, 10 * MIN, True)], 10 * MIN)
    serve(conn)
    log(conn, [state("s0", 3, 30 * MIN, True, cause="heartbeat")], 50 * MIN)
    serve(conn)
    assert overstays(conn) == [("high-st-0", "candidate")]
    log(conn, [state("s0", 4, 51 * MIN, True, cause="heartbeat")], 51 * MIN)
    serve(conn)
    assert overstays(conn) == [("high-st-0", "published")]
    (stay,) = rows(conn, 1)["stay"]
    assert (stay["rule_id"], stay["limit_min"]) == ("wait", 30)
    assert_a_rebuild_agrees(conn)


def test_l3_a_late_departure_takes_an_overstay_back(conn: Connection) -> None:
    log(conn, [state("s0", 1, 0, False), state("s0", 2, 10 * MIN, True)], 10 * MIN)
    log(conn, [state("s0", n, at * MIN, True, cause="heartbeat") for n, at in ((3, 30), (6, 51))], 51 * MIN)
    serve(conn)
    assert overstays(conn) == [("high-st-0", "published")]
    log(conn, [state("s0", 4, 35 * MIN, False), state("s0", 5, 38 * MIN, True)], 60 * MIN)
    serve(conn)
    assert overstays(conn) == []
    assert_a_rebuild_agrees(conn)


def test_l3_a_corrected_rule_judges_the_stays_of_the_past_anew(conn: Connection) -> None:
    log(conn, [state("s0", 1, 0, False), state("s0", 2, 10 * MIN, True)], 10 * MIN)
    log(conn, [state("s0", n, at * MIN, True, cause="heartbeat") for n, at in ((3, 30), (4, 50))], 50 * MIN)
    log(conn, [state("s0", 5, 60 * MIN, False), state("s1", 1, 60 * MIN, False)], 60 * MIN)
    log(conn, [state("s1", 2, 61 * MIN, True)], 62 * MIN)
    serve(conn)
    assert overstays(conn) == [("high-st-0", "published")]
    before = versions(conn)
    (rule,) = [change for change in limited_30(10) if change[0] == "rule"]
    enter(conn, [rule])
    log(conn, [state("s1", 3, 82 * MIN, True, cause="heartbeat")], 82 * MIN)
    serve(conn)
    assert overstays(conn) == [("high-st-0", "published"), ("high-st-1", "published")]
    assert {row["limit_min"] for row in rows(conn, 1)["stay"]} == {10}
    assert len(before) == len(versions(conn)) == 1, "stays and overstays name the same version"
    assert before != versions(conn)
    assert_a_rebuild_agrees(conn)


def test_l3_an_override_closes_cells_of_the_past_and_those_to_come(conn: Connection) -> None:
    works = {"area_id": AREA, "kind": "closure", "reason": "works", "zone_ids": ["high-st", "castle"]}
    works |= {"starts_at": "2026-11-02T08:15:00Z", "ends_at": "2026-11-02T09:00:00Z"}
    log(conn, [state("s0", 1, 0, True)], 0)
    log(conn, [], 35 * MIN)
    serve(conn)
    enter(conn, [("override", "works", works)])
    log(conn, [state("s0", 2, 100 * MIN, False)], 100 * MIN)
    serve(conn)
    closed = {
        (row["cell_at"][11:16], row["closed_s"])
        for row in rows(conn, 1)["zone_cell"]
        if row["zone_id"] == "high-st"
    }
    assert closed == {
        ("08:00", 0.0), ("08:15", 2700.0), ("08:30", 2700.0), ("08:45", 2700.0), ("09:00", 0.0), ("09:15", 0.0),
    }  # fmt: skip
    intervals = [row["state"] for row in rows(conn, 1)["bay_interval"]]
    assert "occupied" in intervals, "what the sensor said stays"
    assert_a_rebuild_agrees(conn)


@settings(
    max_examples=10,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(readings=histories(), told=st.lists(changes(), max_size=4), order=st.randoms(use_true_random=False))
def test_l3_the_database_holds_what_the_pure_fold_says_of_overrides_and_limits(
    databases: Any, readings: list[AnyReading], told: list[Change], order: Any
) -> None:
    expected = Folded(limited())
    expected.append(watermark_s=0)
    for change in told:
        expected.append(changes=[change])
    for reading in sorted(readings, key=lambda r: (r.received_at, r.device_id, r.key)):
        expected.append([reading])
    expected.append(watermark_s=30_000)
    shuffled = [*readings, *readings]
    order.shuffle(shuffled)
    with databases.fresh() as url, connect(url) as conn:
        enter(conn, limited(), clock="live")
        log(conn, [], 0)
        middle = len(shuffled) // 2
        for start in range(0, middle, 3):
            log(conn, shuffled[start : min(start + 3, middle)], start * 100)
        serve(conn, positions_per_page=3)
        for change in told:
            enter(conn, [change])
        log(conn, shuffled[middle:], 29_000)
        serve(conn)
        log(conn, [], 30_000)
        served = serve(conn)
        found = rows(conn, served.at.generation)
        assert sorted((row["bay_id"], row["arrived_at"][:19], row["state"]) for row in found["overstay"]) == [
            (o.bay_id, f"{o.arrived_at:%Y-%m-%dT%H:%M:%S}", o.state.value)
            for o in expected.rows()["overstays"]
        ]
        assert sorted((row["bay_id"], row["arrived_at"][:19], row["limit_min"]) for row in found["stay"]) == [
            (s.bay_id, f"{s.arrived_at:%Y-%m-%dT%H:%M:%S}", s.limit_min) for s in expected.rows()["stays"]
        ]
        for bay_id, bay in expected.rows()["bays"].items():
            (row,) = [row for row in found["bay_state"] if row["bay_id"] == bay_id]
            assert (row["state"], row["reason"]) == (bay.state.value, bay.reason)
        assert_a_rebuild_agrees(conn)
        assert served.fold.watermark == START + timedelta(seconds=30_000)
