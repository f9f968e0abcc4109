"""Of what signs were told and said what is too old goes; what counts still stays, however old it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from baycast.cli import main
from occupancy.engine import EngineConfig, retain_sign_records
from occupancy.engine.retaining import SignRetention, retainer
from occupancy.retention import Retention
from store.copying import Cursor
from store.postgres import Connection, connect
from store.registry import Change, apply
from store.retention import drop_sign_records
from tests.integration.test_engine_rows import serve
from tests.integration.test_rebuild_from import begin, play
from tests.support.eventful_days import EventfulDays, town
from tests.support.small_town import START
from tests.support.waiting import eventually

LIMITS = Retention(signs_months=2)


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as connection:
        yield connection


def tell(conn: Connection, sign_id: str, *days_ago: float) -> None:
    """Frames that were made so long ago."""
    for days in days_ago:
        conn.execute(
            "INSERT INTO sign_frame (sign_id, sequence, issued_at, ttl_s, state, pages, versions)"
            " SELECT $1, (extract(epoch FROM at) * 1000)::bigint, at, 60, 'UNKNOWN', '[]', '{}'"
            " FROM (SELECT now() - $2 * interval '1 day' AS at) AS made",
            (sign_id, days),
        )
    conn.commit()


def said(conn: Connection, sign_id: str, *days_ago: tuple[float, float]) -> None:
    """What a sign said from when to when."""
    for first, last in days_ago:
        conn.execute(
            "INSERT INTO sign_shown (sign_id, first_at, last_at, faults, verdict, via, silent_after_s)"
            " VALUES ($1, now() - $2 * interval '1 day', now() - $3 * interval '1 day', '{}', 'agrees', 'mqtt', 180)",
            (sign_id, first, last),
        )
    conn.commit()


def kept(conn: Connection, table: str, began: str) -> list[tuple[str, int]]:
    """By sign, how many days ago each record that is left began."""
    rows = conn.execute(
        f"SELECT sign_id, round(extract(epoch FROM now() - {began}) / 86400)::int FROM {table} ORDER BY 1, 2"
    ).fetchall()
    conn.commit()
    return [(sign_id, days) for sign_id, days in rows]


def test_what_is_too_old_goes_but_the_last_of_each_sign(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.retention.AT_ONCE", 2)  # so that it takes several transactions
    tell(conn, "a", 400, 390, 100, 64, 57, 1)  # two months are 59 to 62 days
    tell(conn, "b", 300, 200)
    said(conn, "a", (400, 390), (380, 65), (64, 50), (1, 0))
    said(conn, "b", (300, 300), (290, 280))
    assert retain_sign_records(conn, Retention()) is None
    assert len(kept(conn, "sign_frame", "issued_at")) == 8
    kept_from = retain_sign_records(conn, LIMITS, dry_run=True)
    assert len(kept(conn, "sign_frame", "issued_at")) == 8
    assert kept_from is not None
    assert timedelta(days=58) < datetime.now(kept_from.tzinfo) - kept_from < timedelta(days=63)

    assert retain_sign_records(conn, LIMITS) is not None
    assert kept(conn, "sign_frame", "issued_at") == [("a", 1), ("a", 57), ("b", 200)]
    assert kept(conn, "sign_shown", "first_at") == [("a", 1), ("a", 64), ("b", 290)]


def test_what_fails_is_tried_again(
    conn: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(conn, begin(conn, EventfulDays(5, days=0.2)))
    serve(conn)
    tell(conn, "a", 100, 1)
    asked: list[str] = []

    def drop(cur: Cursor, *, statement: str, before: datetime) -> bool:
        asked.append(statement)
        if len(asked) == 1:
            raise OSError("the connection is gone")
        return drop_sign_records(cur, statement=statement, before=before)

    monkeypatch.setattr("store.retention.drop_sign_records", drop)
    config = EngineConfig(
        database_url=database_url, retention=LIMITS, retain_every_s=0.01, beside_again_s=0.01
    )
    with retainer(config):
        eventually(lambda: kept(conn, "sign_frame", "issued_at") == [("a", 1)])


def test_it_goes_where_no_area_ever_had_a_watermark(conn: Connection, database_url: str) -> None:
    begin(conn, EventfulDays(5, days=0.2))
    assert conn.execute("SELECT count(*) FROM log_head WHERE watermark IS NOT NULL").fetchall() == [(0,)]
    tell(conn, "a", 100, 1)
    with retainer(EngineConfig(database_url=database_url, retention=LIMITS, retain_every_s=0.01)):
        eventually(lambda: kept(conn, "sign_frame", "issued_at") == [("a", 1)])


def test_by_command_it_goes_before_an_area_without_a_watermark_is_refused(
    conn: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BAYCAST_DATABASE_URL", database_url)
    documents = [Change(kind, id, doc) for kind, id, doc in town("live")]
    apply(conn, documents, entered_by="test", entered_at=START)
    tell(conn, "a", 1000, 1)
    assert main(["retention"]) == 2
    assert capsys.readouterr().out.startswith("signs: kept: frames and readbacks from ")
    assert kept(conn, "sign_frame", "issued_at") == [("a", 1)]


def test_it_goes_once_a_day_of_the_clock(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    began = datetime.now(UTC)
    signs = SignRetention(LIMITS)

    def left_after(passed: timedelta) -> list[tuple[str, int]]:
        monkeypatch.setattr("store.retention.clock", lambda _cur: began + passed)
        signs.retain_when_due(conn)
        return kept(conn, "sign_frame", "issued_at")

    tell(conn, "a", 100, 1)
    assert left_after(timedelta()) == [("a", 1)]
    tell(conn, "a", 80)
    assert left_after(timedelta(days=1, seconds=-1)) == [("a", 1), ("a", 80)]
    assert left_after(timedelta(days=1)) == [("a", 1)]
