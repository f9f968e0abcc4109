"""`baycast bench ingest` measures on servers of its own, and leaves nothing behind."""

import json
import shutil
import subprocess
import sys

import pytest

RATIOS = {"to_broker_c", "to_copy", "to_tutorial"}


def bench(*more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "baycast", "bench", "ingest", *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)


@pytest.mark.timeout(180)
def test_bench_ingest_prints_its_figures_as_one_object() -> None:
    done = bench("--json", "--messages", "2000", "--rounds", "1", "--devices", "50", "--seconds", "1")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])

    assert result["command"] == "bench ingest"
    if shutil.which("mosquitto_sub"):
        assert set(result["ratios"]) == RATIOS
        assert "notes" not in result
    else:
        assert set(result["ratios"]) == RATIOS - {"to_broker_c"}
        assert "mosquitto-clients" in result["notes"][0]
    figures = result["figures"]
    assert figures["durable_per_s"] > 100
    parts = {name: value for name, value in figures.items() if name.startswith("cpu_us.")}
    assert set(parts) == {f"cpu_us.{part}" for part in ("receive", "decode", "append", "ack", "other")}
    assert sum(parts.values()) == pytest.approx(figures["cpu_us_per_message"], rel=0.01)
    assert 0 < figures["publish_to_commit_p50_ms"] <= figures["publish_to_commit_p99_ms"] < 5000


def test_bench_ingest_refuses_a_plan_that_measures_nothing() -> None:
    done = bench("--messages", "0")

    assert done.returncode == 2
    assert done.stderr.startswith("baycast: bench ingest: --messages")
