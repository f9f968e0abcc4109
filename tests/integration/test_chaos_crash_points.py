"""A crash point is armed by the environment and strikes at the passing that it names."""

import os
import signal
import subprocess
import sys

import pytest

from baycast.chaos.ingest_process import CRASH_VARIABLE
from tests.support.brokers import Broker
from tests.support.ingesting import register, rows
from tests.support.waiting import eventually

_PASS = """
from ingest.run import _crasher
crash = _crasher("committed:3")
for name in ("committed", "received", "committed", "received"):
    crash(name)
print("alive", flush=True)
crash("committed")
print("still alive", flush=True)
"""


def test_a_crash_point_with_a_number_counts_its_passings() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PASS], capture_output=True, text=True, check=False, timeout=60
    )

    assert done.returncode == -signal.SIGKILL
    assert done.stdout == "alive\n"


@pytest.mark.parametrize("point", ["enqueued:2", "received:2", "before_commit:2", "committed:2"])
def test_the_environment_arms_ingest(database_url: str, broker: Broker, point: str) -> None:
    register(database_url)
    env = os.environ | {
        "BAYCAST_DATABASE_URL": database_url,
        "BAYCAST_MQTT_URL": broker.url,
        CRASH_VARIABLE: point,
    }
    process = subprocess.Popen([sys.executable, "-m", "baycast.chaos.ingest_process"], env=env)
    try:
        eventually(lambda: process.poll() is not None, within_s=30)
    finally:
        process.kill()
        process.wait()

    assert process.returncode == -signal.SIGKILL
    # Only what is committed counts: the first canary, and the second when the crash comes after its COMMIT.
    moved = rows(database_url, "SELECT count(*) FROM log_batch WHERE watermark IS NOT NULL")
    assert moved == [(2 if point == "committed:2" else 1,)]
