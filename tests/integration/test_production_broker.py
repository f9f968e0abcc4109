"""The production broker's own entry script, accounts and topic rules, run outside a container."""

import threading
from collections.abc import Iterator

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from baycast.reachability import require_broker
from baycast.settings import UsageError
from tests.support.production_broker import production_broker


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with production_broker(dict.fromkeys(("ir-1", "ir-2", "vms-1"), "own")) as running:
        yield running.port


@pytest.mark.parametrize("account", ["", "ir-1:wrong@", "baycast-simulator:@", "nobody:own@"])
def test_nobody_comes_in_without_an_account(port: int, account: str) -> None:
    with pytest.raises(UsageError, match="check BAYCAST_MQTT_URL"):
        require_broker(f"mqtt://{account}127.0.0.1:{port}")


class Client:
    """A logged-in MQTT 5 client that collects what it receives."""

    def __init__(self, port: int, name: str, password: str, *topics: str) -> None:
        self.received: list[str] = []
        self._changed = threading.Condition()
        self._ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.username_pw_set(name, password)
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_publish = self._on_publish
        self._refusals: dict[int, bool] = {}
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in topics or ("none",)])
        assert self._ready.wait(10)

    def may_publish(self, topic: str) -> bool:
        """Publish, and tell whether the broker took it."""
        sent = self._client.publish(topic, b"x", qos=1)
        with self._changed:
            assert self._changed.wait_for(lambda: sent.mid in self._refusals, 10)
        return not self._refusals[sent.mid]

    def wait_for(self, topic: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: topic in self.received, 10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        with self._changed:
            self.received.append(message.topic)
            self._changed.notify_all()

    def _on_publish(
        self, _client: mqtt.Client, _data: object, mid: int, reason: ReasonCode, _properties: object
    ) -> None:
        with self._changed:
            self._refusals[mid] = reason.is_failure
            self._changed.notify_all()


def test_a_device_speaks_for_itself_only(port: int) -> None:
    device = Client(port, "ir-1", "own")
    try:
        for kind in ("state", "passage", "count", "health", "boot", "link"):
            assert device.may_publish(f"baycast/v1/dev/ir-1/{kind}")
        for topic in (
            "baycast/v1/dev/ir-2/state",
            "baycast/v1/dev/ir-1/cmd",
            "baycast/v1/gw/other/batch",
            "baycast/v1/area/cardiff/clock",
            "baycast/v1/canary/ingest-1",
            "baycast/v1/live/cardiff/zone/queen-st",
            "baycast/v1/sign/vms-1/frame",
        ):
            assert not device.may_publish(topic), topic
    finally:
        device.close()


def test_ingest_hears_all_devices_and_its_canary(port: int) -> None:
    ingest = Client(port, "baycast-ingest", "in", "baycast/v1/#")
    device = Client(port, "ir-2", "own")
    try:
        assert device.may_publish("baycast/v1/dev/ir-2/state")
        ingest.wait_for("baycast/v1/dev/ir-2/state")
        assert ingest.may_publish("baycast/v1/canary/ingest-1")
        ingest.wait_for("baycast/v1/canary/ingest-1")
        assert not ingest.may_publish("baycast/v1/sign/vms-1/frame")
    finally:
        ingest.close()
        device.close()


def test_a_sign_gets_its_own_frame_and_everybody_the_live_zones(port: int) -> None:
    sign = Client(port, "vms-1", "own", "baycast/v1/#")
    publish = Client(port, "baycast-publish", "out")
    try:
        assert publish.may_publish("baycast/v1/sign/vms-2/frame")
        assert publish.may_publish("baycast/v1/sign/vms-1/frame")
        assert publish.may_publish("baycast/v1/live/cardiff/zone/queen-st")
        sign.wait_for("baycast/v1/live/cardiff/zone/queen-st")
        assert sign.received == ["baycast/v1/sign/vms-1/frame", "baycast/v1/live/cardiff/zone/queen-st"]
        assert sign.may_publish("baycast/v1/sign/vms-1/shown")
        assert not sign.may_publish("baycast/v1/sign/vms-2/shown")
        assert not publish.may_publish("baycast/v1/dev/ir-1/state")
    finally:
        sign.close()
        publish.close()
