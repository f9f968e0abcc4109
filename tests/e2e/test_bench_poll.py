"""`baycast bench poll` measures on servers of its own, names what is missing, and leaves nothing behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from baycast.bench.polling.servers import find_nginx

SHORT = ("--rounds", "1", "--seconds", "1", "--connections", "8")


def bench(*more: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "baycast", "bench", "poll", *more]
    environment = os.environ if path is None else {**os.environ, "PATH": path}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=170, check=False, env=dict(environment)
    )


@pytest.mark.timeout(180)
def test_bench_poll_prints_its_figures_as_one_object(tmp_path: Path) -> None:
    # Whatever this machine has installed: without wrk our own generator asks, and it is said.
    done = bench("--json", *SHORT, path=str(tmp_path))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])

    assert result["command"] == "bench poll"
    assert result["generator"] == "own"
    assert any("apt install wrk" in note for note in result["notes"])
    figures, ratios = result["figures"], result["ratios"]
    assert figures["wrong"] == 0
    assert 9_000 < figures["body_bytes"] < 10_000
    assert 0 <= figures["generator_idle_share"] < 1
    assert figures["baycast.200_per_s"] > 50
    assert figures["baycast.304_per_s"] > 50
    assert ratios["to_fastapi_bytes_by_cpu"] > 1
    to_nginx = {"to_nginx_200", "to_nginx_304"}
    if find_nginx():
        assert to_nginx <= set(ratios)
    else:
        assert not to_nginx & set(ratios)
        assert any("nginx is not installed" in note for note in result["notes"])


def test_bench_poll_refuses_a_plan_that_measures_nothing() -> None:
    done = bench("--rounds", "0")

    assert done.returncode == 2
    assert done.stderr.startswith("baycast: bench poll: --rounds")


def test_bench_poll_asks_for_wrk_by_its_package(tmp_path: Path) -> None:
    done = bench("--generator", "wrk", path=str(tmp_path))

    assert done.returncode == 2
    assert "apt install wrk" in done.stderr
