"""History counted anew from the log, and held against what is stored."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from baycast.cli import main
from occupancy import engine
from occupancy.engine import EngineConfig
from occupancy.history.hour import HOUR
from store.log import LogEntry, append_entries
from store.postgres import Connection, connect
from store.registry import Change, apply
from tests.integration.test_engine_rows import TOWN, log, register, serve
from tests.integration.test_history_rows import stored
from tests.support.small_town import AREA, START, count, documents, state


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as connection:
        register(connection)
        yield connection


def test_a_recount_from_the_log_finds_every_hour_that_is_stored_otherwise(
    conn: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log(conn, [state("s0", 1, 0, False), count("g-count", 1, 0, 2)], 60)
    log(conn, [state("s0", 2, 1800, True), count("g-count", 2, 1900, 3)], 60 * 3600)
    log(conn, [state("s1", 2, 59 * 3600, True)], 62 * 3600)
    served = serve(conn)
    before = stored(conn, served)
    found = engine.recount(conn, TOWN, EngineConfig(database_url=""))
    assert (found.hours, found.differing) == (len(before), 0)
    assert stored(conn, served) == before
    assert conn.execute("SELECT DISTINCT generation FROM history_hour").fetchall() == [
        (served.at.generation,)
    ]
    zone = (
        "SELECT series_id FROM history_series WHERE scope = 'zone' AND scope_id = 'high-st' AND dim = 'all'"
    )
    conn.execute(
        f"UPDATE history_final SET arrivals = 9 WHERE series_id = ({zone}) AND hour_at = $1", (START,)
    )
    conn.execute(
        f"DELETE FROM history_hour WHERE series_id = ({zone}) AND hour_at = $1", (START + 58 * HOUR,)
    )
    conn.commit()
    found = engine.recount(conn, TOWN, EngineConfig(database_url=""))
    assert [(series.scope_id, hour_at) for series, hour_at in found.told] == [
        ("high-st", START),
        ("high-st", START + 58 * HOUR),
    ]
    with conn.transaction():
        changes = [Change(kind, id, doc) for kind, id, doc in documents()]
        apply(conn, changes, entered_by="test", entered_at=START)
    monkeypatch.setenv("BAYCAST_DATABASE_URL", database_url)
    assert main(["doctor", "--recount"]) == 1
    said = capsys.readouterr().out
    assert "history of town" in said
    assert "2 differ" in said


def test_a_recount_holds_five_minutes_and_what_the_log_knows_nothing_of_against_what_is_stored(
    conn: Connection,
) -> None:
    log(conn, [state("s0", 1, 0, False), count("g-count", 1, 0, 2)], 60)
    log(conn, [state("s0", 2, 1800, True), count("g-count", 2, 1900, 3)], 60 * 3600)
    serve(conn)
    assert engine.recount(conn, TOWN, EngineConfig(database_url="")).differing == 0
    street = (
        "SELECT series_id FROM history_series WHERE scope = 'zone' AND scope_id = 'high-st' AND dim = 'all'"
    )
    for table, at in (("history_final_slots", START), ("history_slots", START + 58 * HOUR)):
        changed = conn.execute(
            f"UPDATE {table} SET arrivals[3] = 9 WHERE series_id = ({street}) AND hour_at = $1 RETURNING 1",
            (at,),
        )
        assert len(changed.fetchall()) == 1
    conn.execute(  # of a zone that never was, and of one at an hour before anybody said a word
        "INSERT INTO history_series (area, scope, scope_id, dim, value) VALUES ($1, 'zone', 'nowhere', 'all', '')",
        (AREA,),
    )
    copied = (
        "INSERT INTO history_final SELECT (jsonb_populate_record(f, jsonb_build_object('series_id', s.series_id, "
        "'hour_at', $1::timestamptz))).* FROM history_final f, history_series s "
        f"WHERE f.series_id = ({street}) AND f.hour_at = $2 AND s.scope_id = $3 AND s.dim = 'all'"
    )
    conn.execute(copied, (START + HOUR, START, "nowhere"))  # type: ignore[arg-type]
    conn.execute(copied, (START - 3 * HOUR, START, "high-st"))  # type: ignore[arg-type]
    conn.commit()
    found = engine.recount(conn, TOWN, EngineConfig(database_url=""))
    assert {(series.scope_id, hour_at) for series, hour_at in found.told if series.scope.value == "zone"} == {
        ("high-st", START - 3 * HOUR),
        ("high-st", START),
        ("nowhere", START + HOUR),
        ("high-st", START + 58 * HOUR),
    }


def test_records_of_a_street_that_was_taken_out_are_not_wrong(conn: Connection) -> None:
    log(conn, [state("s0", 1, 0, False), count("g-count", 1, 0, 2)], 60)
    log(conn, [count("g-count", 2, 1900, 3)], 60 * 3600)
    serve(conn)
    gone = [
        f"{kind}/{id}"
        for kind, id, doc in documents()
        if "high-st" in (id, doc.get("zone_id")) or (kind == "binding" and "high-st" in str(doc["bay_id"]))
    ]
    with conn.transaction(), conn.cursor() as cur:
        append_entries(cur, AREA, [LogEntry("registry", key, None, START, "test") for key in gone])
    log(conn, [], 61 * 3600)
    serve(conn)
    stays = conn.execute(
        "SELECT count(*) FROM history_final JOIN history_series USING (series_id) WHERE scope_id = 'high-st'"
    ).fetchone()
    conn.commit()
    assert stays is not None
    assert stays[0] > 0
    assert engine.recount(conn, TOWN, EngineConfig(database_url="")).differing == 0
