"""`baycast bench live` measures on whole systems of its own, and leaves nothing behind."""

import json
import subprocess
import sys
from typing import Any

import pytest

OTHERS = ("floor", "websockets", "starlette", "starlette_sansio")


def bench(*more: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "baycast", "bench", "live", "--json", *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["command"] == "bench live"
    return dict(result)


@pytest.mark.timeout(300)
def test_bench_live_prints_its_figures_as_one_object() -> None:
    result = bench(
        "--seconds", "3", "--zones", "60", "--bays", "1", "--clients", "20", "--rounds", "1", "--changes", "1"
    )

    figures = result["figures"]
    assert figures["missing"] == 0
    assert figures["messages"] > 20
    assert 0 < figures["publish_to_delta_p50_ms"] <= figures["publish_to_delta_p99_ms"] < 5000
    for kind in ("baycast", *OTHERS):
        told = {
            name: figures[f"fanout.20.{kind}.{name}"]
            for name in ("per_s", "p50_ms", "p99_ms", "cpu_us", "kib_per_client", "burst_ms")
        }
        assert told["per_s"] > 0
        assert 0 < told["p50_ms"] <= told["p99_ms"]
    # Nobody conflates for the others: each of 20 changes reaches everybody.
    assert figures["fanout.20.floor.burst_deliveries"] == 20 * 20
    assert {f"fanout_to_{other}.20" for other in OTHERS} < set(result["ratios"])
    assert {f"fanout_to_{other}_by_cpu" for other in OTHERS} < set(result["ratios"])


@pytest.mark.timeout(300)
def test_bench_live_counts_who_is_let_go_of() -> None:
    result = bench("--stalled", "--clients", "20", "--rounds", "1", "--seconds", "2")

    figures = result["figures"]
    assert figures["stalled.evicted"] == figures["stalled.evicted_with_4008"] == 2
    assert figures["stalled.evicted_worst_s"] < 30
    assert figures["stalled.rss_max_mib"] > 0
    assert result["ratios"]["stalled_p99"] > 0


@pytest.mark.timeout(300)
def test_bench_live_lets_all_come_back_to_a_killed_api() -> None:
    figures = bench("--storm", "--clients", "20")["figures"]

    assert figures["storm.resumed"] + figures["storm.snapshots"] == 20
    assert figures["storm.wrong"] == figures["storm.status_5xx"] == 0
    assert 0 < figures["storm.first_served_s"] <= figures["storm.served_s"]
    assert figures["storm.statements"] > 0


@pytest.mark.parametrize(
    "asked",
    [("--rate", "0"), ("--clients", "1"), ("--clients", "20", "--rounds", "0")],
)
def test_bench_live_refuses_a_plan_that_measures_nothing(asked: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "baycast", "bench", "live", *asked]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 2
    assert done.stderr.startswith(f"baycast: bench live: {asked[-2]}")
