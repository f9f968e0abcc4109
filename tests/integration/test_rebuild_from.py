"""Rebuilds from an instant, and a log that no longer goes back to its beginning (L3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from baycast.cli import main
from occupancy import engine
from occupancy.engine import AreaEngine, EngineConfig
from occupancy.engine.metrics import VERDICTS
from occupancy.transitions import Verdict
from store.derived import LostRace
from store.log import LogEntry
from store.postgres import Connection, connect
from store.registry import Change, apply
from tests.integration.test_engine_rows import TOWN, log, rows, serve
from tests.support.eventful_days import EventfulDays, Position, enter, town
from tests.support.small_town import AREA, START, count, passage, state

IN_BULK = EngineConfig(database_url="", positions_per_page=40)


@pytest.fixture
def conn(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    monkeypatch.setattr("occupancy.sensed.CHECKPOINT_EVERY", 15)
    monkeypatch.setattr("occupancy.gates.RECENT_EVENTS", 12)
    monkeypatch.setattr("store.log.PIPELINE_DOWN_AFTER", timedelta(minutes=10))
    with connect(database_url) as connection:
        yield connection


def begin(conn: Connection, days: EventfulDays) -> list[Position]:
    entries = [LogEntry("registry", f"{kind}/{id}", doc, START, "test") for kind, id, doc in town(days.clock)]
    enter(conn, entries, clock=days.clock)
    return list(days.positions())


def play(conn: Connection, positions: list[Position]) -> None:
    for readings, entries, watermark_s in positions:
        if entries:
            enter(conn, entries)
        log(conn, readings, watermark_s)


def at_h(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def differing(conn: Connection, hours: float | None) -> dict[str, list[object]]:
    """Rebuilds, from an instant or as far back as it goes: by table, the rows that are others then."""
    from_at = None if hours is None else at_h(hours)
    done = engine.rebuild(conn, TOWN, IN_BULK, from_at=from_at, compare=True)
    if not done.differing:
        return {}
    before, after = rows(conn, done.old), rows(conn, done.new)
    return {
        table: [
            row for row in [*before[table], *after[table]] if (row in before[table]) != (row in after[table])
        ]
        for table in done.differing
    }


def revisions(conn: Connection) -> int:
    found = conn.execute("SELECT count(*) FROM history_revision").fetchall()
    conn.commit()
    return int(found[0][0])


def readings(conn: Connection) -> int:
    found = conn.execute("SELECT count(*) FROM reading").fetchall()
    conn.commit()
    return int(found[0][0])


@pytest.mark.parametrize(
    ("seed", "clock", "instants"),
    [(1, "live", (60.0, 28.0, 71.9, 0.1, 500.0)), (3, "event", (12.0, 43.0, 28.0, 65.0, 0.1))],
    ids=["1-live", "3-event"],
)
def test_l3_a_rebuild_from_any_instant_gives_the_rows_that_there_are(
    conn: Connection, seed: int, clock: str, instants: tuple[float, ...]
) -> None:
    play(conn, begin(conn, EventfulDays(seed, clock=clock)))
    found = rows(conn, serve(conn).at.generation)
    assert [table for table in found if not found[table]] == [], "nothing is left out of the comparison"
    revised = revisions(conn)
    for hours in instants:
        assert differing(conn, hours) == {}, hours
        assert revisions(conn) == revised, "what is final stays as it is"


@pytest.mark.parametrize(("seed", "clock"), [(11, "live"), (13, "event")])
def test_l3_a_log_that_was_cut_gives_the_rows_that_there_are(
    conn: Connection, monkeypatch: pytest.MonkeyPatch, seed: int, clock: str
) -> None:
    """It goes on after that: words come whose place has been dropped, bindings change, and it is cut again."""
    monkeypatch.setattr("occupancy.heard._KEPT", 0)  # else who was heard in the last week stays
    positions = begin(conn, EventfulDays(seed, clock=clock, days=4.0))
    play(conn, positions[:230])
    serve(conn)
    stored = readings(conn)
    dropped = engine.drop_log_before(conn, TOWN, at_h(25.5))
    assert dropped.begins_at == at_h(25.5)
    assert stored / 5 < dropped.readings == stored - readings(conn)
    for hours in (None, 27.0):
        assert differing(conn, hours) == {}, hours
    play(conn, positions[230:500])
    serve(conn)
    for hours in (50.0, None):
        assert differing(conn, hours) == {}, hours
    assert engine.drop_log_before(conn, TOWN, at_h(25.5)) == engine.Dropped(at_h(25.5), 0), "it is dropped"
    assert engine.drop_log_before(conn, TOWN, at_h(55)).readings > 0
    play(conn, positions[500:])
    serve(conn)
    for hours in (None, 80.0):
        assert differing(conn, hours) == {}, hours


def test_what_comes_too_late_for_a_cut_log_is_passed_over_and_counted(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A word and a passage from before the checkpoints change nothing, and those after them what they should."""
    monkeypatch.setattr("occupancy.heard._KEPT", 0)
    enter(
        conn,
        [LogEntry("registry", f"{k}/{i}", doc, START, "test") for k, i, doc in town("live")],
        clock="live",
    )
    for n in range(2, 200, 2):
        gate = [passage("g-in" if n % 4 else "g-out", n, 900 * n, "in" if n % 4 else "out")]
        log(
            conn,
            [state("s0", n, 900 * n, n % 4 == 0), *gate, count("g-count", n, 900 * n + 1, 2)],
            900 * n + 2,
        )
    running = serve(conn)
    assert engine.drop_log_before(conn, TOWN, at_h(26)).readings > 0
    before = rows(conn, running.at.generation)
    log(conn, [state("s0", 31, 900 * 31, True), passage("g-in", 31, 900 * 31, "in")], 900 * 198 + 60)
    with pytest.raises(LostRace):
        running.advance()
    frozen = VERDICTS.labels(AREA, Verdict.FROZEN.value)._value.get
    passed_over = frozen()
    serve(conn)
    assert frozen() == passed_over + 2
    after = rows(conn, running.at.generation)
    for table in ("device_checkpoint", "bay_interval", "stay", "count_interval", "count_checkpoint"):
        assert after[table] == before[table]
    late = [state("s0", 191, 900 * 191, False), passage("g-in", 191, 900 * 191, "in")]
    log(conn, late, 900 * 198 + 90)
    serve(conn)
    assert rows(conn, running.at.generation)["bay_interval"] != before["bay_interval"]
    assert differing(conn, None) == {}
    watermark = START + timedelta(seconds=900 * 198 + 90)
    assert engine.drop_log_before(conn, TOWN, at_h(900)).begins_at == watermark, "not what is still to come"


