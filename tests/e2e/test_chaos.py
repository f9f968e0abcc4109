"""`baycast chaos`, small: real kills, real servers, nothing lost and nothing counted twice (L1, L2, L3)."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.waiting import eventually

CHAOS = [sys.executable, "-m", "baycast", "chaos"]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the run makes its own folder: a short path (sockets), through which the servers' account may pass."""
    folder = Path(tempfile.mkdtemp(prefix="bc-chaos-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.timeout(180)
def test_a_small_run_loses_nothing_and_counts_nothing_twice(folder: Path) -> None:
    command = [*CHAOS, "--events", "2000", "--faults", "3", "--seed", "106"]
    env = os.environ | {"TMPDIR": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=170, check=False, env=env)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    figures = result["figures"]

    assert result["command"] == "chaos"
    assert result["seed"] == 106
    assert figures["kills"] >= 3
    assert (figures["lost"], figures["duplicated"], figures["double_counted"]) == (0, 0, 0)
    assert figures["hash_equal"] == 1
    assert figures["acked"] == figures["sent"] == figures["stored"] + figures["quarantined"]
    assert figures["stored"] > 2000
    assert list(folder.glob("baycast-chaos-*")) == []


def test_the_plan_comes_from_the_seed_alone() -> None:
    plans = [
        subprocess.run(
            [*CHAOS, "--plan", "--seed", seed], capture_output=True, text=True, timeout=60, check=True
        ).stdout
        for seed in ("5", "5", "6")
    ]

    assert plans[0] == plans[1] != plans[2]
    assert len(plans[0].splitlines()) >= 36


@pytest.mark.timeout(120)
def test_an_interrupt_leaves_nothing_behind(folder: Path) -> None:
    env = os.environ | {"TMPDIR": str(folder)}
    process = subprocess.Popen([*CHAOS, "--events", "100000"], env=env, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: list(folder.glob("baycast-chaos-*/ledger")), within_s=60)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 128 + signal.SIGINT
    finally:
        process.kill()
        process.wait()

    assert len(children) >= 5
    eventually(lambda: not any(child.is_running() for child in children), within_s=20)
    assert list(folder.glob("baycast-chaos-*")) == []


def test_a_run_of_nothing_is_refused() -> None:
    done = subprocess.run([*CHAOS, "--events", "0"], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 2
    assert done.stderr.startswith("baycast: chaos: --events")
