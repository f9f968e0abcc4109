"""`baycast doctor` against a real database and broker."""

import argparse
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from baycast.commands import doctor
from baycast.settings import load
from tests.support.brokers import Broker


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
    status = doctor.run(argparse.Namespace(json=True), load())
    answer = json.loads(capsys.readouterr().out)
    assert answer["healthy"] == (status == 0)
    return status, {finding["what"]: finding["state"] for finding in answer["findings"]}


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
