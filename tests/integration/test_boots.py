"""A device that was reset counts its boots anew: under its old incarnation that would erase all it said (L3)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace

from baycast.doctor.ingest import examine_resets
from firmware_contract.topics import device_topic
from occupancy import engine
from occupancy.engine import AreaEngine, EngineConfig
from occupancy.model import AreaId
from store import doctor, generation, migrate
from store.derived import DERIVED_TABLES
from store.log import Appended, LogEntry, ReadingRow, append, append_entries
from store.postgres import Connection, connect
from store.quarantine_decisions import Choice, Decided, Decision, decide
from store.queries import sql
from tests.support.brokers import Broker
from tests.support.ingesting import (
    config_for,
    ingesting,
    publishing,
    quarantined,
    register,
    rows,
    state,
    stored,
)
from tests.support.small_town import AREA, START, documents
from tests.support.waiting import eventually

HOUR = 3600


@pytest.fixture(params=["live", "event"])
def conn(database_url: str, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """A town in either kind of time."""
    docs = documents()
    docs[0] = (*docs[0][:2], {**docs[0][2], "clock": request.param})
    entries = [LogEntry("registry", f"{kind}/{id}", doc, START, "test") for kind, id, doc in docs]
    with connect(database_url) as connection:
        with connection.transaction(), connection.cursor() as cur:
            append_entries(cur, AREA, entries, clock=request.param)
        yield connection


def word(
    boot: int,
    seq: int,
    at_s: float,
    *,
    late_s: float = 1,
    occupied: bool = True,
    clock: bool = True,
    incarnation: int = 0,
) -> ReadingRow:
    """Said at a time; without a clock it is said to be as old as nothing, however late it comes."""
    at = START + timedelta(seconds=at_s)
    return ReadingRow(
        area=AREA,
        device_id="s0",
        incarnation=incarnation,
        boot=boot,
        seq=seq,
        kind="state",
        at=at if clock else None,
        age_ms=None if clock else 0,
        received_at=at + timedelta(seconds=late_s),
        occupied=occupied,
        cause="change",
        meaning=int(at_s) * 2 + occupied,
        raw=b"",
    )


def log(conn: Connection, *words: ReadingRow, watermark_s: float | None = None) -> Appended:
    watermarks = {} if watermark_s is None else {AREA: START + timedelta(seconds=watermark_s)}
    with conn.transaction(), conn.cursor() as cur:
        return append(cur, words, watermarks)


def kept(conn: Connection) -> list[Any]:
    return [row for (row,) in conn.execute("SELECT to_jsonb(r) FROM reading r ORDER BY batch_id, ordinal")]


def seen(conn: Connection) -> list[tuple[int, int, str]]:
    return [
        (int(row[0]), int(row[1]), str(row[2]))
        for row in conn.execute("SELECT incarnation, boot, seen::text FROM device_seen ORDER BY 1, 2")
    ]


def derived(conn: Connection) -> dict[str, Sequence[Any]]:
    """What an engine makes of the log."""
    with conn.transaction(), conn.cursor() as cur:
        at = generation.live_generation(cur, AreaId(AREA), engine.ENGINE_VERSION)
    served = AreaEngine(conn, at, EngineConfig(database_url=""))
    while served.advance():
        pass
    tables = ("bay_interval", "stay", "zone_cell")
    assert set(tables) <= set(DERIVED_TABLES)
    return {
        table: conn.execute(f"SELECT to_jsonb(t) FROM {table} t ORDER BY 1").fetchall() for table in tables
    }


def a_day(*, first_boot: int = 5) -> list[ReadingRow]:
    """Comings and goings, a boot every six hours."""
    return [word(first_boot + n // 6, n % 6, n * HOUR, occupied=n % 2 == 0) for n in range(24)]


@pytest.mark.parametrize("first_boot", [1, 5])
def test_l3_a_reset_device_erases_nothing_of_what_it_said_before(conn: Connection, first_boot: int) -> None:
    """Whether its new count meets a boot that it had once (1) or one that was never seen (5)."""
    log(conn, *a_day(first_boot=first_boot), watermark_s=25 * HOUR)
    before, log_before, seen_before = derived(conn), kept(conn), seen(conn)
    assert len(before["stay"]) > 10
    reset = word(1, 40, 24 * HOUR)
    done = log(conn, reset, word(1, 41, 24 * HOUR + 60))
    assert (done.stored, done.duplicates, done.unfit.went_back) == (0, 0, (0, 1))
    assert (derived(conn), kept(conn), seen(conn)) == (before, log_before, seen_before)
    # Under its new incarnation it is heard, and nothing of the past changes.
    log(conn, word(1, 40, 24 * HOUR, incarnation=1), watermark_s=25 * HOUR + 1)
    past = [row for (row,) in before["stay"] if row["departed_at"] is not None]
    after = [row for (row,) in derived(conn)["stay"]]
    assert [row for row in past if row not in after] == []


def test_a_batch_with_new_boots_and_a_reset_in_it_is_taken_apart(conn: Connection) -> None:
    log(conn, *a_day())
    batch = [
        word(9, 0, 24 * HOUR),
        word(1, 1, 24 * HOUR),
        word(1, 1, 24 * HOUR),
        word(1, 1, 24 * HOUR, occupied=False),
        word(4, 3, -60, late_s=24 * HOUR),
        word(8, 3, 18 * HOUR, occupied=False),
    ]
    done = log(conn, *batch)
    assert (done.stored, done.duplicates, done.unfit) == (2, 0, ((5,), (1, 2, 3)))
    assert [boot for _, boot, _ in seen(conn)] == [4, 5, 6, 7, 8, 9]


def test_l2_what_is_late_of_earlier_boots_is_taken_and_taken_once(conn: Connection) -> None:
    said = a_day()
    log(conn, *said[12:])
    late = [
        word(one.boot, one.seq, n * HOUR, late_s=30 * HOUR, occupied=n % 2 == 0)
        for n, one in enumerate(said[:12])
    ]
    for one in reversed(late):
        assert log(conn, one).stored == 1
    assert log(conn, *late, *said).duplicates == 36


def test_what_has_no_clock_is_refused_a_day_after_a_later_boot(conn: Connection) -> None:
    log(conn, *a_day())
    # Held up by a gateway, it cannot be told from what a reset device says.
    assert log(conn, word(4, 1, 23 * HOUR, clock=False)).stored == 1
    done = log(conn, word(4, 2, 25 * HOUR, clock=False), word(4, 1, 49 * HOUR, clock=False))
    assert (done.stored, done.duplicates) == (0, 0)
    assert done.unfit.went_back == (0,)
    assert done.unfit.conflicts == (1,)


def test_what_was_taken_is_a_duplicate_however_late_it_comes_again(conn: Connection) -> None:
    without = word(4, 1, 0, clock=False)
    log(conn, without, *a_day())
    again = replace(without, received_at=START + timedelta(days=90))
    assert log(conn, again).duplicates == 1


def test_a_log_without_its_beginning_still_tells(conn: Connection) -> None:
    log(conn, *a_day())
    conn.execute("DELETE FROM reading")
    assert log(conn, word(1, 1, 24 * HOUR)).unfit.went_back == (0,)
    # As a migration finds it that came after the readings had been dropped.
    conn.execute("UPDATE device_seen SET said_at = NULL, heard_at = NULL, latest = false")
    assert log(conn, word(1, 1, 24 * HOUR)).unfit.went_back == (0,)
    assert log(conn, word(8, 9, 24 * HOUR)).stored == 1


def test_the_migration_finds_what_appending_would_have_noted(conn: Connection) -> None:
    unset = replace(word(9, 0, 25 * HOUR), at=datetime(1970, 1, 1, tzinfo=UTC))
    log(conn, *a_day(), unset, word(10, 0, 26 * HOUR, clock=False, late_s=90))
    noted = "SELECT boot, said_at, heard_at FROM device_seen ORDER BY boot"
    before = conn.execute(noted).fetchall()
    conn.execute("UPDATE device_seen SET said_at = NULL, heard_at = NULL")
    (migration,) = (one for one in migrate.migrations() if one.name == "boots")
    conn.execute(migration.text[migration.text.index("UPDATE device_seen") :])
    assert conn.execute(noted).fetchall() == before
    assert all(said_at <= heard_at for _, said_at, heard_at in before)


def test_a_device_that_goes_on_is_not_asked_about(conn: Connection) -> None:
    asked: list[str] = []

    class Watching(psycopg.RawCursor[tuple[Any, ...]]):
        def execute(self, query: Any, *args: Any, **kwargs: Any) -> Watching:
            asked.append(query)
            super().execute(query, *args, **kwargs)
            return self

    conn.execute(
        "INSERT INTO device_seen (device_id, incarnation, boot, seen) VALUES ('s0', 0, 7, '{[0,3)}')"
    )
    for one, looked_at in [
        (word(7, 4, 0), True),  # from before anybody knew which boot was the latest
        (word(7, 5, 60), False),
        (word(7, 5, 60), False),
        (word(8, 1, 120), True),
        (word(8, 2, 180), False),
        (word(7, 6, 90), True),
        (word(8, 3, 240), False),
    ]:
        asked.clear()
        with conn.transaction(), Watching(conn) as cur:
            append(cur, [one], {})
        assert (sql("log.later_boots") in asked) == looked_at


def test_a_life_at_work_elsewhere_is_not_waited_for(conn: Connection, database_url: str) -> None:
    """Who holds lives and waits for one before them would close a ring with its holder."""
    log(conn, word(7, 1, 0))
    with connect(database_url) as other, other.transaction():
        other.execute("SELECT FROM device_seen WHERE boot = 7 FOR UPDATE")
        conn.execute("SET statement_timeout = '5s'")
        assert log(conn, word(8, 1, 60)).stored == 1
    standing = "SELECT boot, latest FROM device_seen ORDER BY boot"
    assert conn.execute(standing).fetchall() == [(7, True), (8, False)]
    log(conn, word(8, 2, 120))
    assert conn.execute(standing).fetchall() == [(7, False), (8, True)]


def ask_replay(url: str) -> Decided:
    with connect(url) as conn:
        choice = Choice(reason="boot_went_back")
        return decide(conn, Decision.REPLAY, choice, why="", who="test", at=datetime.now(UTC))


@pytest.mark.parametrize("clock", ["live", "event"])
def test_a_reset_device_waits_in_quarantine_for_its_new_incarnation(
    database_url: str, broker: Broker, clock: str
) -> None:
    now = datetime.now(UTC)
    first, then = ((now - timedelta(days=days)).isoformat() for days in (3, 0))
    register(database_url, clock=clock, sensor=["s1"])
    reset = state(1, boot=1, at=then)
    outcome = (
        "SELECT reason, device_id, payload, replayed_at IS NOT NULL, replay_refused_at IS NOT NULL, count FROM"
        " quarantine"
    )
    with ingesting(config_for(database_url, broker.url)), publishing(broker.port) as publisher:
        publisher.send(device_topic("s1", "state"), state(1, boot=7, at=first))
        eventually(lambda: stored(database_url) == [("s1", 7, 1)])
        publisher.send(device_topic("s1", "state"), reset)
        eventually(lambda: quarantined(database_url) == {"boot_went_back": 1})
        (detail,) = rows(database_url, "SELECT detail FROM quarantine")[0]
        assert "s1 said this in boot 1" in detail
        assert "Register it with incarnation 1" in detail
        with connect(database_url) as conn:
            (found,) = examine_resets(doctor.went_back(conn))
        assert "s1 (1 since" in found.says
        assert len(ask_replay(database_url).ids) == 1  # nothing has changed
        eventually(lambda: rows(database_url, outcome) == [("boot_went_back", "s1", reset, False, True, 1)])
        with connect(database_url) as conn:
            doc = json.dumps({"area_id": "cardiff", "incarnation": 1})
            conn.execute("UPDATE registry SET doc = $1 WHERE id = 's1'", (doc,))
        register(database_url, clock=clock, sensor=["other"])  # so that ingest looks at the registry again
        assert len(ask_replay(database_url).ids) == 1
        lives = "SELECT incarnation, boot, seq FROM reading ORDER BY 1, 2, 3"
        eventually(lambda: rows(database_url, lives) == [(0, 7, 1), (1, 1, 1)])
        eventually(lambda: rows(database_url, outcome) == [("boot_went_back", "s1", reset, True, True, 1)])
        publisher.send(device_topic("s1", "state"), state(2, boot=1, at=then))
        eventually(lambda: rows(database_url, lives) == [(0, 7, 1), (1, 1, 1), (1, 1, 2)])
        publisher.send(device_topic("s1", "state"), reset)
        publisher.send(device_topic("s1", "state"), state(3, boot=1, at=then))
        eventually(lambda: rows(database_url, lives)[-1] == (1, 1, 3))
    assert len(rows(database_url, lives)) == 4
    with connect(database_url) as conn:
        assert list(examine_resets(doctor.went_back(conn))) == []
