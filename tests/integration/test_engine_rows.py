"""The engine on the real database: pages, restarts, races, late readings, rebuild (L3)."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from occupancy import engine
from occupancy.engine import AreaEngine, EngineConfig, metrics
from occupancy.model import AnyReading, AreaId, CountReading, PassageReading, StateReading
from store import generation
from store.derived import DERIVED_TABLES, LostRace
from store.log import LogEntry, ReadingRow, append, append_entries
from store.postgres import Connection, connect
from tests.property.test_fold_laws import histories
from tests.support.folded import Folded
from tests.support.small_town import AREA, START, count, documents, passage, state
from tests.support.waiting import eventually

TOWN = AreaId(AREA)


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as connection:
        register(connection)
        yield connection


def register(conn: Connection) -> None:
    entries = [LogEntry("registry", f"{kind}/{id}", doc, START, "test") for kind, id, doc in documents()]
    with conn.transaction(), conn.cursor() as cur:
        append_entries(cur, AREA, entries, clock="live")


def row_of(reading: AnyReading) -> ReadingRow:
    kind, says = "health", {}  # type: str, dict[str, Any]
    if isinstance(reading, StateReading):
        kind, says = "state", {"occupied": reading.occupied, "cause": reading.cause.value}
    elif isinstance(reading, PassageReading):
        kind, says = "passage", {"direction": reading.direction.value, "vehicle_token": reading.vehicle}
    elif isinstance(reading, CountReading):
        kind, says = "count", {"count": reading.occupied}
    return ReadingRow(
        area=AREA,
        device_id=reading.device_id,
        incarnation=reading.key.incarnation,
        boot=reading.key.boot,
        seq=reading.key.seq,
        kind=kind,
        at=reading.at,
        age_ms=None,
        received_at=reading.received_at,
        meaning=1,
        raw=b"",
        **says,
    )


def log(conn: Connection, readings: Sequence[AnyReading], watermark_s: float | None = None) -> None:
    watermarks = {} if watermark_s is None else {AREA: START + timedelta(seconds=watermark_s)}
    with conn.transaction(), conn.cursor() as cur:
        append(cur, [row_of(reading) for reading in readings], watermarks)


def serve(conn: Connection, **limits: int) -> AreaEngine:
    """An engine as a new process would start it, caught up with the log."""
    config = EngineConfig(database_url="", **limits)
    with conn.transaction(), conn.cursor() as cur:
        at = generation.live_generation(cur, TOWN, engine.ENGINE_VERSION)
    served = AreaEngine(conn, at, config)
    while served.advance():
        pass
    return served


def rows(conn: Connection, number: int, *, without: Sequence[str] = ()) -> dict[str, list[Any]]:
    """All derived rows of a generation, but for the generation's number."""
    found = {}
    for table in DERIVED_TABLES:
        drop = " - 'generation'" + "".join(f" - '{column}'" for column in without)
        result = conn.execute(
            f"SELECT to_jsonb(t){drop} FROM {table} t WHERE generation = $1 ORDER BY 1", (number,)
        )
        found[table] = [row[0] for row in result.fetchall()]
    conn.commit()
    return found


def test_l3_a_rebuild_gives_identical_tables_and_the_old_rows_can_go(conn: Connection) -> None:
    log(conn, [state("s0", 1, 0, False), state("s1", 1, 5, True), count("g-count", 1, 9, 2)], 10)
    serve(conn)
    log(conn, [state("s0", 3, 400, True), passage("g-in", 1, 300, "in")], 410)
    log(conn, [state("s0", 2, 200, True), state("s1", 2, 2000, False)], 2500)
    log(conn, [], 9000)
    live = serve(conn)
    before = rows(conn, live.at.generation)
    assert before["zone_cell"]
    assert before["stay"]
    config = EngineConfig(database_url="", positions_per_page=2)
    assert engine.rebuild(conn, TOWN, config, compare=True) == engine.Rebuilt(1, 2, ())
    assert rows(conn, 2) == before
    log(conn, [], 9001)
    with pytest.raises(LostRace):
        live.advance()
    engine.drop_retired(conn, TOWN)
    assert not any(rows(conn, 1).values())


