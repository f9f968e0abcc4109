"""What is too old goes, and nothing that stays is another for it (L3): not by rebuilds, nor by what comes late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from baycast.cli import main
from occupancy import engine
from occupancy.engine import EngineConfig, Kept
from occupancy.engine.retaining import retain_when_due, retainer
from occupancy.retention import Retention
from store.log import LogEntry
from store.postgres import Connection, connect
from store.registry import Change, apply
from tests.integration.test_engine_rows import TOWN, log, rows, serve
from tests.integration.test_rebuild_from import at_h, begin, differing, play, revisions
from tests.support.eventful_days import EventfulDays, enter, town, z
from tests.support.small_town import AREA, state
from tests.support.timescale import compress_all, has_timescale
from tests.support.waiting import eventually

LIMITS = Retention(log_months=60, stays_months=66, hours_months=72, slots_months=56)
KEPT = Kept(at_h(36), at_h(30), at_h(16), at_h(40))
"""Hours by whole civil days: START is eight in the morning."""
_HOURS = (
    "SELECT scope, scope_id, dim, value, to_jsonb(t) - 'series_id' - 'generation' - 'position' FROM {} AS t "
    "JOIN history_series USING (series_id) WHERE hour_at >= $1 ORDER BY 1, 2, 3, 4, hour_at"
)


@pytest.fixture
def conn(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    monkeypatch.setattr("occupancy.sensed.CHECKPOINT_EVERY", 15)
    monkeypatch.setattr("occupancy.gates.RECENT_EVENTS", 12)
    monkeypatch.setattr("occupancy.heard._KEPT", 0)  # else who was heard in the last week stays
    monkeypatch.setattr("occupancy.retention.months_before", hours_before)
    monkeypatch.setattr("occupancy.engine.retaining.STEP", timedelta(hours=7))
    with connect(database_url) as connection:
        yield connection


def hours_before(at: datetime, months: int) -> datetime | None:
    """An hour for a month: the days of a test are few."""
    return at - timedelta(hours=months) if months else None


def found(conn: Connection, statement: str, *arguments: object) -> list[tuple[Any, ...]]:
    rows = conn.execute(statement, arguments).fetchall()  # type: ignore[arg-type]
    conn.commit()
    return rows


def records(conn: Connection, hours_from: datetime, slots_from: datetime) -> list[list[tuple[Any, ...]]]:
    return [
        found(conn, _HOURS.format("history_final"), hours_from),
        found(conn, _HOURS.format("history_final_slots"), slots_from),
    ]


def oldest(conn: Connection) -> dict[str, datetime]:
    """By table, when the oldest row ends or ended; of records, when it began."""
    ends = {
        "bay_interval": "ended_at",
        "stay": "departed_at",
        "count_interval": "ended_at",
        "zone_cell": "cell_at",
        "history_final": "hour_at",
        "history_final_slots": "hour_at",
    }
    return {table: found(conn, f"SELECT min({end}) FROM {table}")[0][0] for table, end in ends.items()}


@pytest.mark.parametrize(("seed", "clock"), [(11, "live"), (13, "event")])
def test_l3_what_is_too_old_goes_and_nothing_else_changes(conn: Connection, seed: int, clock: str) -> None:
    positions = begin(conn, EventfulDays(seed, clock=clock, days=4.0))
    play(conn, positions)
    served = serve(conn)
    conn.execute("DELETE FROM device_checkpoint WHERE device_id = 's3'")  # a sensor that keeps all its words
    conn.commit()
    before, revised = records(conn, KEPT.hours, KEPT.slots), revisions(conn)  # type: ignore[arg-type]
    rows_before = rows(conn, served.at.generation)
    stored = found(conn, "SELECT count(*) FROM reading")[0][0]
    assert all(at < at_h(16) for at in oldest(conn).values()), "there is something that is too old"

    assert engine.retain(conn, TOWN, LIMITS, dry_run=True) == KEPT
    assert rows(conn, served.at.generation) == rows_before, "a dry run drops nothing"
    if has_timescale(conn):
        assert compress_all(conn, "reading", "history_final", "history_final_slots") >= 3
    assert engine.retain(conn, TOWN, LIMITS) == KEPT

    assert found(conn, "SELECT count(*) FROM reading")[0][0] < 0.95 * stored
    empty = (
        "SELECT count(*) FROM log_batch b WHERE watermark < $1 AND NOT EXISTS (SELECT FROM reading r WHERE "
        "r.batch_id = b.batch_id) AND NOT EXISTS (SELECT FROM log_entry e WHERE e.batch_id = b.batch_id)"
    )
    assert found(conn, empty, at_h(36)) == [(0,)]
    astray = "SELECT count(*) FROM reading r WHERE NOT EXISTS (SELECT FROM log_batch b WHERE b.batch_id = r.batch_id)"
    assert found(conn, astray) == [(0,)]

    def unchanged(revised: int) -> None:
        assert records(conn, at_h(0), at_h(0)) == before
        assert revisions(conn) == revised

    kept = oldest(conn)
    assert kept["zone_cell"] == kept_rows(conn) == at_h(30)
    assert (kept["history_final"], kept["history_final_slots"]) == (at_h(16), at_h(40))
    revised -= gone_revisions(conn, revised)
    unchanged(revised)
    after = rows(conn, served.at.generation)
    assert found(conn, "SELECT min(day_at) FROM history_day") == [(at_h(16),)]
    for table in ("bay_interval", "stay", "count_interval"):
        assert 0 < len(after[table]) < len(rows_before[table])
        assert all(row in rows_before[table] for row in after[table])
    bays = {row["bay_id"] for row in rows_before["bay_interval"]}
    assert {row["bay_id"] for row in after["bay_interval"]} == bays, "who was heard of stays heard of"
    assert set(differing(conn, None)) == {"device_checkpoint"}, "its checkpoints are there again"
    for hours in (None, 60.0):
        assert differing(conn, hours) == {}, hours
        unchanged(revised)
    assert engine.recount(conn, TOWN, EngineConfig(database_url="")).differing == 0
    assert oldest(conn) == kept

    # Late knowledge of what is gone: a word, a closed bay, another rule. Hours from before stay what they were.
    closed = {
        "area_id": AREA,
        "kind": "suspension",
        "reason": "r",
        "starts_at": z(2),
        "ends_at": z(29),
        "bay_ids": ["high-st-1"],
    }
    enter(conn, [LogEntry("override", "late", closed, at_h(96), "test")])
    log(conn, [state("s3", 10**6, 20 * 3600, True, cause="change")], 96 * 3600 + 60)
    serve(conn)
    assert records(conn, at_h(0), at_h(0))[1] == before[1]
    assert [row for row in records(conn, at_h(0), at_h(0))[0] if hour(row) < at_h(30)] == [
        row for row in before[0] if hour(row) < at_h(30)
    ]
    assert differing(conn, None) == {}
    assert found(conn, "SELECT min(hour_at) FROM history_final") == [(at_h(16),)]


def hour(row: tuple[Any, ...]) -> datetime:
    return datetime.fromisoformat(row[4]["hour_at"])


def kept_rows(conn: Connection) -> datetime:
    """From when on rows are kept, for those who fold and for those who rebuild."""
    both = found(
        conn,
        "SELECT g.kept_from, h.kept_from FROM generation g JOIN log_head h USING (area) WHERE status = 'live'",
    )
    assert both[0][0] == both[0][1]
    at: datetime = both[0][0]
    return at


def gone_revisions(conn: Connection, before: int) -> int:
    assert found(conn, "SELECT count(*) FROM history_revision WHERE hour_at < $1", at_h(16)) == [(0,)]
    return before - revisions(conn)


def test_it_is_due_once_a_day_of_the_watermark_and_beside_serving(
    conn: Connection, database_url: str
) -> None:
    play(conn, begin(conn, EventfulDays(5, days=1.5)))
    serve(conn)
    limits = Retention(log_months=12)
    assert retain_when_due(conn, TOWN, limits) == Kept(at_h(24), None, None, None)
    assert retain_when_due(conn, TOWN, limits) is None, "it was done"
    log(conn, [], 36 * 3600 + 86_399)
    serve(conn)
    assert retain_when_due(conn, TOWN, limits) is None, "not a day ago"
    log(conn, [], 36 * 3600 + 86_400)
    serve(conn)
    with connect(database_url) as other:
        other.execute("SELECT pg_advisory_lock($1, hashtext($2))", (0x7265_6275, AREA))
        assert retain_when_due(conn, TOWN, limits) is None, "the area is being rebuilt"
    config = EngineConfig(database_url=database_url, retention=limits, retain_every_s=0.01)
    with retainer(config):
        eventually(lambda: found(conn, "SELECT ran_at FROM retention") == [(at_h(60),)], what="another run")
    assert found(conn, "SELECT begins_at FROM log_head") == [(at_h(48),)]


def test_the_command_drops_and_the_doctor_says_how_far_things_reach(
    conn: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BAYCAST_DATABASE_URL", database_url)
    for what, limit in {
        "LOG_MONTHS": 20,
        "STAYS_YEARS": 2,
        "HOURS_YEARS": 0,
        "SLOTS_MONTHS": 0,
        "SIGNS_MONTHS": 0,
    }.items():
        monkeypatch.setenv(f"BAYCAST_RETENTION_{what}", str(limit))
    apply(
        conn, [Change(kind, id, doc) for kind, id, doc in town("live")], entered_by="test", entered_at=at_h(0)
    )
    play(conn, list(EventfulDays(6, days=1.5).positions()))
    serve(conn)
    main(["doctor"])
    assert (
        "not looked through yet; readings from the beginning, stays from the beginning"
        in capsys.readouterr().out
    )
    kept = "readings from 2026-11-03 00:00Z; stays and states of bays from 2026-11-02 20:00Z; hours of history all; "
    assert main(["retention", "--area", AREA, "--dry-run"]) == 0
    assert capsys.readouterr().out == f"town: would keep: {kept}their five minutes all\n"
    assert found(conn, "SELECT begins_at FROM log_head") == [(None,)]
    assert main(["retention"]) == 0
    signs = "signs: kept: frames and readbacks all\n"
    assert capsys.readouterr().out == f"{signs}town: kept: {kept}their five minutes all\n"
    assert main(["retention", "--area", "nowhere"]) == 2
    (area,) = (doc for kind, _, doc in town("live") if kind == "area")
    apply(conn, [Change("area", "before", area)], entered_by="test", entered_at=at_h(0))
    capsys.readouterr()
    assert main(["retention"]) == 2
    told = capsys.readouterr()
    assert "area before has no" in told.err
    assert told.out.endswith(f"town: kept: {kept}their five minutes all\n"), "none waits for another"
    main(["doctor"])
    told = "readings from 2026-11-03, stays from 2026-11-02, hours from the beginning, five minutes from the beginning"
    assert f"looked through at 2026-11-03 20:00 UTC; {told}" in capsys.readouterr().out
