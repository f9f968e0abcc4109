"""`baycast doctor` against a real database and broker."""

import argparse
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from baycast.commands import doctor
from baycast.settings import UsageError, load
from store.postgres import connect
from store.workers import note_drops
from tests.support.brokers import Broker
from tests.support.ingesting import forbid_everything


def now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def examine(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    database: str,
    broker: str,
) -> tuple[int, dict[str, str]]:
    """Exit status, and the state of each line."""
    monkeypatch.setenv("BAYCAST_DATABASE_URL", database)
    monkeypatch.setenv("BAYCAST_MQTT_URL", broker)
    monkeypatch.setenv("BAYCAST_DATA_DIR", str(folder))
    status = doctor.run(
        argparse.Namespace(json=True, gaps=False, device=None, recount=False, sizes=False, area=None), load()
    )
    answer = json.loads(capsys.readouterr().out)
    assert answer["healthy"] == (status == 0)
    return status, {finding["what"]: finding["state"] for finding in answer["findings"]}


def gaps(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    database: str,
    *,
    device: str | None = None,
    limit: int = 50,
    as_json: bool = True,
) -> Any:
    monkeypatch.setenv("BAYCAST_DATABASE_URL", database)
    arguments = argparse.Namespace(json=as_json, gaps=True, device=device, limit=limit)
    assert doctor.run(arguments, load()) == 0
    out = capsys.readouterr().out
    return json.loads(out) if as_json else out


def register(database_url: str, watermark: datetime | None) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "INSERT INTO log_head (area, position, clock, watermark) VALUES ('town', 0, 'live', %s)",
            [watermark],
        )


