"""The production broker's own entry script with its configuration, accounts and topic rules, outside a container."""

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from baycast.embedded.mosquitto_install import find_or_install
from baycast.processes import start_child, stop_child
from tests.support.brokers import PACKAGES
from tests.support.mqtt_peer import Peer, RefusedConnection
from tests.support.ports import free_port
from tests.support.waiting import eventually

DEPLOYED = Path(__file__).parents[2] / "deploy" / "mosquitto"
AUDITOR = ("test-auditor", "audits")
"""An account that exists in tests only: it may read and write everything."""
_AUDITOR_RULES = "\nuser test-auditor\ntopic readwrite #\ntopic read $SYS/#\n"
OURS = {"baycast-ingest": "in", "baycast-publish": "out"}


@dataclass(frozen=True, slots=True)
class ProductionBroker:
    port: int
    tls_port: int
    log: Path


@contextmanager
def production_broker(
    accounts: Mapping[str, str], *, certificates: Mapping[str, Path] | None = None, simulator: str = ""
) -> Iterator[ProductionBroker]:
    """Started by `entrypoint.sh` with these accounts (name -> password) and files in its folder `certs`.

    Skips the test where mosquitto comes without its tools.
    """
    program = find_or_install(PACKAGES)
    if shutil.which("mosquitto_passwd", path=program.env["PATH"]) is None or len(program.env) > 1:
        pytest.skip("the system has no mosquitto with its tools")
    folder = Path(tempfile.mkdtemp(prefix="baycast-test-production-"))
    folder.chmod(0o755)
    config = folder / "config"
    shutil.copytree(DEPLOYED, config)
    with (config / "acl").open("a") as rules:
        rules.write(_AUDITOR_RULES)
    for part in ("data", "accounts", "certs"):
        (folder / part).mkdir()
    for name, source in (certificates or {}).items():
        shutil.copy(source, folder / "certs" / name)
    passwords = folder / "accounts" / "passwords"
    passwords.touch(mode=0o600)
    for name, password in {**accounts, AUDITOR[0]: AUDITOR[1]}.items():
        subprocess.run(
            ["mosquitto_passwd", "-b", str(passwords), name, password], env=program.env, check=True
        )
    running = ProductionBroker(free_port(), free_port(), folder / "log")
    env = {
        **program.env,
        "MOSQUITTO_CONFIG_DIR": str(config),
        "MOSQUITTO_DATA_DIR": str(folder / "data"),
        "MOSQUITTO_ACCOUNTS_DIR": str(folder / "accounts"),
        "MOSQUITTO_CERTS_DIR": str(folder / "certs"),
        "MOSQUITTO_PORT": str(running.port),
        "MOSQUITTO_TLS_PORT": str(running.tls_port),
        "BAYCAST_MQTT_INGEST_PASSWORD": OURS["baycast-ingest"],
        "BAYCAST_MQTT_PUBLISH_PASSWORD": OURS["baycast-publish"],
        "BAYCAST_MQTT_SIMULATOR_PASSWORD": simulator,
    }
    with running.log.open("wb") as log:
        broker = start_child([config / "entrypoint.sh"], output=log, env=env)

    def is_up() -> bool:
        assert broker.poll() is None, running.log.read_text()
        try:
            Peer(running.port, AUDITOR).close()
        except (RefusedConnection, OSError):
            return False
        return True

    try:
        eventually(is_up, what="the production broker takes connections")
        yield running
    finally:
        stop_child(broker, signal.SIGTERM, 5.0)
        shutil.rmtree(folder)
