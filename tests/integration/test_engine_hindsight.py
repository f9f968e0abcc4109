"""What is entered late for past time, on the real database: rows written long before are judged again (L3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from occupancy import engine
from occupancy.engine import EngineConfig
from occupancy.learnt import learnt_doc
from store.log import LogEntry, append_entries
from store.postgres import Connection, connect
from tests.integration.test_engine_rows import TOWN, log, rows, serve
from tests.integration.test_engine_rules_in_force import enter
from tests.support.changed import limit
from tests.support.lessons import lesson
from tests.support.limited_town import z
from tests.support.small_town import AREA, START, documents, state

H = 3600.0


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    """A street whose sensors promise a word a day, on a day of which an entry of closed days is known."""
    docs: list[Any] = [("rule", "limit", limit(60))]
    for kind, id, doc in documents():
        more = {"sensor": {"expected_heartbeat_s": 86_400}, "bay": {"rule_ids": ["limit"]}}.get(kind, {})
        docs.append((kind, id, {**doc, **more}))
    with connect(database_url) as connection:
        enter(connection, docs, clock="live")
        log(connection, [], 0)
        with connection.transaction(), connection.cursor() as cur:
            entry = learnt_doc(lesson(START + timedelta(minutes=10)))
            append_entries(cur, AREA, [LogEntry("learnt", "2026-11-02", entry, START, "engine")])
        yield connection


def closure(starts_h: float, ends_h: float) -> dict[str, Any]:
    starts, ends = (START + timedelta(hours=after) for after in (starts_h, ends_h))
    doc = {"area_id": AREA, "kind": "closure", "reason": "r", "starts_at": z(starts), "ends_at": z(ends)}
    return {**doc, "zone_ids": ["high-st"]}


def told(conn: Connection) -> tuple[list[str], list[str], bool]:
    """Who was suspect, what became of the overstays, and whether the bay is suspect now."""
    found = rows(conn, 1)
    shown = {row["bay_id"]: row for row in found["bay_state"]}["high-st-0"]
    return (
        [row["kind"] for row in found["suspicion"]],
        [row["state"] for row in found["overstay"]],
        shown["reason"].startswith("suspect"),
    )


def test_l3_a_closure_that_is_entered_late_has_suspicions_and_overstays_judged_again(
    conn: Connection,
) -> None:
    words = [
        state("s0", 1, 60, False),
        state("s0", 2, 120, True),
        state("s0", 3, 13 * H, True, cause="heartbeat"),
    ]
    for n, word in enumerate(words):
        log(conn, [word], 200.0 + n * 100 if n < 2 else 14 * H)
    serve(conn)
    assert told(conn) == (["implausible"], ["confirmed"], True)
    enter(conn, [("override", "o1", closure(3, 13.5))])
    serve(conn)
    assert told(conn) == ([], ["published"], False), "a limit ran out before it"
    enter(conn, [("override", "o1", None)])
    serve(conn)
    assert told(conn) == (["implausible"], ["confirmed"], True)
    assert engine.rebuild(conn, TOWN, EngineConfig(database_url=""), compare=True).differing == ()


def test_l3_a_bay_that_leaves_and_comes_again_is_judged_as_if_it_had_stayed(conn: Connection) -> None:
    log(conn, [state("s0", 1, 60, False), state("s0", 2, 120, True)], 200)
    log(conn, [], 14 * H)
    enter(conn, [("bay", "high-st-0", None)])
    serve(conn)
    assert rows(conn, 1)["suspicion"] == []
    bay = next(doc for kind, id, doc in documents() if (kind, id) == ("bay", "high-st-0"))
    enter(conn, [("bay", "high-st-0", {**bay, "rule_ids": ["limit"]})])
    serve(conn)
    assert told(conn)[0] == ["implausible"]
    assert engine.rebuild(conn, TOWN, EngineConfig(database_url=""), compare=True).differing == ()