def make_durable(database_url: str) -> None:
    """The tests' server has fsync off, which the doctor rightly finds wrong; synchronous_commit can be set."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        name = conn.info.dbname
        conn.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = on')


def test_a_fresh_watermark_is_well_and_missing_fsync_is_not(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    database_url: str,
    broker: Broker,
) -> None:
    register(database_url, now())
    make_durable(database_url)
    _, states = examine(monkeypatch, capsys, tmp_path, database_url, broker.url)
    wrong = {what for what, state in states.items() if state == "WRONG"}
    assert wrong <= {"fsync"}
    assert states["town: watermark"] == states["town: engine"] == states["broker"] == states["schema"] == "ok"


@pytest.mark.parametrize("age", [None, timedelta(seconds=40)])
def test_an_old_watermark_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    database_url: str,
    broker: Broker,
    age: timedelta | None,
) -> None:
    register(database_url, None if age is None else now() - age)
    status, states = examine(monkeypatch, capsys, tmp_path, database_url, broker.url)
    assert status == 1
    assert states["town: watermark"] == "WRONG"


def test_missing_migrations_are_wrong(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    empty_database_url: str,
    broker: Broker,
) -> None:
    status, states = examine(monkeypatch, capsys, tmp_path, empty_database_url, broker.url)
    assert status == 1
    assert states["schema"] == "WRONG"


def test_unreachable_services_are_two_lines_of_a_page_that_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, states = examine(
        monkeypatch, capsys, tmp_path, "postgresql://u:p@127.0.0.1:1/x", "mqtt://127.0.0.1:1"
    )
    assert status == 1
    assert states["database"] == states["broker"] == "WRONG"
    assert states["disk"] in {"ok", "WRONG"}


def add_worker(database_url: str, name: str, age: timedelta, *filters: str, stopped: bool = False) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "INSERT INTO ingest_worker (worker_id, canary_at, seen_at, stopped_at, filters)"
            " VALUES (%(name)s, %(at)s, %(at)s, %(stopped)s, %(filters)s)",
            {
                "name": name,
                "at": now() - age,
                "stopped": now() if stopped else None,
                "filters": list(filters),
            },
        )


def test_a_worker_that_is_away_may_hold_messages_and_is_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    database_url: str,
    broker: Broker,
) -> None:
    register(database_url, now())
    add_worker(database_url, "here", timedelta(), "$share/g/feed")
    add_worker(database_url, "killed", timedelta(minutes=5), "$share/g/feed")
    add_worker(database_url, "ended", timedelta(), "$share/g/feed", stopped=True)
    _, states = examine(monkeypatch, capsys, tmp_path, database_url, broker.url)
    assert states["ingest: here"] == "ok"
    assert states["ingest: killed"] == states["ingest: ended"] == "WRONG"
    assert "ingest: feed" not in states


def test_a_worker_that_never_committed_is_not_said_to_have(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    database_url: str,
    broker: Broker,
) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute("INSERT INTO ingest_worker (worker_id, seen_at) VALUES ('new', clock_timestamp())")
    _, states = examine(monkeypatch, capsys, tmp_path, database_url, broker.url)
    assert states["ingest: new"] == "WRONG"


def test_a_database_that_refuses_us_or_is_empty_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    database_url: str,
    empty_database_url: str,
    broker: Broker,
) -> None:
    with pytest.raises(UsageError, match="run `baycast migrate`"):
        gaps(monkeypatch, capsys, empty_database_url)
    forbid_everything(database_url)
    with pytest.raises(UsageError, match="permission denied"):
        gaps(monkeypatch, capsys, database_url)
    assert examine(monkeypatch, capsys, tmp_path, database_url, broker.url)[1]["database"] == "WRONG"


def test_a_feed_that_comes_more_than_once_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    database_url: str,
    broker: Broker,
) -> None:
    register(database_url, now())
    add_worker(database_url, "one", timedelta(), "feed")
    add_worker(database_url, "two", timedelta(), "$share/g/feed")
    _, states = examine(monkeypatch, capsys, tmp_path, database_url, broker.url)
    assert states["ingest: feed"] == "WRONG"


def test_what_a_broker_dropped_lately_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    database_url: str,
    broker: Broker,
) -> None:
    register(database_url, now())
    with connect(database_url) as conn, conn.cursor() as cur:
        # The first look has nothing to compare with; a broker that restarted counts anew.
        counters = [("a", 7), ("a", 7), ("a", 10), ("a", 4), ("b", 3), ("b", 0)]
        assert [note_drops(cur, broker_name, count) for broker_name, count in counters] == [0, 0, 3, 4, 0, 0]
    _, states = examine(monkeypatch, capsys, tmp_path, database_url, broker.url)
    assert states["broker a"] == "WRONG"
    assert "broker b" not in states


def test_gaps_are_listed_by_device_the_newest_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database_url: str
) -> None:
    add_seen(database_url, "old", 1, (0, 4), (6, 6))
    add_seen(database_url, "whole", 1, (0, 9))
    add_seen(database_url, "new", 1, (0, 0), (2, 2), (10, 10))
    add_seen(database_url, "new", 2, (5, 5))
    answer = gaps(monkeypatch, capsys, database_url)
    assert [
        (life["device_id"], life["boot"], life["missing"], life["holes"], life["last_from"], life["last_to"])
        for life in answer["lives"]
    ] == [("new", 1, 8, 2, 3, 9), ("old", 1, 1, 1, 5, 5)]
    one = gaps(monkeypatch, capsys, database_url, device="new")
    assert [(hole["boot"], hole["first"], hole["last"]) for hole in one["holes"]] == [(1, 3, 9), (1, 1, 1)]
    assert [life["device_id"] for life in one["lives"]] == ["new"]
    text = gaps(monkeypatch, capsys, database_url, limit=1, as_json=False).splitlines()
    assert text[0].startswith(
        "new  incarnation 0 boot 1: 8 missing in 2 holes, the last 3 to 9, noticed 2026-"
    )
    assert text[1] == "the first 1: there may be more, see --limit"
    with pytest.raises(UsageError, match="--limit"):
        gaps(monkeypatch, capsys, database_url, limit=0)


def add_seen(database_url: str, device: str, boot: int, *spans: tuple[int, int]) -> None:
    """A life with these numbers seen; the reading after each hole was received now."""
    seen = ",".join(f"[{first},{last}]" for first, last in spans)
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "INSERT INTO device_seen (device_id, incarnation, boot, seen) VALUES (%s, 0, %s, %s)",
            (device, boot, f"{{{seen}}}"),
        )
        for ordinal, (first, _) in enumerate(spans):
            conn.execute(
                "INSERT INTO reading (batch_id, ordinal, area, device_id, incarnation, boot, seq, kind, received_at,"
                " meaning) VALUES (nextval('log_batch_id'), %s, 'town', %s, 0, %s, %s, 'state', clock_timestamp(), 0)",
                (ordinal, device, boot, first),
            )
