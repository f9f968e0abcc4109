"""`baycast bench rebuild` folds a log of its own and says how fast."""

from __future__ import annotations

import json
import subprocess
import sys


def test_it_folds_a_log_of_its_own_and_says_how_fast() -> None:
    command = [sys.executable, "-m", "baycast", "bench", "rebuild", "--readings", "1500", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["command"] == "bench rebuild"
    assert result["figures"]["readings"] == 1500
    assert result["figures"]["readings_per_s"] > 0
    assert 0 < result["figures"]["rss_max_mib"] < 512


def test_too_few_readings_are_refused_in_one_line() -> None:
    command = [sys.executable, "-m", "baycast", "bench", "rebuild", "--readings", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "--readings is at least 500" in done.stderr
