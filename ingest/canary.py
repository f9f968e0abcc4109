"""Our own message through the broker, once a second: when it is committed, so is what the broker had before it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import paho.mqtt.client as mqtt

_KEPT = 60


def utc_now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


class Canaries:
    """Sent on the receiving thread, between `begin` and `end` of each connection."""

    def __init__(
        self, client: mqtt.Client, topic: str, every_s: float, body: Callable[[datetime], bytes]
    ) -> None:
        """`body` makes the message from the time."""
        self._client = client
        self._topic = topic
        self._every_s = every_s
        self._body = body
        self._next = 0.0
        self.sent: tuple[datetime, ...] = ()
        """The times in the newest ones of this connection, for any thread: what comes back can be recognised."""

    def begin(self) -> None:
        """The first one is due now."""
        self._next = time.monotonic()

    def end(self) -> None:
        self.sent = ()

    def wait_s(self) -> float:
        """Seconds until the next one is due."""
        return max(0.0, self._next - time.monotonic())

    def send_when_due(self) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._every_s
        at = utc_now()
        self.sent = (*self.sent, at)[-_KEPT:]
        # A full outgoing queue means that the broker does not answer: the canary is then rightly missing.
        self._client.publish(self._topic, self._body(at), qos=1)
