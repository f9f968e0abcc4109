"""The system under measurement: one of its own in a folder of its own, or the one that runs already."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from baycast.settings import Settings, UsageError, child_environment, variable
from baycast.wiring import database_url, mqtt_url

AREA = "bench"
_START_WITHIN_S = 90.0
_STOP_WITHIN_S = 15.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured. Raises `ValueError` for a plan that measures nothing."""

    rate: float
    seconds: float
    zones: int
    bays: int
    seed: int

    def __post_init__(self) -> None:
        if not (0 < self.rate <= 2000 and 1 <= self.seconds <= 3600):
            raise ValueError("--rate is above 0 and at most 2000, --seconds from 1 to 3600")
        if not (1 <= self.zones <= 1000 and 1 <= self.bays <= 200):
            raise ValueError("--zones is from 1 to 1000, --bays from 1 to 200")

    def zone_id(self, zone: int) -> str:
        return f"bench-{zone:03}"

    def device_id(self, zone: int, bay: int) -> str:
        return f"bench-{zone:03}-{bay:03}"


@dataclass(frozen=True, slots=True)
class System:
    """Where to publish, listen and register."""

    mqtt_url: str
    http_url: str
    database_url: str


def utc_now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


@contextmanager
def running_system(plan: Plan, settings: Settings) -> Iterator[System]:
    """The system that the settings name, with the area added for the time of the block."""
    host = "127.0.0.1" if settings.http_host in {"0.0.0.0", "::"} else settings.http_host  # noqa: S104 - compared
    system = System(mqtt_url(settings), f"http://{host}:{settings.http_port}", database_url(settings))
    _register(plan, system, present=True)
    try:
        yield system
    finally:
        _register(plan, system, present=False)


@contextmanager
def own_system(plan: Plan, settings: Settings) -> Iterator[System]:
    """`baycast up` on free ports and a folder that is removed afterwards. Raises `UsageError`."""
    folder = Path(tempfile.mkdtemp(prefix="baycast-bench-"))
    # The database server may run as an account of its own, and has to get through.
    folder.chmod(0o755)
    own = settings.model_copy(
        update={
            "database_url": None,
            "mqtt_url": None,
            "mqtt_port": _free_port(),
            "http_host": "127.0.0.1",
            "http_port": _free_port(),
            "data_dir": folder / "data",
        }
    )
    names = ("mqtt_port", "http_host", "http_port", "data_dir")
    overrides = {variable(name): str(getattr(own, name)) for name in names}
    overrides |= {variable(f"{role}_metrics_port"): "0" for role in ("ingest", "engine", "publish")}
    overrides |= {variable("database_url"): "", variable("mqtt_url"): ""}
    log = folder / "up.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "baycast", "up", "--plain"],
            env=child_environment(overrides),
            stdout=output,
            stderr=output,
        )
        try:
            _wait_ready(own, process, log)
            system = System(mqtt_url(own), f"http://127.0.0.1:{own.http_port}", database_url(own))
            _register(plan, system, present=True)
            yield system
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(_STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            shutil.rmtree(folder, ignore_errors=True)


def _wait_ready(settings: Settings, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_WITHIN_S
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{settings.http_port}/readyz", timeout=2):
                return
        except (URLError, OSError):
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise UsageError(f"bench live: `baycast up` did not become ready: {' '.join(said)}")
        time.sleep(0.1)  # readiness is asked for over HTTP: nobody tells


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def documents(plan: Plan) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    """Return the measured area's registry: streets of general bays, a sensor to each."""
    name = {"en": "Bench", "cy": "Mainc"}
    yield (
        "area",
        AREA,
        {"name": name, "time_zone": "Europe/London", "languages": ["cy", "en"], "clock": "live"},
    )
    for zone in range(plan.zones):
        place = {"lat": 51.4 + zone / 1000, "lon": -3.2}
        yield "zone", plan.zone_id(zone), {"area_id": AREA, "kind": "street", "name": name, **place}
        for bay in range(plan.bays):
            id = plan.device_id(zone, bay)
            yield "bay", id, {"zone_id": plan.zone_id(zone), "area_id": AREA, "bay_type": "standard", **place}
            yield "sensor", id, {"area_id": AREA, "model": "bench", "expected_heartbeat_s": 86_400}
            yield "binding", f"{id}@{id}@always", {"device_id": id, "bay_id": id, "area_id": AREA}


def _register(plan: Plan, system: System, *, present: bool) -> None:
    from baycast.reachability import open_database
    from store.registry import Change, apply

    changes = [Change(kind, id, doc if present else None) for kind, id, doc in documents(plan)]
    with open_database(system.database_url, "baycast bench") as conn:
        apply(conn, changes, entered_by="baycast bench live", entered_at=utc_now())