def test_l3_what_is_folded_at_once_is_the_same_to_the_row(conn: Connection) -> None:
    """Most of a long log is; words that are late by more and by less than that, and an outage of the pipeline."""
    for n in range(1, 60):
        said = [state("s0", n, 300 * n, n % 3 == 0), state("s1", 2 * n, 300 * n + 7, n % 2 == 0)]
        late = [state("s1", 2 * n - 41, 300 * n - 6000, n % 4 == 0)] if n > 20 and n % 5 == 0 else []
        gate = [passage("g-in", n, 300 * n + 9, "in")] if n % 7 == 0 else [count("g-count", n, 300 * n, 2)]
        log(conn, [*said, *late, *gate], 300 * n + 10)
    live = serve(conn)
    before = rows(conn, live.at.generation)
    with conn.transaction(), conn.cursor() as cur:
        exact_from = generation.position_before(cur, TOWN, timedelta(seconds=1500))
    assert exact_from > 40
    config = EngineConfig(database_url="", positions_per_page=13)
    assert engine.rebuild(conn, TOWN, config, compare=True) == engine.Rebuilt(1, 2, ())
    assert rows(conn, 2) == before


def test_l3_a_street_that_stood_still_has_the_version_it_had(conn: Connection) -> None:
    """When its answer changed is not known of positions folded at once: the rebuild begins again with fewer of them."""
    log(conn, [], 1)
    log(conn, [state("s0", 1, 20, None)], 21)
    log(conn, [state("s0", 2, 90, None)], 91)
    for n in range(2, 60):
        log(conn, [count("g-count", n, 300 * n, n % 4)], 300 * n + 10)
    before = rows(conn, serve(conn).at.generation)
    street = next(zone for zone in before["zone_state"] if zone["zone_id"] == "high-st")
    assert street["version"] == 4
    config = EngineConfig(database_url="", positions_per_page=13)
    done = engine.rebuild(conn, TOWN, config, compare=True)
    assert done == engine.Rebuilt(1, done.new, ())
    assert rows(conn, done.new) == before


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(readings=histories(), order=st.randoms(use_true_random=False))
def test_l3_the_database_holds_what_the_pure_fold_says(
    databases: Any, readings: list[AnyReading], order: Any
) -> None:
    """Shuffled, repeated, restarted in the middle: the same rows as in order, and as the fold alone says."""
    expected = Folded()
    expected.append(watermark_s=0)
    for reading in sorted(readings, key=lambda r: (r.received_at, r.device_id, r.key)):
        expected.append([reading])
    expected.append(watermark_s=30_000)
    shuffled = [*readings, *readings]
    order.shuffle(shuffled)
    with databases.fresh() as url, connect(url) as conn:
        register(conn)
        log(conn, [], 0)
        middle = len(shuffled) // 2
        for start in range(0, middle, 3):
            log(conn, shuffled[start : min(start + 3, middle)])
        serve(conn, positions_per_page=3)
        log(conn, shuffled[middle:], 30_000)
        served = serve(conn)
        found = rows(conn, served.at.generation)
        spans = [
            (i["bay_id"], _time(i["started_at"]), _time(i["ended_at"]), i["state"], i["reason"])
            for i in found["bay_interval"]
        ]
        wanted = [
            (i.bay_id, i.started_at, i.ended_at, i.state.value, i.reason)
            for i in expected.rows()["intervals"]
        ]
        assert sorted(spans, key=str) == sorted(wanted, key=str)
        counts = [
            (c["zone_id"], _time(c["started_at"]), c["occupied"], c["over"]) for c in found["count_interval"]
        ]
        assert sorted(counts, key=str) == sorted(
            ((zone, c.started_at, c.occupied, c.over) for zone, c in expected.rows()["counts"]), key=str
        )
        assert dict(served.fold.zones) == dict(expected.fold.zones)
        assert engine.rebuild(conn, TOWN, EngineConfig(database_url="")).new == 2
        assert rows(conn, 2) == found


