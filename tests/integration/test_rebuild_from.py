"""Rebuilds from an instant, and a log that no longer goes back to its beginning (L3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from occupancy import engine
from occupancy.engine import EngineConfig
from store.log import LogEntry
from store.postgres import Connection, connect
from tests.integration.test_engine_rows import TOWN, log, rows, serve
from tests.support.eventful_days import EventfulDays, Position, enter, town
from tests.support.folded import START

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


@pytest.mark.parametrize(("seed", "clock"), [(1, "live"), (2, "live"), (3, "event")])
def test_l3_a_rebuild_from_any_instant_gives_the_rows_that_there_are(
    conn: Connection, seed: int, clock: str
) -> None:
    play(conn, begin(conn, EventfulDays(seed, clock=clock)))
    before = rows(conn, serve(conn).at.generation)
    assert [table for table in before if not before[table]] == [], "nothing is left out of the comparison"
    for hours in (60.0, 28.0, 71.9, 12.0, 43.0, 30.4, 51.0, 0.1, 500.0):
        done = engine.rebuild(conn, TOWN, IN_BULK, from_at=at_h(hours), compare=True)
        if done.differing:
            after = rows(conn, done.new)
            for table in done.differing:
                gone = [row for row in before[table] if row not in after[table]]
                come = [row for row in after[table] if row not in before[table]]
                print(hours, table, len(gone), len(come), gone[:3], come[:3])
        assert done.differing == (), hours
