"""A subscriber that keeps what it hears, through broker restarts."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties


class Collector:
    """Messages as (topic, payload) in their order of arrival; `len` of it grows while they come."""

    def __init__(self, port: int, *filters: str) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self._subscribed = threading.Event()
        self._filters = filters
        # A session of its own: what another collector had not acknowledged when it closed would come to this one.
        name = f"collector-{uuid.uuid4().hex[:12]}"
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = lambda _client, _data, message: self.messages.append(
            (message.topic, bytes(message.payload))
        )
        lasting = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        lasting.SessionExpiryInterval = 3600
        self._client.connect("127.0.0.1", port, clean_start=False, properties=lasting)
        self._client.loop_start()
        assert self._subscribed.wait(10)

    def __len__(self) -> int:
        return len(self.messages)

    def _on_connect(self, client: mqtt.Client, *_: Any) -> None:
        client.subscribe([(text, 1) for text in self._filters])

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def collecting(port: int, *filters: str) -> Iterator[Collector]:
    """Everything that matches one of the filters, from the beginning of the block on."""
    collector = Collector(port, *filters)
    try:
        yield collector
    finally:
        collector.close()
