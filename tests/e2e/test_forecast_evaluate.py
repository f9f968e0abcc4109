"""`baycast forecast evaluate` on a file that anybody may have: its figures, and what it says of files that are none."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.support.panels import STEP, town

MONDAY = datetime(2026, 6, 1)  # noqa: DTZ001 - by the clock on the wall
BAYS = 40


def evaluate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "baycast", "forecast", "evaluate", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three car parks that fill, half-hourly for eight weeks."""
    path, panel = tmp_path_factory.mktemp("forecast") / "town.csv", town(56, places=3, noise=0.1)
    with path.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["time", "place", "capacity", "occupied"])
        for step, shares in enumerate(panel.shares):
            at = MONDAY + step * STEP + timedelta(minutes=2)
            rows.writerows(
                [at, f"p{n}", BAYS, min(BAYS, round(BAYS * 1.2 * share))] for n, share in enumerate(shares)
            )
    return path


def test_it_scores_ours_beside_the_baselines(file: Path) -> None:
    done = evaluate(str(file), "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    figures = result["figures"]
    assert (result["command"], result["protocol"]) == ("forecast evaluate", "rolling4")
    assert (figures["places"], figures["days"], figures["leaks"]) == (3, 56, 0)
    for horizon in ("30m", "1h", "2h"):
        ours = figures[f"mae.{horizon}.baycast"]
        for name in ("persistence", "last_week", "time_of_week"):
            assert ours < figures[f"mae.{horizon}.{name}"], (horizon, name)
        # The town is made by the very formula of this one, which nothing can beat: little is lost to learning.
        assert ours < 1.04 * figures[f"mae.{horizon}.decayed_residual"], horizon
    assert 0.8 < figures["coverage90.1h"] < 0.97
    assert figures["brier_skill_filling.30m"] > 0.2
    assert "mae.5m.baycast" not in figures  # the file is too coarse


def test_a_split_is_a_day_of_the_file(file: Path) -> None:
    done = evaluate(str(file), "--protocol", "split:2026-07-20")
    assert done.returncode == 0, done.stderr
    assert "mae.1h.baycast" in done.stdout


def test_the_last_fifth_is_forecast_at_each_full_hour(file: Path) -> None:
    done = evaluate(str(file), "--protocol", "hourly80", "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)["figures"]
    assert figures["days_before"] == 45
    assert figures["forecasts.8h"] == 11 * 24 * 3
    assert "mae.30m.baycast" not in figures
    for horizon in ("1h", "8h"):
        assert 0.2 < figures[f"within3.{horizon}.baycast"] < figures[f"within4.{horizon}.baycast"] < 1.0
        assert figures[f"within3.{horizon}.baycast"] > figures[f"within3.{horizon}.persistence"]


def test_what_is_said_before_anything_was_learnt_is_held_against_a_half(file: Path) -> None:
    done = evaluate(str(file), "--protocol", "untaught", "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)["figures"]
    assert (figures["days"], figures["days_before"], figures["leaks"]) == (14, 0, 0)
    for horizon in ("1h", "24h", "unseen"):
        assert figures[f"forecasts.{horizon}"] > 0
        assert figures[f"mae.{horizon}.baycast"] != figures[f"mae.{horizon}.half"]
        assert 0.5 < figures[f"coverage90.{horizon}"] <= 1


@pytest.mark.parametrize(
    ("protocol", "problem"),
    [
        ("split:2027-01-01", "2027-01-01 is not after"),
        ("tomorrow", "one of rolling4"),
        ("split:soon", "split:soon"),
    ],
)
def test_protocols_that_are_none(file: Path, protocol: str, problem: str) -> None:
    done = evaluate(str(file), "--protocol", protocol)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert problem in done.stderr


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("when,place,free\n2026-01-01 00:00:00,a,1\n", "no column 'time'"),
        ("time,place,bays\n2026-01-01 00:00:00,a,1\n", "neither a column 'occupied' nor 'free'"),
        ("time,place,occupied\n2026-01-01 00:00:00,a,1\n", "no column 'capacity'"),
        ("time,place,free\nyesterday,a,1\n", "time"),
        ("time,place,free\n", "no row has a time and a place"),
        ("time,place,free\n2026-01-01 00:00:00,a,1\n", "two weeks are needed"),
        ("time,place,capacity,occupied\n2026-01-01,a,0,1\n2026-03-01,a,0,1\n", "of no place it is known"),
        ("time,place,free\n2026-01-01 00:00:00,a,many\n", "free"),
    ],
)
def test_files_that_are_none(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    done = evaluate(str(path))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert problem in done.stderr


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = evaluate(str(tmp_path / "none.csv"))
    assert done.returncode == 2
    assert "none.csv" in done.stderr
