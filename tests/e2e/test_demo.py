"""`baycast demo` as a newcomer runs it: one subprocess, real services, found and stopped from outside."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest

from baycast.cli import installed_version
from baycast.settings import child_environment
from tests.support.ports import free_port

COUNTS = ("free", "occupied", "unknown", "closed")
# Everything that the demo starts is a child of its process; the roles are told by their command.
ROLES = ("ingest", "engine", "forecast", "api", "publish", "simulate")


class Demo:
    """A running `baycast demo --bays 200` on free ports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.env = child_environment(
            {
                "BAYCAST_DATA_DIR": str(folder / "data"),
                "BAYCAST_HTTP_PORT": str(self.port),
                "BAYCAST_MQTT_PORT": str(free_port()),
                **{
                    f"BAYCAST_{role}_METRICS_PORT": str(free_port())
                    for role in ("INGEST", "ENGINE", "PUBLISH", "FORECAST")
                },
            }
        )
        self.output = folder / "output"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start and wait until it says that it is ready; the seconds it took."""
        began = time.monotonic()
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "baycast", "demo", "--bays", "200"],
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.wait_until(lambda: "ready after" in self.text(), 90)
        return time.monotonic() - began

    def interrupt(self) -> tuple[int, float]:
        """Ctrl-C; exit status and seconds until everything was gone."""
        assert self.process is not None
        children = self.children()
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(30)
        took = time.monotonic() - began
        assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []
        return status, took

    def text(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    def children(self) -> dict[int, str]:
        """Process id and command of each direct child."""
        assert self.process is not None
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        found = {}
        for pid in listed:
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"baycast" in words:
                found[int(pid)] = words[words.index(b"baycast") + 1].decode()
            else:
                found[int(pid)] = Path(words[0].decode()).name
        return found

    def pid_of(self, role: str) -> int | None:
        return next((pid for pid, name in self.children().items() if name == role), None)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return json.load(answer)

    def zones(self) -> list[dict[str, Any]] | None:
        """None while the API does not answer."""
        try:
            return list(self.get("/v1/availability")["zones"])
        except (URLError, OSError):
            return None

    def wait_until(self, what: Callable[[], object], within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while not what():
            assert self.process is not None
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < deadline, self.text() + self.logs()
            signal.sigtimedwait([], 0.1)

    def logs(self) -> str:
        parts = sorted((self.folder / "data" / "logs").glob("*.log"))
        return "".join(f"\n== {path.name}\n{path.read_text(errors='replace')[-1500:]}" for path in parts)


@pytest.fixture
def demo() -> Iterator[Demo]:
    with tempfile.TemporaryDirectory(prefix="baycast-test-demo-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        running = Demo(Path(folder))
        try:
            yield running
        finally:
            if running.process is not None and running.process.poll() is None:
                running.process.kill()
                running.process.wait()


def sensed(zones: list[dict[str, Any]] | None) -> int:
    return 0 if zones is None else sum(zone["free"] + zone["occupied"] for zone in zones)


@pytest.mark.timeout(240)
def test_the_whole_city_lives_dies_and_comes_back(demo: Demo) -> None:
    """L1, L4: everything is there and adds up, survives kill -9 of every role, stops at once, goes on tomorrow."""
    demo.start()
    assert installed_version() != "0+source"

    demo.wait_until(lambda: sensed(demo.zones()) >= 100, 60)
    zones = demo.zones()
    assert zones is not None
    assert len(zones) >= 46
    for zone in zones:
        assert sum(zone[count] for count in COUNTS) == zone["capacity"], zone
        assert min(zone[count] for count in COUNTS) >= 0, zone
        assert zone["free_min"] <= zone["free"] <= zone["free_max"], zone

    before = {role: demo.pid_of(role) for role in ROLES}
    assert None not in before.values(), demo.children()
    for pid in before.values():
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    demo.wait_until(
        lambda: (
            all(demo.pid_of(role) not in {None, before[role]} for role in ROLES)
            and sensed(demo.zones()) >= 100
        ),
        60,
    )

    status, took = demo.interrupt()
    assert status == 0
    assert took < 5.0
    assert "Traceback" not in demo.text()

    demo.start()
    assert "imported" not in demo.text()
    # Yesterday's word is still there, or already replaced by today's: never a city that has forgotten.
    demo.wait_until(lambda: sensed(demo.zones()) >= 100, 60)
    status, took = demo.interrupt()
    assert (status, took < 5.0) == (0, True)


@pytest.mark.timeout(120)
def test_a_second_demo_on_the_same_data_is_one_clear_line(demo: Demo) -> None:
    demo.start()
    assert demo.process is not None
    second = subprocess.run(
        [sys.executable, "-m", "baycast", "up"],
        env=demo.env,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == 2
    assert re.fullmatch(
        r"baycast: baycast already runs on \S+ \(process \d+\); stop it first .*\n", second.stderr
    )
    assert f"(process {demo.process.pid})" in second.stderr
    elsewhere = {**demo.env, "BAYCAST_DATA_DIR": str(demo.folder / "other")}
    third = subprocess.run(
        [sys.executable, "-m", "baycast", "up"],
        env=elsewhere,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert third.returncode == 2
    assert re.fullmatch(rf"baycast: port {demo.port} .* set BAYCAST_HTTP_PORT\n", third.stderr)

    children = demo.children()
    demo.process.kill()
    demo.process.wait()
    # Nothing is left behind by a kill -9 of the supervisor: the kernel tells the children.
    deadline = time.monotonic() + 10
    while alive := [pid for pid in children if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < deadline, {pid: children[pid] for pid in alive}
        signal.sigtimedwait([], 0.1)
