"""`baycast forecast run` as a process: killed at any instant it changes nothing for readers, and it goes on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from api.config import ApiConfig
from baycast.settings import child_environment
from store.postgres import connect
from tests.support.api_server import running_api
from tests.support.derived_rows import DerivedRows, group
from tests.support.forecast_town import BEGAN, MINUTE, Town
from tests.support.waiting import eventually


@pytest.fixture
def town(database_url: str) -> Iterator[Town]:
    with DerivedRows(database_url) as rows, connect(database_url, autocommit=True) as conn:
        yield Town(rows, conn)


@contextmanager
def forecasting(database_url: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The role; killed with -9 at the end of the block."""
    env = child_environment(
        {
            "BAYCAST_DATABASE_URL": database_url,
            "BAYCAST_DATA_DIR": str(folder),
            "BAYCAST_FORECAST_METRICS_PORT": "0",
        }
    )
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "baycast", "forecast", "run"],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(20)


@pytest.mark.timeout(180)
def test_kill_9_changes_nothing_for_readers_and_each_forecast_is_scored_once(
    town: Town, database_url: str, tmp_path: Path
) -> None:
    town.has_evidence()
    town.written.commit_zones({"s0": [group(1, 3, terms={})], "s1": [group(4, 0, terms={})]}, watermark=BEGAN)
    with running_api(ApiConfig(database_url=database_url)) as api:
        with forecasting(database_url, tmp_path):
            for number in range(17):
                town.is_at(BEGAN + number * MINUTE)
                town.issued(BEGAN + number * MINUTE, within_s=60)
        last = BEGAN + 16 * MINUTE
        path = "/v1/zones/s0/forecast?arrive_in=15"
        told = api.until(
            path, lambda answer: answer.json()["points"][0]["issued_at"] == "2026-11-18T12:16:00Z"
        )
        point = told.json()["points"][0]
        assert (point["model"], point["source"], point["usable_capacity"]) == ("prior", "prior", 4)
        town.is_at(last + MINUTE + timedelta(seconds=30))
        api.until(path, lambda answer: answer.json()["issued_at"] == "2026-11-18T12:17:30Z")
        still = api.get(path).json()["points"][0]
        assert (still["issued_at"], still["data_age_s"]) == ("2026-11-18T12:16:00Z", 90)
        for _ in range(3):  # whenever it is killed: while it starts, issues or scores
            with forecasting(database_url, tmp_path) as process:
                assert process.poll() is None
                last += 10 * MINUTE
                town.is_at(last)
                town.issued(last, within_s=60)
        api.until(path, lambda answer: answer.json()["points"][0]["issued_at"] == "2026-11-18T12:46:00Z")
    with forecasting(database_url, tmp_path):
        town.is_at(last + 15 * MINUTE)
        scored = "SELECT count(*) FROM forecast_scoring WHERE scored_to >= '2026-11-18 12:45Z'"
        eventually(lambda: town.rows(scored) == [(1,)], 60)
    # Issued: 12:00 to 12:16, 12:26, 12:36, 12:46 and 13:01; each is in the sums once when its time has come.
    minutes = [*range(17), 26, 36, 46]
    ((to,),) = town.rows("SELECT scored_to FROM forecast_scoring")
    due = (to - BEGAN) // MINUTE
    for horizon in (5, 15, 30):
        ((forecasts,),) = town.rows(
            f"SELECT sum(forecasts) FROM forecast_score WHERE horizon_min = {horizon} AND zone_id = 's0'"
        )
        assert forecasts == sum(minute + horizon < due for minute in minutes), horizon


@pytest.mark.timeout(180)
def test_models_are_trained_in_a_child_process_and_taken_up(
    town: Town, database_url: str, tmp_path: Path
) -> None:
    town.has_evidence(timedelta(days=9))
    with forecasting(database_url, tmp_path) as process:
        town.issued(BEGAN, within_s=60)
        current = tmp_path / "forecast" / "cardiff" / "current"
        eventually(current.exists, 90, "a model")
        assert process.poll() is None
        town.is_at(BEGAN + MINUTE)
        issue = town.issued(BEGAN + MINUTE, within_s=60)
    assert issue.model == current.read_text()
    assert {source.value for source in issue.sources} == {"forecast"}
    assert issue.free[:, 0].tolist() == pytest.approx([0.25, 1], abs=0.05)
    assert "model taken up" in (tmp_path / "log").read_text()
