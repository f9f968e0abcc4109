"""Appending to the log: once per reading (L2), gapless positions in commit order, the watermark, outages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from store.log import LogEntry, ReadingRow, Unfit, append, append_entries
from store.postgres import Connection, connect
from store.queries import sql

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as connection:
        with connection.transaction(), connection.cursor() as cur:
            append_entries(cur, "a", [LogEntry("registry", "area/a", {}, T0, "test")], clock="live")
            append_entries(cur, "e", [LogEntry("registry", "area/e", {}, T0, "test")], clock="event")
        yield connection


def row(
    device: str,
    seq: int,
    *,
    boot: int = 1,
    meaning: int = 1,
    area: str = "a",
    incarnation: int = 0,
    later_s: float | None = 0,
) -> ReadingRow:
    """Received at a moment that `seq` gives; read `later_s` after it, by a device without a clock if that is None."""
    at = T0 + timedelta(seconds=seq)
    return ReadingRow(
        area=area,
        device_id=device,
        incarnation=incarnation,
        boot=boot,
        seq=seq,
        kind="state",
        at=None if later_s is None else at + timedelta(seconds=later_s),
        age_ms=0 if later_s is None else None,
        received_at=at,
        occupied=True,
        cause="change",
        meaning=meaning,
        raw=b"{}",
    )


def stored(conn: Connection) -> list[tuple[str, int, int]]:
    found = conn.execute("SELECT device_id, boot, seq FROM reading ORDER BY 1, 2, 3").fetchall()
    return [(r[0], r[1], r[2]) for r in found]


def test_l2_a_reading_is_stored_once_by_any_path_and_any_time_apart(conn: Connection) -> None:
    with conn.transaction(), conn.cursor() as cur:
        done = append(cur, [row("d", 1), row("d", 2), row("d", 1)], {})
        assert (done.stored, done.duplicates, done.unfit.conflicts) == (2, 1, ())
    with conn.transaction(), conn.cursor() as cur:
        reset = row("d", 1, incarnation=1, later_s=60)
        done = append(cur, [row("d", 2), row("d", 3), row("d", 1, boot=2), reset], {})
        assert (done.stored, done.duplicates) == (3, 1)
    assert stored(conn) == [("d", 1, 1), ("d", 1, 1), ("d", 1, 2), ("d", 1, 3), ("d", 2, 1)]
    gaps = conn.execute(
        "SELECT boot, int8multirange(int8range(1, 10)) - seen FROM device_seen WHERE incarnation = 0 ORDER BY boot"
    ).fetchall()
    assert [(g[0], [(r.lower, r.upper) for r in g[1]]) for g in gaps] == [(1, [(4, 10)]), (2, [(2, 10)])]


def test_l2_the_same_key_with_another_meaning_is_a_conflict_and_the_first_stays(conn: Connection) -> None:
    with conn.transaction(), conn.cursor() as cur:
        done = append(cur, [row("d", 1), row("d", 1, meaning=2)], {})
        assert (done.stored, done.duplicates, done.unfit.conflicts) == (1, 0, (1,))
    with conn.transaction(), conn.cursor() as cur:
        assert append(cur, [row("d", 1), row("d", 1, meaning=3)], {}).unfit.conflicts == (1,)
    assert conn.execute("SELECT array_agg(meaning) FROM reading").fetchone() == ([1],)


def test_l2_what_is_delivered_again_after_a_new_incarnation_is_stored_once(conn: Connection) -> None:
    """The registry may say that a device was reset while its last messages are still on their way, or come again."""
    with conn.transaction(), conn.cursor() as cur:
        append(cur, [row("d", 1), row("d", 2), row("d", 3, later_s=None), row("other", 9)], {})
        append(cur, [row("d", 1, incarnation=1, later_s=60)], {})
    again = [
        row("d", 1, incarnation=2),  # of the life before the last
        row("d", 2, incarnation=2),
        row("d", 2, incarnation=2),
        row("d", 9, incarnation=2),  # said by another device only
        row("d", 2, incarnation=2, boot=2),
    ]
    with conn.transaction(), conn.cursor() as cur:
        done = append(cur, again, {})
        assert (done.stored, done.duplicates, done.unfit.conflicts) == (2, 3, ())
    new = [
        row("d", 1, incarnation=2, later_s=120),  # the new life counts from the beginning
        row("d", 2, incarnation=2, meaning=2),
        row("d", 3, incarnation=2, later_s=None),  # no moment: nothing tells the two lives apart
    ]
    with conn.transaction(), conn.cursor() as cur:
        done = append(cur, new, {})
        assert (done.stored, done.duplicates, done.unfit.conflicts) == (3, 0, ())
    with conn.transaction(), conn.cursor() as cur:
        assert append(cur, again + new, {}).stored == 0


def test_l2_only_a_later_incarnation_asks_for_earlier_lives(conn: Connection) -> None:
    asked: list[str] = []

    class Watching(psycopg.RawCursor[tuple[Any, ...]]):
        def execute(self, query: Any, *args: Any, **kwargs: Any) -> Watching:
            asked.append(query)
            super().execute(query, *args, **kwargs)
            return self

    with conn.transaction(), Watching(conn) as cur:
        append(cur, [row("d", 1), row("d", 2)], {})
        assert sql("log.echoes") not in asked
        append(cur, [row("d", 1, incarnation=1)], {})
        assert sql("log.echoes") in asked


def test_l2_a_life_that_saw_some_of_a_batch_stores_the_rest(conn: Connection) -> None:
    """A gateway sends again what it is not sure of, out of order and between new readings."""
    with conn.transaction(), conn.cursor() as cur:
        append(cur, [row("d", seq) for seq in (2, 3, 7)], {})
    batch = [
        row("d", 9),
        row("e", 2),
        row("d", 3),
        row("d", 1),
        row("d", 7, meaning=2),
        row("d", 9),
        row("e", 2),
    ]
    with conn.transaction(), conn.cursor() as cur:
        done = append(cur, batch, {})
    assert (done.stored, done.duplicates, done.unfit.conflicts) == (3, 3, (4,))
    assert stored(conn) == [*(("d", 1, seq) for seq in (1, 2, 3, 7, 9)), ("e", 1, 2)]
    seen = conn.execute("SELECT device_id, seen::text FROM device_seen ORDER BY 1").fetchall()
    assert seen == [("d", "{[1,4),[7,8),[9,10)}"), ("e", "{[2,3)}")]


def test_l2_workers_that_race_for_the_same_readings_store_each_once(
    conn: Connection, database_url: str
) -> None:
    """Four workers, the same 200 readings in four orders, small batches: no duplicate, no deadlock, no gap."""

    def work(offset: int) -> None:
        with connect(database_url) as own:
            for start in range(0, 200, 10):
                batch = [row(f"d{(n * 7 + offset) % 5}", (start + n + offset * 50) % 200) for n in range(10)]
                with own.transaction(), own.cursor() as cur:
                    append(cur, batch, {"a": T0 + timedelta(seconds=start)})

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    keys = stored(conn)
    assert len(keys) == len(set(keys))
    wanted = {
        (f"d{(n * 7 + o) % 5}", 1, (s + n + o * 50) % 200)
        for o in range(4)
        for s in range(0, 200, 10)
        for n in range(10)
    }
    assert set(keys) == wanted
    positions = [r[0] for r in conn.execute("SELECT position FROM log_batch WHERE area = 'a' ORDER BY 1")]
    assert positions == list(range(1, len(positions) + 1))
    heads = conn.execute("SELECT position FROM log_head WHERE area = 'a'").fetchone()
    assert heads == (positions[-1],)


def test_a_rolled_back_batch_uses_no_position(conn: Connection) -> None:
    with conn.cursor() as cur:
        append(cur, [row("d", 1)], {})
        conn.rollback()
    with conn.transaction(), conn.cursor() as cur:
        assert append(cur, [row("d", 1)], {}).positions == {"a": 2}


def test_one_batch_for_two_areas_gets_a_position_in_each(conn: Connection) -> None:
    with conn.transaction(), conn.cursor() as cur:
        done = append(cur, [row("d", 1), row("x", 1, area="e")], {"e": T0})
    assert done.positions == {"a": 2, "e": 2}
    assert conn.execute(
        "SELECT area, readings, watermark FROM log_batch WHERE position = 2 ORDER BY 1"
    ).fetchall() == [
        ("a", 1, None),
        ("e", 1, T0),
    ]


def test_the_watermark_never_moves_back_and_an_idle_canary_of_the_past_leaves_no_trace(
    conn: Connection,
) -> None:
    with conn.transaction(), conn.cursor() as cur:
        append(cur, [], {"a": T0 + timedelta(seconds=10)})
        assert append(cur, [], {"a": T0}).positions == {}
    assert conn.execute("SELECT watermark FROM log_head WHERE area = 'a'").fetchone() == (
        T0 + timedelta(seconds=10),
    )


def test_a_pipeline_that_was_down_is_a_log_entry_of_live_areas_only(conn: Connection) -> None:
    with conn.transaction(), conn.cursor() as cur:
        append(cur, [], {"a": T0, "e": T0})
        append(cur, [], {"a": T0 + timedelta(seconds=29), "e": T0 + timedelta(hours=3)})
        append(cur, [], {"a": T0 + timedelta(seconds=60)})
    found = conn.execute("SELECT area, doc FROM log_entry WHERE kind = 'outage'").fetchall()
    span = {"from": "2026-11-02T08:00:29+00:00", "to": "2026-11-02T08:01:00+00:00"}
    assert found == [("a", span)]


def test_an_area_without_a_log_is_named(conn: Connection) -> None:
    with (
        pytest.raises(LookupError, match="area nowhere has no log"),
        conn.transaction(),
        conn.cursor() as cur,
    ):
        append(cur, [row("d", 1, area="nowhere")], {})


def test_conflicts_are_dealt_with_before_a_head_is_locked(conn: Connection, database_url: str) -> None:
    """Who holds the head and then waits for a row of the quarantine would close a ring with its holder."""
    with conn.transaction(), conn.cursor() as cur:
        append(cur, [row("d", 1)], {})
    seen = []

    def still_free(unfit: Unfit) -> None:
        with connect(database_url) as other:
            other.execute("SELECT 1 FROM log_head WHERE area = 'a' FOR UPDATE NOWAIT")
        seen.append(unfit.conflicts)

    with conn.transaction(), conn.cursor() as cur:
        append(cur, [row("d", 1, meaning=2), row("d", 2)], {"a": T0}, on_unfit=still_free)
    assert seen == [(0,)]


def test_an_area_without_a_log_takes_nothing(conn: Connection) -> None:
    """Neither readings nor a watermark nor entries; nothing of the transaction is kept."""

    def readings(cur: psycopg.Cursor[tuple[Any, ...]]) -> None:
        append(cur, [row("d", 1, area="nowhere")], {})

    def watermark(cur: psycopg.Cursor[tuple[Any, ...]]) -> None:
        append(cur, [row("d", 1)], {"nowhere": T0})

    def entries(cur: psycopg.Cursor[tuple[Any, ...]]) -> None:
        append_entries(cur, "nowhere", [LogEntry("registry", "zone/z", None, T0, "test")])

    for attempt in (readings, watermark, entries):
        with (
            pytest.raises(LookupError, match="area nowhere has no log"),
            conn.transaction(),
            conn.cursor() as cur,
        ):
            attempt(cur)
    assert stored(conn) == []
    assert conn.execute("SELECT sum(position) FROM log_head").fetchone() == (2,)


def test_further_entries_need_no_clock(conn: Connection) -> None:
    with conn.transaction(), conn.cursor() as cur:
        _, position = append_entries(cur, "a", [LogEntry("registry", "zone/z", None, T0, "test")])
    assert position == 2
