"""The registry changes through the log, all or nothing, and only when there is something to change."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from occupancy.model import AreaId
from occupancy.registry import RegistryRefused
from store.postgres import Connection, connect
from store.registry import Applied, Change, apply, load, load_registries
from tests.support.registry_samples import sample

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
TRE = AreaId("tre")


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url, autocommit=True) as opened:
        yield opened


def make(conn: Connection, *changes: tuple[str, str, Any]) -> Applied:
    return apply(conn, [Change(*change) for change in changes], entered_by="a test", entered_at=AT)


def make_sample(conn: Connection) -> Applied:
    return make(conn, *((*key, doc) for key, doc in sample().items()))


def rows(conn: Connection, query: str) -> list[tuple[Any, ...]]:
    return conn.execute(query).fetchall()


def refused(conn: Connection, *changes: tuple[str, str, Any]) -> list[str]:
    before = everything(conn)
    with pytest.raises(RegistryRefused) as caught:
        make(conn, *changes)
    assert everything(conn) == before
    return [str(error) for error in caught.value.errors]


def everything(conn: Connection) -> list[list[tuple[Any, ...]]]:
    tables = ("registry", "log_entry", "log_batch", "log_head")
    return [rows(conn, f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]


def test_documents_are_kept_as_they_were_given(conn: Connection) -> None:
    applied = make_sample(conn)
    assert {(kind, id): doc for kind, id, _, doc in load(conn)} == sample()
    assert {area for _, _, area, _ in load(conn)} == {"tre"}
    assert load(conn, AreaId("elsewhere")) == []
    assert [kind for kind, *_ in load(conn, TRE)][:2] == ["area", "calendar"]
    assert applied.areas[TRE].position == 1
    assert applied.changed == len(sample())
    assert load_registries(conn)[TRE].problems() == []


def test_every_change_is_in_the_log_under_its_key(conn: Connection) -> None:
    make_sample(conn)
    logged = rows(conn, "SELECT key, doc, kind, entered_by, entered_at FROM log_entry ORDER BY ordinal")
    assert {tuple(key.split("/", 1)): doc for key, doc, *_ in logged} == sample()
    assert {row[2:] for row in logged} == {("registry", "a test", AT)}
    assert logged[0][0] == "area/tre"
    assert rows(conn, "SELECT position, entries FROM log_batch") == [(1, len(sample()))]
    assert rows(conn, "SELECT area, position, clock FROM log_head") == [("tre", 1, "live")]
    assert rows(conn, "SELECT DISTINCT r.batch_id = b.batch_id FROM registry r, log_batch b") == [(True,)]


def test_the_same_again_appends_nothing(conn: Connection) -> None:
    make_sample(conn)
    before = everything(conn)
    applied = make_sample(conn)
    assert everything(conn) == before
    assert (applied.areas[TRE].position, applied.areas[TRE].unchanged) == (None, len(sample()))


def test_only_what_differs_is_logged(conn: Connection) -> None:
    make_sample(conn)
    docs = sample()
    docs["bay", "queen-st-001"]["lat"] = 51.5
    applied = make(conn, *((*key, doc) for key, doc in docs.items()))
    assert (applied.areas[TRE].position, applied.changed) == (2, 1)
    assert rows(conn, "SELECT key FROM log_entry ORDER BY batch_id DESC LIMIT 1") == [("bay/queen-st-001",)]


def test_removals_are_logged_and_taken_out(conn: Connection) -> None:
    make_sample(conn)
    binding = "ir-001@queen-st-001@always"
    applied = make(
        conn, ("binding", binding, None), ("sensor", "ir-001", None), ("sensor", "never-was", None)
    )
    assert applied.changed == 2
    assert ("sensor", "ir-001") not in {row[:2] for row in load(conn)}
    logged = rows(conn, "SELECT key, doc FROM log_entry ORDER BY batch_id DESC, ordinal LIMIT 2")
    assert logged == [(f"binding/{binding}", None), ("sensor/ir-001", None)]


def test_one_error_keeps_everything_out(conn: Connection) -> None:
    make_sample(conn)
    good = {**sample()["bay", "queen-st-001"], "lat": 51.6}
    bad = {**good, "zone_id": "king-st"}
    assert len(refused(conn, ("bay", "queen-st-001", good), ("bay", "b", {}), ("bay", "c", {"lat": 1}))) == 2
    found = refused(conn, ("bay", "queen-st-001", good), ("bay", "queen-st-003", bad))
    assert found == [
        "bay queen-st-003: field 'zone_id': there is no zone 'king-st' (fix: register the zone or correct the id)"
    ]


def test_the_whole_is_checked_not_only_the_changes(conn: Connection) -> None:
    make_sample(conn)
    found = refused(conn, ("zone", "queen-st", None))
    assert [error.split(":")[0] for error in found] == ["bay queen-st-001", "bay queen-st-002"]
    assert "is not registered" in refused(conn, ("area", "tre", None))[0]
    assert (
        "is not registered"
        in refused(conn, ("rule", "r", {"area_id": "x", "use": "pay", "days": "daily"}))[0]
    )


def test_contradicting_changes_are_refused(conn: Connection) -> None:
    make_sample(conn)
    rule = sample()["rule", "tre-2h"]
    assert (
        "given twice, differently"
        in refused(conn, ("rule", "r", rule), ("rule", "r", {**rule, "days": "sun"}))[0]
    )
    assert "both changed and removed" in refused(conn, ("rule", "r", rule), ("rule", "r", None))[0]
    assert "no such kind" in refused(conn, ("street", "s", None))[0]
    assert make(conn, ("rule", "r", rule), ("rule", "r", rule)).changed == 1


OTHER = {"name": {"en": "Other"}, "time_zone": "UTC", "languages": ["en"], "clock": "event"}


def test_ids_belong_to_one_area(conn: Connection) -> None:
    make_sample(conn)
    make(conn, ("area", "other", OTHER))
    street = {**sample()["zone", "queen-st"], "area_id": "other"}
    assert "is the id of a zone of area 'tre'" in refused(conn, ("zone", "queen-st", street))[0]
    sensor = {"area_id": "other", "model": "m", "expected_heartbeat_s": 60}
    assert "is the id of a gate of area 'tre'" in refused(conn, ("sensor", "anpr-1", sensor))[0]


def test_areas_are_logged_each_in_its_own_log(conn: Connection) -> None:
    docs = [(*key, doc) for key, doc in sample().items()]
    applied = make(conn, *docs, ("area", "other", OTHER))
    assert {area: what.position for area, what in applied.areas.items()} == {"tre": 1, "other": 1}
    heads = rows(conn, "SELECT area, position, clock FROM log_head ORDER BY area")
    assert heads == [("other", 1, "event"), ("tre", 1, "live")]
    changed = make(conn, *docs, ("area", "other", {**OTHER, "name": {"en": "New"}}))
    assert {area: what.position for area, what in changed.areas.items()} == {"tre": None, "other": 2}


def test_the_clock_of_an_area_stays(conn: Connection) -> None:
    make(conn, ("area", "other", OTHER))
    assert (
        "cannot turn from 'event' to 'live'"
        in refused(conn, ("area", "other", {**OTHER, "clock": "live"}))[0]
    )


def test_followers_are_told(conn: Connection, database_url: str) -> None:
    with connect(database_url, autocommit=True) as follower:
        follower.execute("LISTEN baycast_registry")
        follower.execute("LISTEN baycast_log")
        make_sample(conn)
        told = {(note.channel, note.payload) for note in follower.notifies(timeout=10, stop_after=2)}
    assert told == {("baycast_registry", "tre"), ("baycast_log", "tre")}


def test_two_writers_wait_for_each_other(conn: Connection, database_url: str) -> None:
    """Each checks the whole, so the second sees what the first did: here the same, and so appends nothing."""
    results: list[Applied] = []

    def write() -> None:
        with connect(database_url) as own:
            results.append(make_sample(own))

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(result.changed for result in results) == [0, 0, len(sample())]
    assert rows(conn, "SELECT position FROM log_head") == [(1,)]


def test_in_the_callers_transaction_it_counts_from_the_callers_commit(database_url: str) -> None:
    with connect(database_url) as writer, connect(database_url, autocommit=True) as reader:
        with writer.transaction(force_rollback=True):
            assert make_sample(writer).changed == len(sample())
        assert load(reader) == []
