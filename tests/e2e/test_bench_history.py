"""`baycast bench history` makes a short year, folds, revises and recounts it, and asks a real API about it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def bench(*more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "baycast", "bench", "history", "--streets-only", "--json", *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def test_it_measures_a_year() -> None:
    done = bench("--days", "4", "--bays", "30", "--seed", "3")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    figures = result["figures"]
    assert (result["command"], result["seed"]) == ("bench history", 3)
    assert figures["differing_cells"] == 0
    assert figures["readings"] > 600
    assert figures["stays"] > 200
    assert figures["revisions_rebuilt"] == 0
    assert figures["revisions"] == figures["revisions_late"] > 0
    assert figures["stream_year_rows"] == 4 * 288
    timed = (
        "zone_year_hour_p95_ms",
        "zone_year_hour_page_p95_ms",
        "area_year_day_p95_ms",
        "zone_year_hour_cold_ms",
    )
    rates = ("write_readings_per_s", "fold_readings_per_s", "bytes.reading", "bytes.history_final")
    assert all(figures[name] > 0 for name in (*timed, *rates))
    for stage in ("are in the log", "folded", "rebuilding", "came late", "anew", "asking", "streaming"):
        assert stage in done.stderr


def test_a_kept_year_is_asked_again_without_counting_it_anew(tmp_path: Path) -> None:
    year = ("--days", "4", "--bays", "10", "--keep", str(tmp_path), "--no-recount")
    for _ in range(2):
        done = bench(*year)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["figures"]["differing_cells"] is None
        assert "anew" not in done.stderr
    assert "folded" not in done.stderr


def test_wrong_numbers_are_one_line_and_status_2() -> None:
    for arguments, problem in ((("--days", "3"), "--days is from 4"), (("--keep",), "--keep needs a folder")):
        done = bench(*arguments)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
        assert problem in done.stderr
