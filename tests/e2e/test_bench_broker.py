"""`baycast bench broker` says what each setting of mosquitto keeps: docs/durability.md with few messages."""

import json
import subprocess
import sys

import pytest

MESSAGES = 150  # writing every change costs more with every message that is queued already
PROFILES = ("stock", "shipped", "every_change", "memory")
ENDINGS = ("away", "restart", "kill", "kill_later")


def bench(*more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "baycast", "bench", "broker", *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)


@pytest.mark.timeout(180)
def test_what_the_broker_keeps_by_its_settings() -> None:
    done = bench("--json", "--messages", str(MESSAGES))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])

    assert result["command"] == "bench broker"
    figures = result["figures"]
    lost = {profile: [figures[f"{profile}.lost_{ending}"] for ending in ENDINGS] for profile in PROFILES}
    assert lost["stock"] == [0, 0, MESSAGES, MESSAGES]
    assert lost["shipped"] == [0, 0, MESSAGES, 0]
    # mosquitto answers before it writes: the message of the last PUBACK may be gone, and none besides.
    assert lost["every_change"][2] <= 1
    assert lost["every_change"] == [0, 0, lost["every_change"][2], 0]
    assert lost["memory"] == [0, MESSAGES, MESSAGES, MESSAGES]
    assert figures["shipped.session_kill_later"] == 1
    assert figures["stock.session_kill_later"] == 0
    for profile in PROFILES:
        assert figures[f"{profile}.puback_per_s"] > 0
    assert result["ratios"]["every_change_to_memory"] < 0.5


def test_bench_broker_refuses_a_plan_that_measures_nothing() -> None:
    done = bench("--in-flight", "0")
    assert done.returncode == 2
    assert done.stderr.startswith("baycast: bench broker: --in-flight")
