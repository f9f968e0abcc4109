"""`baycast simulate` and `baycast replay` as people run them, with a real ingest behind the broker."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.brokers import Broker
from tests.support.ingesting import config_for, ingesting, quarantined, rows
from tests.support.waiting import eventually

RECORDED = """time,place,capacity,occupied
2024-05-01T08:00:00Z,North Hall,50,10
2024-05-01T08:05:00Z,North Hall,50,-1
2024-05-01T08:05:00Z,Süd,30,35
2024-05-01T08:10:00Z,North Hall,50,12
2024-05-01T08:10:00Z,North Hall,50,12
2024-05-01T08:15:00Z,Süd,30,
"""


class Cli:
    def __init__(self, database_url: str, broker: Broker, folder: Path) -> None:
        self.folder = folder
        self._env = os.environ | {
            "BAYCAST_DATABASE_URL": database_url,
            "BAYCAST_MQTT_URL": broker.url,
            "BAYCAST_DATA_DIR": str(folder / "data"),
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "baycast", *arguments]
        return subprocess.run(
            command,
            env=self._env,
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def cli(database_url: str, broker: Broker, tmp_path: Path) -> Cli:
    return Cli(database_url, broker, tmp_path)


def test_l2_replay_stores_every_row_once_or_says_why_not(cli: Cli, database_url: str, broker: Broker) -> None:
    path = cli.folder / "halls.csv"
    path.write_text(RECORDED)
    with ingesting(config_for(database_url, broker.url)):
        for _ in range(2):
            done = cli.run("replay", str(path), "--json")
            assert (done.returncode, done.stderr) == (0, "")
            result = json.loads(done.stdout.splitlines()[-1])
            figures = result["figures"]
            assert (result["command"], result["area"], result["clock"]) == (
                "replay",
                "halls",
                "2024-05-01T08:10:00Z",
            )
            assert (figures["rows"], figures["published"], figures["skipped_no_data"]) == (6, 5, 1)
            assert figures["stored"] == 1
            stored = rows(database_url, "SELECT device_id, count, capacity FROM reading ORDER BY at, 1")
            assert stored == [
                ("halls-north-hall-counter", 10, 50),
                ("halls-sued-counter", 35, 30),
                ("halls-north-hall-counter", 12, 50),
            ]
            assert set(quarantined(database_url)) == {"out_of_range"}
    assert rows(database_url, "SELECT clock, watermark::text FROM log_head WHERE area = 'halls'") == [
        ("event", "2024-05-01 08:10:00+00")
    ]


def test_simulate_registers_our_cardiff_and_plays_it_faster_as_an_event_area(
    cli: Cli, database_url: str, broker: Broker
) -> None:
    with ingesting(config_for(database_url, broker.url)):
        done = cli.run(
            *("simulate", "--area", "offline", "--speed", "120", "--bays", "40", "--duration", "3"),
            *("--start", "2026-10-14T09:00:00Z"),
        )
        assert done.returncode == 0, done.stderr
        assert "offline:" in done.stdout
        devices = "SELECT count(DISTINCT device_id) FROM reading WHERE kind = 'state'"
        eventually(lambda: rows(database_url, devices)[0][0] > 3)
        assert quarantined(database_url) == {}
    [(clock, at)] = rows(database_url, "SELECT clock, watermark::text FROM log_head WHERE area = 'offline'")
    assert clock == "event"
    assert at.startswith("2026-10-14 09:0")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("simulate", "--speed", "0"), "--speed is above 0"),
        (("simulate", "--bays", "-1"), "--bays is above 0"),
        (("replay", "nowhere.csv"), "nowhere.csv: no such file"),
        (("replay", "README.md"), "README.md: columns"),
        (("replay", "nowhere.csv", "--speed", "-2"), "--speed is above 0"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(cli: Cli, arguments: tuple[str, ...], problem: str) -> None:
    done = cli.run(*arguments)
    assert done.returncode == 2
    assert problem in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_second_simulator_of_the_same_area_is_refused(cli: Cli) -> None:
    assert cli.run("simulate", "--bays", "5", "--duration", "0.2").returncode == 0
    with (cli.folder / "data" / "simulator" / "cardiff.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = cli.run("simulate", "--bays", "5", "--duration", "0.2")
    assert (second.returncode, len(second.stderr.splitlines())) == (2, 1)
    assert "is played already" in second.stderr
    # What is registered does not stand in the way of a copy under another name.
    copy = cli.run("simulate", "--area", "offline", "--speed", "60", "--bays", "5", "--duration", "0.2")
    assert copy.returncode == 0, copy.stderr


def test_a_live_area_is_not_played_at_another_speed_nor_replayed_into(cli: Cli) -> None:
    assert cli.run("simulate", "--bays", "5", "--duration", "0.2").returncode == 0
    faster = cli.run("simulate", "--speed", "10")
    assert (faster.returncode, len(faster.stderr.splitlines())) == (2, 1)
    assert "keeps the real time" in faster.stderr
    path = cli.folder / "halls.csv"
    path.write_text(RECORDED)
    into = cli.run("replay", str(path), "--area", "cardiff")
    assert into.returncode == 2
    assert "cardiff keeps the real time" in into.stderr