def test_a_rebuild_says_which_tables_differ(conn: Connection) -> None:
    log(conn, [state("s0", 1, 0, True), state("s1", 1, 5, True)], 10)
    served = serve(conn)
    conn.execute("UPDATE stay SET arrival = 'observed' WHERE bay_id = 'high-st-0'")
    conn.execute("DELETE FROM bay_state WHERE bay_id = 'high-st-1'")
    conn.commit()
    done = engine.rebuild(conn, TOWN, EngineConfig(database_url=""), compare=True)
    assert done == engine.Rebuilt(served.at.generation, 2, ("bay_state", "stay"))


def test_one_rebuild_of_an_area_at_a_time(conn: Connection, database_url: str) -> None:
    serve(conn)
    with connect(database_url) as other, other.cursor() as cur:
        assert generation.try_rebuild_lock(cur, TOWN)
        with pytest.raises(engine.RebuildRunningError, match="another process"):
            engine.rebuild(conn, TOWN, EngineConfig(database_url=""))


def test_cells_hold_every_second_of_every_bay(conn: Connection) -> None:
    log(conn, [state("s0", 1, 60, False), state("s0", 2, 360, True), state("s0", 3, 960, False)], 0)
    log(conn, [count("g-count", 1, 0, 2)], 2000)
    served = serve(conn)
    cells = {(c["zone_id"], _time(c["cell_at"])): c for c in rows(conn, served.at.generation)["zone_cell"]}
    first, second = cells["high-st", START], cells["high-st", START + timedelta(minutes=15)]
    assert (first["free_s"], first["occupied_s"]) == (300, 540)
    assert first["unknown_s"] == 3 * 900 - 840
    assert (first["arrivals"], first["departures"]) == (1, 0)
    assert (second["free_s"], second["occupied_s"], second["departures"]) == (840, 60, 1)
    castle = cells["castle", START]
    assert (castle["occupied_s"], castle["free_s"], castle["unknown_s"]) == (1800, 2700, 0)
    # A late reading changes cells that were written long ago.
    log(conn, [state("s1", 1, 0, True)], 2001)
    serve(conn)
    changed = rows(conn, served.at.generation)["zone_cell"]
    assert next(c for c in changed if c["zone_id"] == "high-st")["occupied_s"] == 540 + 900


def test_a_registry_change_reopens_what_it_touches(conn: Connection) -> None:
    """A sensor moved to another bay: no stay crosses the binding, and the old bay is unknown again."""
    log(conn, [state("s0", 1, 0, True), state("s1", 1, 0, False)], 10)
    serve(conn)
    moved_at = (START + timedelta(seconds=1000)).isoformat().replace("+00:00", "Z")
    doc = {"area_id": AREA, "device_id": "s0", "bay_id": "high-st-0", "valid_to": moved_at}
    with conn.transaction(), conn.cursor() as cur:
        append_entries(cur, AREA, [LogEntry("registry", "binding/s0@high-st-0@always", doc, START, "test")])
    log(conn, [], 999)
    assert serve(conn).fold.sensed.states["high-st-0"].state.value == "occupied"  # type: ignore[index]
    log(conn, [], 1001)
    served = serve(conn)
    found = rows(conn, served.at.generation)
    assert [b for b in found["bay_state"] if b["bay_id"] == "high-st-0"] == []  # nothing is claimed any more
    stay = next(s for s in found["stay"] if s["bay_id"] == "high-st-0")
    assert (_time(stay["departed_at"]), stay["departure"]) == (START + timedelta(seconds=1000), "censored")
    assert engine.rebuild(conn, TOWN, EngineConfig(database_url="")).new == 2
    assert rows(conn, 2) == found


