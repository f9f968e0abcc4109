"""A real mosquitto for the tests, started with the configuration file from `deploy/`."""

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from baycast.embedded.mosquitto import EmbeddedMosquitto
from baycast.settings import UsageError
from tests.support.ports import free_port

PACKAGES = Path(tempfile.gettempdir()) / "baycast-test-mosquitto"


class Broker:
    """One broker with its own persistence folder; start() after stop() or kill() goes on with its data."""

    def __init__(self, folder: Path, *extra_config: str) -> None:
        self.folder = folder
        self.log = folder / "broker.log"
        self._embedded = EmbeddedMosquitto(folder / "data", free_port(), PACKAGES, extra_config)

    @property
    def url(self) -> str:
        return self._embedded.url

    @property
    def port(self) -> int:
        return self._embedded.port

    @property
    def pid(self) -> int:
        assert self._embedded.process is not None
        return self._embedded.process.pid

    def start(self) -> None:
        """Returns when it takes connections. The first start takes another port when this one is taken."""
        for attempt in itertools.count(1):
            with self.log.open("ab") as log:
                try:
                    self._embedded.start(log)
                except UsageError:
                    if attempt == 5 or (self.folder / "data" / "mosquitto.db").exists():
                        raise
                    self._embedded.port = free_port()
                else:
                    return

    def stop(self) -> None:
        """A clean shutdown: sessions and queues are saved."""
        self._embedded.stop()

    def kill(self) -> None:
        """kill -9."""
        self._embedded.kill()


@contextmanager
def connected(broker: Broker) -> Iterator[mqtt.Client]:
    """An MQTT 5 client of it for the time of the block."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


@contextmanager
def running_broker(*extra_config: str) -> Iterator[Broker]:
    """A broker for the time of the block."""
    folder = Path(tempfile.mkdtemp(prefix="baycast-test-mqtt-"))
    folder.chmod(0o711)  # as root the broker runs as another account
    broker = Broker(folder, *extra_config)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()
        shutil.rmtree(folder, ignore_errors=True)
