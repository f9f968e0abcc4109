"""Registry changes, restarts and late words together: the rows are the log's alone (L3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from occupancy import engine
from occupancy.batch import Batch
from occupancy.engine import EngineConfig
from occupancy.fold import AreaFold
from occupancy.registry import Registry
from store import tail
from store.log import LogEntry, append_entries
from store.postgres import Connection, connect
from store.queries import sql
from tests.integration.test_engine_rows import TOWN, log, register, rows, serve
from tests.support.folded import Folded
from tests.support.small_town import AREA, START, count, documents, passage, state

Document = tuple[str, str, dict[str, Any] | None]


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as connection:
        register(connection)
        yield connection


def change(conn: Connection, documents: Sequence[Document]) -> None:
    entries = [LogEntry("registry", f"{kind}/{id}", doc, START, "test") for kind, id, doc in documents]
    with conn.transaction(), conn.cursor() as cur:
        append_entries(cur, AREA, entries)


def castle() -> list[Document]:
    """The car park with its gates."""
    return [(kind, id, doc) for kind, id, doc in documents() if kind == "gate" or id == "castle"]


def without(documents: Sequence[Document]) -> list[Document]:
    return [(kind, id, None) for kind, id, _ in reversed(documents)]


def assert_a_rebuild_agrees(conn: Connection) -> None:
    found = rows(conn, 1)
    assert engine.rebuild(conn, TOWN, EngineConfig(database_url=""), compare=True).differing == ()
    assert rows(conn, 2) == found


def test_l3_a_gate_that_is_added_counts_at_once_and_after_a_restart_alike(conn: Connection) -> None:
    """Before its first word the count lives by the counter alone, whoever folds."""
    (gate,) = [document for document in castle() if document[1] == "g-out"]
    change(conn, without([gate]))
    log(conn, [count("g-count", 1, 0, 2), passage("g-in", 1, 10, "in")], 11)
    serve(conn)
    change(conn, [gate])
    serve(conn)
    log(conn, [passage("g-in", 2, 1400, "in")], 1401)
    log(conn, [], 2000)
    serve(conn)
    last = max(rows(conn, 1)["count_interval"], key=lambda row: row["started_at"])
    assert (last["occupied"], last["started_at"]) == (None, "2026-11-02T08:25:00+00:00")
    assert_a_rebuild_agrees(conn)


def test_l3_a_car_park_that_comes_back_starts_anew_also_after_a_restart(conn: Connection) -> None:
    log(conn, [count("g-count", 1, 0, 2)], 10)
    serve(conn)
    change(conn, without(castle()))
    serve(conn)
    change(conn, castle())
    serve(conn)
    log(conn, [], 70)
    assert serve(conn).fold.zones["castle"].counts.unknown == 5  # type: ignore[index]
    assert_a_rebuild_agrees(conn)


def test_l3_what_is_taken_out_and_put_back_within_a_page_is_written(conn: Connection) -> None:
    bay = [document for document in documents() if document[1] in ("high-st-0", "s0@high-st-0@always")]
    log(conn, [state("s0", 1, 0, True), count("g-count", 1, 0, 2)], 10)
    for taken_out in (castle(), bay):
        change(conn, without(taken_out))
        change(conn, taken_out)
    log(conn, [], 11)
    found = rows(conn, serve(conn).at.generation)
    assert {row["zone_id"] for row in found["zone_state"]} == {"castle", "high-st"}
    assert {row["bay_id"]: row["state"] for row in found["bay_state"]} == {"high-st-0": "occupied"}
    engine.rebuild(conn, TOWN, EngineConfig(database_url="", positions_per_page=1))
    assert rows(conn, 2) == found


def test_l3_the_backlog_of_several_batches_between_two_ticks_reaches_the_cells(conn: Connection) -> None:
    log(conn, [state("s0", 1, 0, True)], 5000)
    served = serve(conn)
    log(conn, [state("s0", 2, 1000, True, cause="heartbeat")])
    log(conn, [state("s0", 3, 2000, True, cause="heartbeat")])
    served.advance()
    log(conn, [], 5001)
    served.advance()
    found = rows(conn, served.at.generation)["zone_cell"]
    cells = [row["occupied_s"] for row in found if row["zone_id"] == "high-st"]
    assert cells == [900, 900, 900, 800, 0]


def test_l3_another_word_of_the_same_instant_reaches_the_cells(conn: Connection) -> None:
    log(conn, [state("s0", 1, 0, False)], 2000)
    serve(conn)
    log(conn, [state("s0", 2, 0, True), state("s0", 3, 1500, None)], 2001)
    log(conn, [], 2002)
    serve(conn)
    occupied = [row["occupied_s"] for row in rows(conn, 1)["zone_cell"] if row["zone_id"] == "high-st"]
    assert occupied == [900, 600]


def test_l3_words_of_the_same_instant_end_alike_in_one_batch_or_in_two() -> None:
    told = []
    words = [state("s0", 2, 10, False), state("s0", 3, 10, True, cause="heartbeat")]
    for batches in ([words], [[word] for word in words]):
        folded = Folded()
        folded.append([state("s0", 1, 10, True)], watermark_s=0)
        for batch in batches:
            folded.append(batch)
        told.append(folded.rows())
    assert told[0] == told[1]


def test_l3_cells_before_a_first_evidence_that_moved_on_go_with_any_page(conn: Connection) -> None:
    """The first word comes last and is younger than the second: nothing is known of the time before it."""
    log(conn, [state("s0", 2, 0, True)], 1600)
    log(conn, [state("s0", 1, 3400, False)], 3400)
    log(conn, [], 9000)
    for _ in range(3):
        serve(conn, positions_per_page=1)
    found = rows(conn, 1)
    assert min(row["cell_at"] for row in found["zone_cell"]) == "2026-11-02T08:45:00+00:00"
    engine.rebuild(conn, TOWN, EngineConfig(database_url="", positions_per_page=500))
    assert rows(conn, 2) == found


def test_a_word_before_the_first_watermark_waits_for_the_rules() -> None:
    rule = {"area_id": AREA, "use": "no_parking", "days": "mon-sun", "starts": "08:00", "ends": "18:00"}
    docs: list[tuple[str, str, dict[str, Any]]] = [("rule", "r", rule)]
    docs += [(kind, id, doc | {"rule_ids": ["r"]} if kind == "bay" else doc) for kind, id, doc in documents()]
    folded = Folded(sorted(docs, key=lambda doc: doc[0] not in ("area", "rule")))
    folded.append([state("s0", 1, 0, True)])
    assert folded.bays["high-st-0"].state == "occupied"
    folded.append(watermark_s=1)
    assert folded.bays["high-st-0"].state == "closed"


def test_a_change_that_alters_no_rows_reopens_nothing() -> None:
    """Years of rows must not be folded again because a name was corrected or a sign was put up."""
    fold = AreaFold(Registry())
    fold.apply(Batch(position=1, changes=documents()))
    fold.apply(
        Batch(
            position=2,
            watermark=START + timedelta(hours=2),
            readings=[state("s0", 1, 0, True), count("g-count", 1, 0, 2)],
        )
    )
    fold.take_page()
    named = {"en": "New name"}
    sign = {
        "area_id": AREA,
        "name": named,
        "zone_ids": ["castle"],
        "lat": 51.5,
        "lon": -3.2,
    }
    changes = [
        (kind, id, doc | ({"name": named} if kind in ("area", "zone") else {"model": "other"}))
        for kind, id, doc in documents()
        if kind in ("area", "zone", "sensor")
    ]
    batch = Batch(position=3, changes=[*changes, ("sign", "north", sign)])
    assert not fold.needs(batch)
    fold.apply(batch)
    assert fold.page.dirty_cells == {}
    capacity = next(doc for _, id, doc in documents() if id == "castle") | {"capacity": 9}
    assert fold.needs(Batch(position=4, changes=[("zone", "castle", capacity)])).car_parks == {"castle": None}


def test_a_late_word_of_a_gate_does_not_read_all_there_ever_was(conn: Connection) -> None:
    log(conn, [passage("g-in", 1, 5, "in")], 10)  # a hypertable has no plan before its first chunk
    conn.execute("SET enable_seqscan = off")
    arguments = (["g-in"], START, AREA, 1)
    plan = conn.execute(f"EXPLAIN {sql('folds.count_events')}", arguments).fetchall()
    assert any("reading_of_gates" in line for (line,) in plan)


def test_l4_what_a_sensor_said_of_one_bay_says_nothing_about_the_next(conn: Connection) -> None:
    """A sensor that is moved must speak first; a binding that only goes on by another document changes nothing."""
    (s0,) = [document for document in documents() if document[1] == "s0@high-st-0@always"]
    spare = [document for document in documents() if document[1] == "s1@high-st-1@always"]
    renewed, moved = "2026-11-02T08:05:00Z", "2026-11-02T08:10:00Z"
    own = {"area_id": AREA, "device_id": "s0"}
    log(conn, [state("s0", 1, 0, False)], 10)
    changes: list[Document] = [
        *without(spare),
        ("binding", s0[1], {**own, "bay_id": "high-st-0", "valid_to": renewed}),
        (
            "binding",
            f"s0@high-st-0@{renewed}",
            {**own, "bay_id": "high-st-0", "valid_from": renewed, "valid_to": moved},
        ),
        ("binding", f"s0@high-st-1@{moved}", {**own, "bay_id": "high-st-1", "valid_from": moved}),
    ]
    change(conn, changes)
    log(conn, [], 310)
    assert serve(conn).fold.sensed.states["high-st-0"].state == "free"  # type: ignore[index]
    log(conn, [], 660)
    assert serve(conn).fold.sensed.states["high-st-1"].state == "unknown"  # type: ignore[index]
    log(conn, [state("s0", 2, 700, True)], 710)
    assert serve(conn).fold.sensed.states["high-st-1"].state == "occupied"  # type: ignore[index]
    (stay,) = rows(conn, 1)["stay"]
    assert (stay["arrived_at"], stay["arrival"]) == ("2026-11-02T08:11:40+00:00", "censored")
    assert_a_rebuild_agrees(conn)


def test_a_long_history_is_not_cut_off(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits that end a stuck session would end the folding of years each time anew."""
    log(conn, [count("g-count", 1, 0, 2)], 10)
    served = serve(conn)
    limits = []
    found = tail.readings_of_gates

    def asked(cur: Any, *arguments: Any) -> Any:
        cur.execute("SELECT current_setting('idle_in_transaction_session_timeout')")
        limits.extend(cur.fetchone())
        return found(cur, *arguments)

    monkeypatch.setattr(tail, "readings_of_gates", asked)
    change(conn, [(k, i, d | {"capacity": 9}) for k, i, d in documents() if i == "castle"])
    served.advance()
    assert limits == ["15min"]
    assert conn.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("1min",)
