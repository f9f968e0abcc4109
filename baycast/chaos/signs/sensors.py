"""The sensors of the signs' streets: each keeps its promise to speak, and some see vehicles come and go."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Sequence
from itertools import count

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from baycast.chaos.signs.plan import HEARTBEAT_S, Post
from baycast.chaos.signs.town import sensor_ids
from baycast.chaos.stack import utc_now
from firmware_contract.topics import device_topic

_TICK_S = 0.25
_TURNS = int(HEARTBEAT_S / _TICK_S) - 1
"""Everybody speaks once in so many ticks, so never later than promised."""


class Sensors:
    """A thread. What cannot be sent is lost, as on the air; the next word comes within a heartbeat."""

    def __init__(self, port: int, posts: Sequence[Post], seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311 - a reproducible choice, not a secret
        # The first bay of a street turns over now and then, so that its number changes and its word does not.
        self._speakers = [
            (id, post.gateway, n == 0) for post in posts for n, id in enumerate(sensor_ids(post))
        ]
        self._port = port
        self._seq = count()
        self._silent: int | None = None
        self._stop = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.reconnect_delay_set(min_delay=1, max_delay=1)
        self._thread = threading.Thread(target=self._run, name="sensors")

    def start(self) -> None:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        self._thread.start()

    def silence(self, gateway: int | None) -> None:
        """From now on the sensors of this gateway are not heard; None: all are."""
        self._silent = gateway

    def stop(self) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
            self._client.disconnect()
            self._client.loop_stop()

    def _run(self) -> None:
        for tick in count():
            for number, (id, gateway, turns) in enumerate(self._speakers):
                # At first all of them at once, so that nobody has to wait for the first word.
                if tick == 0 or number % _TURNS == tick % _TURNS:
                    self._speak(id, gateway, turns and self._dice.random() < 0.5)
            if self._stop.wait(_TICK_S):
                return

    def _speak(self, id: str, gateway: int, occupied: bool) -> None:
        body = {
            "boot": 1,
            "seq": next(self._seq),
            "at": utc_now().isoformat().replace("+00:00", "Z"),
            "occupied": occupied,
            "cause": "heartbeat",
        }
        if gateway != self._silent and self._client.is_connected():
            self._client.publish(device_topic(id, "state"), json.dumps(body), qos=1)
