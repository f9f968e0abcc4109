"""What leaves the registry was never there; what ends keeps its history, records above all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from occupancy.history.hour import HOUR
from store.log import LogEntry
from store.postgres import Connection, connect
from tests.integration.test_engine_rows import log, register, serve
from tests.integration.test_history_silence import hours, is_as_rebuilt, put, rebuilds_alike, revisions
from tests.support.eventful_days import enter, z
from tests.support.small_town import AREA, START, count, documents, state

H = 3600
HOURS = 60
ENDS_H = 61
DOCS = {f"{kind}/{id}": doc for kind, id, doc in documents()}


@pytest.fixture
def conn(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """Sixty hours in which everybody speaks; twelve of them are final."""
    monkeypatch.setattr("store.log.PIPELINE_DOWN_AFTER", timedelta(days=1))
    with connect(database_url) as connection:
        register(connection)
        talk(connection, 0, HOURS)
        yield connection


def talk(conn: Connection, from_h: int, to_h: int) -> None:
    """Sensors and the counter of the car park, every ten minutes."""
    words: list[Any] = []
    for minute in range(from_h * 60, to_h * 60, 10):
        words += [state(f"s{n}", minute, minute * 60, False, cause="heartbeat") for n in range(3)]
        words.append(count("g-count", minute, minute * 60, 2))
    log(conn, [], max(1, from_h * H))
    log(conn, words, to_h * H)
    serve(conn)


def test_a_bay_that_is_taken_out_was_never_there_and_the_registry_is_named_as_the_cause(
    conn: Connection,
) -> None:
    assert hours(conn, "high-st")[0] == (START, 3, 3)
    put(conn, dict.fromkeys(["binding/s0@high-st-0@always", "bay/high-st-0"]))
    talk(conn, HOURS, ENDS_H)
    assert set(hours(conn, "high-st")) == {(START + n * HOUR, 2, 2) for n in range(ENDS_H)}
    assert revisions(conn) == [("registry",)]
    is_as_rebuilt(conn, None, START + 50 * HOUR)


def test_a_bay_that_goes_out_of_service_keeps_what_it_was(conn: Connection) -> None:
    """From an instant on it does not count; its binding ends with it."""
    binding = DOCS["binding/s0@high-st-0@always"]
    put(
        conn,
        {
            "bay/high-st-0": {**DOCS["bay/high-st-0"], "in_service_to": z(ENDS_H)},
            "binding/s0@high-st-0@always": {**binding, "valid_to": z(ENDS_H)},
        },
    )
    talk(conn, HOURS, 64)
    found = hours(conn, "high-st")
    assert found[:ENDS_H] == [(START + n * HOUR, 3, 3) for n in range(ENDS_H)]
    assert [in_service for _, in_service, _ in found[ENDS_H:]] == [2, 2, 2]
    assert revisions(conn) == []
    is_as_rebuilt(conn, None, START + 50 * HOUR)


def test_a_car_park_without_its_gates_was_never_counted(conn: Connection) -> None:
    assert hours(conn, "castle")[0] == (START, 5, 5)
    put(conn, dict.fromkeys(["gate/g-in", "gate/g-out", "gate/g-count"]))
    talk(conn, HOURS, ENDS_H)
    assert set(hours(conn, "castle")) == {(START + n * HOUR, 5, 0) for n in range(ENDS_H)}
    assert revisions(conn) == [("registry",)]
    is_as_rebuilt(conn, None, START + 50 * HOUR)


def test_a_car_park_that_is_closed_from_a_day_on_keeps_what_it_was(conn: Connection) -> None:
    """Its documents stay; from then on all its bays are closed, which is no lack of coverage."""
    closure = {
        "area_id": AREA,
        "kind": "closure",
        "reason": "built over",
        "zone_ids": ["castle"],
        "starts_at": z(ENDS_H),
    }
    enter(conn, [LogEntry("override", "castle-ends", closure, START, "test")])
    talk(conn, HOURS, 64)
    assert hours(conn, "castle")[:ENDS_H] == [(START + n * HOUR, 5, 5) for n in range(ENDS_H)]
    closed = conn.execute(
        "SELECT DISTINCT closed_us = in_service_us FROM history_hour JOIN history_series USING (series_id) "
        "WHERE scope_id = 'castle' AND hour_at >= $1",
        (START + ENDS_H * HOUR,),
    ).fetchall()
    conn.commit()
    assert closed == [(True,)]
    assert revisions(conn) == []


def test_a_gate_with_another_device_in_it_keeps_its_id_and_its_history(conn: Connection) -> None:
    put(conn, {"gate/g-count": {**DOCS["gate/g-count"], "incarnation": 1}})
    log(conn, [], ENDS_H * H)
    serve(conn)
    assert hours(conn, "castle")[:HOURS] == [(START + n * HOUR, 5, 5) for n in range(HOURS)]
    assert revisions(conn) == []


def test_a_street_that_is_taken_out_whole_keeps_its_records_and_nothing_else(conn: Connection) -> None:
    """With all its bays in one batch of the log. What was not final is gone, from the sums of the area, too."""
    bays = [key for key in DOCS if "high-st" in key]
    put(conn, dict.fromkeys([*bays, "sensor/s0", "sensor/s1", "sensor/s2"]))
    log(conn, [], ENDS_H * H)
    serve(conn)
    final = HOURS - 48
    assert hours(conn, "high-st") == [(START + n * HOUR, 3, 3) for n in range(final)]
    assert [in_service for _, in_service, _ in hours(conn, AREA)] == [8] * final + [5] * (ENDS_H - final)
    assert revisions(conn) == []
    rebuilds_alike(conn, None, START + 50 * HOUR)
