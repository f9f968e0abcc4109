"""`baycast chaos`, small: real kills, real servers, nothing lost and nothing counted twice (L1, L2, L3)."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.waiting import eventually

CHAOS = [sys.executable, "-m", "baycast", "chaos"]


@pytest.mark.timeout(180)
def test_a_small_run_loses_nothing_and_counts_nothing_twice(tmp_path: Path) -> None:
    command = [*CHAOS, "--events", "2000", "--faults", "3", "--seed", "102"]
    env = os.environ | {"TMPDIR": str(_open_folder(tmp_path))}
    done = subprocess.run(command, capture_output=True, text=True, timeout=170, check=False, env=env)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    figures = result["figures"]

    assert result["command"] == "chaos"
    assert result["seed"] == 102
    assert figures["kills"] >= 3
    assert (figures["lost"], figures["duplicated"], figures["double_counted"]) == (0, 0, 0)
    assert figures["hash_equal"] == 1
    assert figures["acked"] == figures["sent"] == figures["stored"] + figures["quarantined"]
    assert figures["stored"] > 2000
    assert list(tmp_path.glob("baycast-chaos-*")) == []


def test_the_plan_comes_from_the_seed_alone() -> None:
    plans = [
        subprocess.run(
            [*CHAOS, "--plan", "--seed", seed], capture_output=True, text=True, timeout=60, check=True
        ).stdout
        for seed in ("5", "5", "6")
    ]

    assert plans[0] == plans[1] != plans[2]
    assert len(plans[0].splitlines()) >= 37


@pytest.mark.timeout(120)
def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    env = os.environ | {"TMPDIR": str(_open_folder(tmp_path))}
    process = subprocess.Popen([*CHAOS, "--events", "100000"], env=env, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: list(tmp_path.glob("baycast-chaos-*/ledger")), timeout=60)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 128 + signal.SIGINT
    finally:
        process.kill()
        process.wait()

    assert len(children) >= 5
    eventually(lambda: not any(child.is_running() for child in children), timeout=20)
    assert list(tmp_path.glob("baycast-chaos-*")) == []


def test_a_run_of_nothing_is_refused() -> None:
    done = subprocess.run([*CHAOS, "--events", "0"], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 2
    assert done.stderr.startswith("baycast: chaos: --events")


def _open_folder(folder: Path) -> Path:
    """The servers may run as another account, which has to get through."""
    for step in (folder, *folder.parents):
        if step.stat().st_uid == os.geteuid() and step != Path("/"):
            step.chmod(step.stat().st_mode | 0o011)
    return folder
