"""`baycast bench live` measures on a whole system of its own, and leaves nothing behind."""

import json
import subprocess
import sys

import pytest


@pytest.mark.timeout(180)
def test_bench_live_prints_its_figures_as_one_object() -> None:
    command = [
        sys.executable,
        "-m",
        "baycast",
        "bench",
        "live",
        "--json",
        "--seconds",
        "3",
        "--zones",
        "8",
        "--bays",
        "3",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])

    assert result["command"] == "bench live"
    assert set(result) == {"command", "version", "machine", "seed", "figures", "ratios"}
    figures = result["figures"]
    assert figures["missing"] == 0
    assert figures["messages"] > 20
    assert 0 < figures["publish_to_delta_p50_ms"] <= figures["publish_to_delta_p99_ms"] < 5000


def test_bench_live_refuses_a_plan_that_measures_nothing() -> None:
    command = [sys.executable, "-m", "baycast", "bench", "live", "--rate", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 2
    assert done.stderr.startswith("baycast: bench live: --rate")