def test_a_rebuild_that_is_cut_off_leaves_the_live_rows_alone(
    conn: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(conn, begin(conn, EventfulDays(5, days=1.0)))
    live = serve(conn)
    before = rows(conn, live.at.generation)

    def killed(self: AreaEngine) -> None:
        raise ConnectionError("killed")

    with monkeypatch.context() as patched, connect(database_url) as other:
        patched.setattr(AreaEngine, "fold_from_seeds", killed)
        with pytest.raises(ConnectionError):
            engine.rebuild(other, TOWN, IN_BULK, from_at=at_h(12))
        with pytest.raises(engine.RebuildRunningError):
            engine.drop_log_before(conn, TOWN, at_h(12))
    assert rows(conn, live.at.generation) == before
    assert differing(conn, 12.0) == {}
    assert engine.drop_retired(conn, TOWN) == 2
    assert serve(conn).at.generation == live.at.generation + 2


def test_the_command_says_how_far_back_the_log_goes(
    conn: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BAYCAST_DATABASE_URL", database_url)
    apply(
        conn, [Change(kind, id, doc) for kind, id, doc in town("live")], entered_by="test", entered_at=START
    )
    play(conn, list(EventfulDays(6, days=1.5).positions()))
    serve(conn)
    main(["doctor"])
    assert "town: log" in (page := capsys.readouterr().out)
    assert "goes back to its beginning" in page
    assert main(["rebuild", "--area", AREA, "--from", "2026-11-03", "--compare"]) == 0
    assert capsys.readouterr().out == "town: generation 2 took over from 1; every row is the same\n"
    engine.drop_log_before(conn, TOWN, at_h(20))
    assert main(["rebuild", "--from", "2026-11-02T12:00"]) == 2
    assert "area town: the log begins at 2026-11-03 04:00:00Z" in capsys.readouterr().err
    assert main(["rebuild", "--from", "yesterday"]) == 2
    assert main(["rebuild", "--compare"]) == 0
    main(["doctor"])
    assert "begins at 2026-11-03 04:00:00 UTC" in capsys.readouterr().out