def test_the_running_engine_follows_the_log_and_takes_up_a_new_generation(
    conn: Connection, database_url: str
) -> None:
    stop = threading.Event()
    config = EngineConfig(database_url=database_url, poll_s=0.2)
    thread = threading.Thread(target=engine.run, args=(config, stop))
    thread.start()
    try:
        with connect(database_url, autocommit=True) as listener:
            listener.execute("LISTEN baycast_feed")
            log(conn, [state("s0", 1, 0, False)], 10)
            _until(listener, conn, generation_number=1, position=2)
            engine.rebuild(conn, TOWN, config)
            log(conn, [state("s0", 2, 5, True)], 20)
            _until(listener, conn, generation_number=2, position=3)
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


def test_the_running_engine_waits_out_a_server_that_only_reads(conn: Connection, database_url: str) -> None:
    """After a failover to a read-only server: no crash, and on with it when it writes again."""
    stop = threading.Event()
    thread = threading.Thread(
        target=engine.run, args=(EngineConfig(database_url=database_url, poll_s=0.1), stop)
    )
    with connect(database_url, autocommit=True) as admin:
        admin.execute("SET default_transaction_read_only = off")
        name = admin.execute("SELECT quote_ident(current_database())").fetchall()[0][0]
        admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        log(conn, [state("s0", 1, 0, False)], 10)
        waits = metrics.OUTAGES._value.get()
        thread.start()
        try:
            eventually(lambda: metrics.OUTAGES._value.get() > waits)
            admin.execute("LISTEN baycast_feed")
            admin.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
            _until(admin, conn, generation_number=1, position=2)
            assert thread.is_alive()
        finally:
            stop.set()
            thread.join(10)


def _until(listener: Connection, conn: Connection, *, generation_number: int, position: int) -> None:
    """Wait until the live generation has folded `position`; fails after 20 s."""
    for _ in listener.notifies(timeout=20):
        with conn.transaction(), conn.cursor() as cur:
            at = generation.live_generation(cur, TOWN, engine.ENGINE_VERSION)
        if (at.generation, at.position) == (generation_number, position):
            return
    pytest.fail(f"the engine did not reach position {position} of generation {generation_number}")


def test_a_page_that_fails_leaves_nothing_behind(conn: Connection) -> None:
    log(conn, [state("s0", 1, 0, False)], 10)
    served = serve(conn)
    before = rows(conn, served.at.generation)
    log(conn, [state("s0", 2, 5, True)], 20)
    conn.execute("ALTER TABLE stay ADD CONSTRAINT broken CHECK (bay_id <> 'high-st-0') NOT VALID")
    conn.commit()
    with pytest.raises(psycopg.errors.CheckViolation):
        served.advance()
    assert rows(conn, served.at.generation) == before
    conn.execute("ALTER TABLE stay DROP CONSTRAINT broken")
    conn.commit()
    assert serve(conn).at.position == 3


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def test_rows_of_another_engine_version_are_rebuilt_when_the_engine_starts(
    conn: Connection, database_url: str
) -> None:
    log(conn, [state("s0", 1, 0, False)], 10)
    serve(conn)
    conn.execute("UPDATE generation SET engine_version = 'older'")
    conn.execute("UPDATE bay_interval SET reason = 'by other rules'")
    conn.commit()
    stop = threading.Event()
    config = EngineConfig(database_url=database_url, poll_s=0.1)
    thread = threading.Thread(target=engine.run, args=(config, stop))
    with connect(database_url, autocommit=True) as listener:
        listener.execute("LISTEN baycast_feed")
        thread.start()
        try:
            _until(listener, conn, generation_number=2, position=2)
            assert rows(conn, 2)["bay_interval"][0]["reason"].startswith("change at")
            # The running engine does not keep others from rebuilding.
            assert engine.rebuild(conn, TOWN, config).new == 3
        finally:
            stop.set()
            thread.join(10)
