"""Learning from closed days and suspicions on the real database: once a day, over restarts, by rebuild (L3)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle, pairwise
from typing import Any

import msgspec
import pytest

from baycast.cli import main
from occupancy import engine
from occupancy.engine import EngineConfig
from occupancy.engine.learning import learn_when_due, learner
from occupancy.engine.metrics import LEARNING_FAILURES
from occupancy.learnt import learnt_doc
from occupancy.model import BayId, DeviceId, ReadingKey, StateReading
from occupancy.spells import ALL
from store import cells, generation, learnt, suspicions
from store.log import LogEntry, append_entries
from store.postgres import Connection, connect
from store.registry import Change, apply
from tests.integration.test_engine_rows import TOWN, log, rows, serve
from tests.support.lessons import drifting, lesson
from tests.support.small_town import AREA, START, documents, state
from tests.support.waiting import eventually

DAY_S = 86_400
BAYS = 10


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as connection:
        docs = [
            (kind, id, {**doc, "expected_heartbeat_s": 40_000} if kind == "sensor" else doc)
            for kind, id, doc in documents(BAYS)
        ]
        entries = [LogEntry("registry", f"{kind}/{id}", doc, START, "test") for kind, id, doc in docs]
        with connection.transaction(), connection.cursor() as cur:
            append_entries(cur, AREA, entries, clock="live")
        yield connection


def busy(device: str, days: int, *, stuck_s: float | None = None) -> list[StateReading]:
    """Short stays with long pauses, not when others have theirs; from `stuck_s` on, taken, and repeated."""
    found: list[StateReading] = []
    at, seq = 1000.0 * int(device[1:]), 0
    lasts = cycle((1500, 7000, 3000, 9000, 900, 20_000, 5000, 12_000, 3000))
    while at < days * DAY_S:
        stuck = stuck_s is not None and at >= stuck_s
        again = stuck and found[-1].occupied
        seq += 1
        occupied = stuck or seq % 2 == 1
        found.append(state(device, seq, at, occupied, cause="heartbeat" if again else "change"))
        at += 6 * 3600 if stuck else next(lasts)
    return found


def play(conn: Connection, readings: list[StateReading], until_s: float, *, restarts: bool = False) -> None:
    """The log as it grows by the hour, an engine beside it, and what is learnt when days have closed."""
    asked: dict[Any, Any] = {}
    at = 0.0
    while at <= until_s:
        log(conn, [r for r in readings if at - 3600 < (r.received_at - START).total_seconds() <= at], at)
        if at % (6 * 3600 if restarts else DAY_S) == 0:
            serve(conn)
            learn_when_due(conn, TOWN, asked)
            if restarts:
                asked.clear()
        at += 3600
    serve(conn)


def test_l3_closed_days_teach_once_a_day_and_a_rebuild_learns_nothing(conn: Connection) -> None:
    play(conn, [r for n in range(BAYS) for r in busy(f"s{n}", 3)], 3 * DAY_S, restarts=True)
    entries = conn.execute("SELECT key FROM log_entry WHERE kind = 'learnt' ORDER BY key").fetchall()
    assert entries == [(f"2026-11-0{day}",) for day in range(3, 6)]
    with conn.transaction(), conn.cursor() as cur:
        known = learnt.newest(cur, TOWN, 10**9, 9)
    seen = [sum(one.spells.kinds[ALL].ends[1]) for one in known]
    assert 0 < seen[0] < seen[1] < seen[2]
    assert known[-1].short_spells == {"standard": 0.0, "high-st standard": 0.0}
    conn.commit()
    assert engine.rebuild(conn, TOWN, EngineConfig(database_url=""), compare=True).differing == ()
    assert conn.execute("SELECT count(*) FROM log_entry WHERE kind = 'learnt'").fetchone() == (3,)


def test_l3_restarts_give_the_rows_of_one_engine(conn: Connection, database_url: str) -> None:
    flaps = [
        msgspec.structs.replace(
            state("s0", 1, 0, True), key=ReadingKey(0, 2, n), at=at, received_at=at, occupied=n % 2 == 0
        )
        for n in range(40)
        for at in (START + timedelta(days=1, hours=9, seconds=n * 300),)
    ]
    blind = [
        msgspec.structs.replace(word, device_id="s3", occupied=True if word.occupied else None)
        for word in flaps
    ]
    readings = [*busy("s0", 1), *flaps, *busy("s3", 1), *blind, *busy("s1", 2, stuck_s=DAY_S + 7200.0)]
    readings += [word for n in (2, *range(4, BAYS)) for word in busy(f"s{n}", 2)]
    with conn.transaction(), conn.cursor() as cur:
        entry = learnt_doc(lesson(START + timedelta(minutes=10), unreliable=(drifting("high-st-2", "s2"),)))
        append_entries(cur, AREA, [LogEntry("learnt", "2026-11-02", entry, START, "engine")])
    play(conn, readings, 2 * DAY_S, restarts=True)
    found = rows(conn, 1)
    assert {row["kind"] for row in found["suspicion"]} == {"chatter", "implausible", "drift"}
    with conn.transaction(), conn.cursor() as cur:
        at = generation.live_generation(cur, TOWN, engine.ENGINE_VERSION)
        bays = [BayId("high-st-0"), BayId("high-st-3")]
        [(key, ends)] = suspicions.load_short_spells(cur, at, bays, START + timedelta(days=1)).items()
        since = START + timedelta(days=1, hours=9, seconds=450)
        held = cells.held_since(cur, at, bays, since)
    assert (key, len(ends)) == (("high-st-0", "s0"), 39), "what ends in the unknown is no spell"
    own = held[BayId("high-st-0"), DeviceId("s0")]
    assert own[0].started_at < since < own[1].started_at, "the one before, and what began since"
    assert all(one.ended_at == then.started_at for one, then in pairwise(own))
    assert own[-1].ended_at is None
    shown = {row["bay_id"]: row for row in found["bay_state"]}["high-st-1"]
    assert (shown["state"], shown["reason"][:38]) == ("unknown", "suspect (implausible): occupied since ")
    assert engine.rebuild(conn, TOWN, EngineConfig(database_url=""), compare=True).differing == ()


def test_one_entry_a_day_whoever_learns(conn: Connection, database_url: str) -> None:
    play(conn, busy("s0", 1), DAY_S)
    with conn.transaction(), conn.cursor() as cur:
        [known] = learnt.newest(cur, TOWN, 10**9, 5)
    head = conn.execute("SELECT position FROM log_head").fetchone()
    conn.commit()
    assert not learnt.enter(conn, TOWN, known)
    assert conn.execute("SELECT position FROM log_head").fetchone() == head, "no position is used for nothing"
    conn.commit()
    outcomes = []

    def enter() -> None:
        with connect(database_url) as own:
            outcomes.append(learnt.enter(own, TOWN, _on_another_day(known)))

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False, False, False, True]


def test_an_entry_holds_after_everything_that_is_in_the_log(conn: Connection) -> None:
    play(conn, busy("s0", 1), DAY_S)
    log(conn, [], 5 * DAY_S)
    with conn.transaction(), conn.cursor() as cur:
        [known] = learnt.newest(cur, TOWN, 10**9, 5)
    assert learnt.enter(conn, TOWN, _on_another_day(known))
    with conn.transaction(), conn.cursor() as cur:
        newest = learnt.newest(cur, TOWN, 10**9, 1)[0]
    assert newest.holds_from > START + timedelta(days=5)


def test_the_engine_learns_beside_serving(conn: Connection, database_url: str) -> None:
    for at in range(0, DAY_S + 1, 7200):
        log(conn, [r for r in busy("s0", 1) if at - 7200 < (r.at - START).total_seconds() <= at], at)  # type: ignore[operator]
    serve(conn)
    with learner(EngineConfig(database_url=database_url, learn_every_s=0.01)):

        def entered() -> bool:
            found = conn.execute("SELECT count(*) FROM log_entry WHERE kind = 'learnt'").fetchone()
            conn.commit()
            return found == (1,)

        eventually(entered, what="an entry of the log")


def test_what_goes_wrong_while_learning_is_counted_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    config = EngineConfig(
        database_url="postgresql://nobody@127.0.0.1:1/none", learn_every_s=0.01, beside_again_s=0.01
    )

    def failures() -> float:
        found: float = LEARNING_FAILURES._value.get()  # the counter's own value, which has no public reader
        return found

    before = failures()
    with learner(config):
        eventually(lambda: failures() >= before + 2, what="a second try")
    assert "learning failed" in caplog.text


def _on_another_day(known: Any) -> Any:
    return msgspec.structs.replace(known, day=known.day + timedelta(days=7))


def test_suspect_sensors_are_listed_for_maintenance_and_on_the_doctors_page(
    conn: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BAYCAST_DATABASE_URL", database_url)
    registry = [Change(kind, id, doc) for kind, id, doc in documents(BAYS)]
    apply(conn, registry, entered_by="test", entered_at=START)
    with conn.transaction(), conn.cursor() as cur:
        entry = learnt_doc(lesson(START + timedelta(minutes=10), unreliable=(drifting("high-st-2", "s2"),)))
        append_entries(cur, AREA, [LogEntry("learnt", "2026-11-02", entry, START, "engine")])
    log(conn, [state("s2", 1, 60, True), state("s1", 1, 60, False)], 60)
    log(conn, [], 900)
    serve(conn)
    assert main(["sensors", "--suspect"]) == 0
    assert capsys.readouterr().out == (
        "s2 (high-st-2, ir-flush): occupied, heard 2026-11-02 08:01Z, 0% missed: "
        "suspect (drift) since 2026-11-02 08:10:00Z: taken 100% of a day\n"
    )
    assert main(["sensors", "--json", "--area", AREA]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["device_id"] for one in listed["sensors"]][:3] == ["s2", "s0", "s3"]
    assert listed["sensors"][0]["suspicions"][0]["evidence"] == {"usual": 0.0, "spread": 0.1}
    assert listed["sensors"][1]["defects"] == ["never heard"]
    main(["doctor"])
    page = capsys.readouterr().out
    assert "1 drift in town" in page
    assert "town: learnt" in page
    assert "last on 2026-11-02" in page
    assert main(["sensors", "--area", "nowhere"]) == 2


def test_l3_a_late_word_publishes_no_overstay_that_was_held_back_weeks_ago(conn: Connection) -> None:
    limit = {"area_id": AREA, "use": "limited_waiting", "days": "mon-sun", "max_stay_min": 60}
    [bay] = [{**doc, "rule_ids": ["limit"]} for _, id, doc in documents(BAYS) if id == "high-st-1"]
    begins = START + timedelta(minutes=20)
    suspect = lesson(begins, ends_per_h=0.01, unreliable=(drifting("high-st-1", "s1"),))
    cleared = lesson(START + timedelta(hours=6), ends_per_h=0.01)
    for kind, key, doc in (
        ("registry", "rule/limit", limit),
        ("registry", "bay/high-st-1", bay),
        ("learnt", "2026-11-02", learnt_doc(suspect)),
        ("learnt", "2026-11-03", learnt_doc(cleared)),
    ):
        with conn.transaction(), conn.cursor() as cur:
            append_entries(cur, AREA, [LogEntry(kind, key, doc, START, "test")])
    edges = [state("s1", 1, 60, False), state("s1", 2, 3600, True), state("s1", 3, 14_400, False)]
    for edge, at in zip(edges, (60, 3600, 14_400), strict=True):
        log(conn, [edge], at + 1)
    halves = [state("s1", 4 + n, n * DAY_S / 2, False, cause="heartbeat") for n in range(1, 29)]
    late = halves[-2]
    for day in range(1, 15):
        words = [word for word in halves[2 * day - 2 : 2 * day] if word is not late]
        log(conn, words, day * DAY_S + 2)
        serve(conn)
    before = rows(conn, 1)["overstay"]
    log(conn, [late], 14 * DAY_S + 60)
    serve(conn)
    assert [row["state"] for row in before] == ["confirmed"]
    assert rows(conn, 1)["overstay"] == before
    assert engine.rebuild(conn, TOWN, EngineConfig(database_url=""), compare=True).differing == ()
