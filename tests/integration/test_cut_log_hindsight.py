"""A log without its beginning, and what is entered late for the time before: every fold judges it alike (L3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from occupancy import engine
from occupancy.engine import EngineConfig
from occupancy.learnt import learnt_doc
from store.log import LogEntry
from store.postgres import Connection, connect
from tests.integration.test_engine_hindsight import H, closure
from tests.integration.test_engine_rows import TOWN, log, rows, serve
from tests.integration.test_engine_rules_in_force import enter
from tests.integration.test_rebuild_from import at_h, differing
from tests.support.changed import limit, works
from tests.support.eventful_days import enter as enter_entries
from tests.support.lessons import drifting, lesson
from tests.support.small_town import documents, state

BAY = next(doc for kind, id, doc in documents() if (kind, id) == ("bay", "high-st-0"))
SPANNING = "2026-11-02T19:40:29.515858+00:00"
"""When the state that lasts from before the cut until after it became implausible."""


@pytest.fixture
def conn(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """A sensor that promises a word a day, on a day of which an entry of closed days is known."""
    monkeypatch.setattr("occupancy.sensed.CHECKPOINT_EVERY", 2)
    docs: list[Any] = [("rule", "limit", limit(60)), ("rule", "works", works(starts="02:00", ends="03:00"))]
    for kind, id, doc in documents():
        more = {"sensor": {"expected_heartbeat_s": 86_400}, "bay": {"rule_ids": ["limit"]}}.get(kind, {})
        docs.append((kind, id, {**doc, **more}))
    with connect(database_url) as connection:
        enter(connection, docs, clock="live")
        log(connection, [], 0)
        learn(connection, 0.2)
        yield connection


def learn(conn: Connection, hour: float, **taught: Any) -> None:
    entry = learnt_doc(lesson(at_h(hour), **taught))
    enter_entries(conn, [LogEntry("learnt", f"{hour}", entry, at_h(hour), "engine")])


def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing from before the watermark's day is remembered; else it is a week."""
    monkeypatch.setattr("occupancy.heard._KEPT", 0)


def cut(conn: Connection) -> None:
    """A vehicle comes before the cut, at 12 h, and leaves after it; another stays from 14 to 38 h."""
    log(conn, [state("s0", 1, 60, False), state("s0", 2, 120, True)], 200)
    for hour in range(1, 14):
        log(conn, [], hour * H)
    log(conn, [state("s0", 3, 13.9 * H, False), state("s0", 4, 14 * H, True)], 14 * H)
    log(conn, [state("s0", 5, 38 * H, False)], 38 * H)
    log(conn, [state("s0", 6, 41 * H, True)], 41 * H)
    serve(conn)
    engine.drop_log_before(conn, TOWN, at_h(12))


def judged(conn: Connection) -> tuple[list[Any], list[Any]]:
    """When a state became implausible, and what became of the overstays; live, and by every way to fold it again."""
    found = rows(conn, serve(conn).at.generation)
    for hour in (None, 13.0):
        assert differing(conn, hour) == {}, hour
    assert engine.recount(conn, TOWN, EngineConfig(database_url="")).differing == 0
    overstays = sorted((row["arrived_at"], row["state"]) for row in found["overstay"])
    return [row["began_at"] for row in found["suspicion"]], [state for _, state in overstays]


def test_l3_a_closure_from_before_the_log_begins_has_all_judged_again_that_is_remembered(
    conn: Connection,
) -> None:
    cut(conn)
    before = judged(conn)
    assert SPANNING in before[0]
    assert before[1] == ["confirmed", "confirmed"]
    enter(conn, [("override", "o1", closure(3, 13.5))])
    after = judged(conn)
    assert SPANNING not in after[0]
    assert after[1] == ["published", "confirmed"], "it was one vehicle's stay, in a closed street"
    enter(conn, [("override", "o1", None)])
    assert judged(conn) == before


def test_l3_what_is_settled_stands_for_those_who_begin_where_the_log_does(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was said of days that are no longer remembered stays, live and in rebuilds that begin in those days."""
    forgetful(monkeypatch)
    cut(conn)
    before = judged(conn)
    assert SPANNING in before[0]
    enter(conn, [("override", "o1", closure(3, 13.5))])
    assert judged(conn)[0] == before[0]


@pytest.mark.parametrize("remembers", [True, False])
def test_l3_rules_bays_and_lessons_that_come_late_are_judged_alike(
    conn: Connection, monkeypatch: pytest.MonkeyPatch, remembers: bool
) -> None:
    if not remembers:
        forgetful(monkeypatch)
    cut(conn)
    closed = ("rule", "works", works(starts="11:00", ends="21:00"))
    for change in (
        [closed, ("bay", "high-st-0", {**BAY, "rule_ids": ["works"]})],
        [("rule", "limit", limit(600)), ("bay", "high-st-0", {**BAY, "rule_ids": ["limit"]})],
        [("bay", "high-st-0", {**BAY, "bay_type": "loading", "rule_ids": ["limit"]})],
        [("override", "o1", closure(1, 2)), ("override", "o2", closure(12.5, 36))],
        [("bay", "high-st-0", None)],
        [("bay", "high-st-0", {**BAY, "rule_ids": ["limit"]})],
    ):
        enter(conn, change)
        serve(conn)
        assert differing(conn, None) == {}, change
    learn(conn, 41.2, ends_per_h=3.0, unreliable=(drifting("high-st-0", "s0"),))
    log(conn, [], 42 * H)
    judged(conn)
    log(conn, [state("s0", 7, 60 * H, False)], 66 * H)
    enter(conn, [("override", "o3", closure(2, 40))])
    judged(conn)


@pytest.mark.parametrize("from_h", [2.0, 14.0])
@pytest.mark.parametrize("dropped", [True, False])
def test_l3_a_suspicion_ends_where_words_ahead_of_the_watermark_say_so(
    conn: Connection, from_h: float, dropped: bool
) -> None:
    """They end it at a position whose watermark has not come to that yet, nor, at two, to its beginning."""
    log(conn, [state("s0", 1, 60, False), state("s0", 2, 120, True)], 200)
    log(conn, [state("s0", 3, 14.1 * H, False), state("s0", 4, 14.2 * H, True)], from_h * H)
    log(conn, [], 20 * H)
    found = rows(conn, serve(conn).at.generation)["suspicion"]
    assert [row["began_at"] for row in found] == [SPANNING]
    assert found[0]["ended_at"] is not None
    if dropped:
        engine.drop_log_before(conn, TOWN, at_h(from_h))
    assert differing(conn, from_h) == {}
