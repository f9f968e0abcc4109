"""`baycast bench broker`: what mosquitto keeps of what it acknowledged, and how fast (docs/durability.md).

Every profile and ending gets a broker of its own: a subscriber leaves its session there and goes, a publisher has all
messages acknowledged, the broker meets its end, and the subscriber comes back and counts.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from baycast.bench.ingest_load import Load, connect, packets
from baycast.embedded.mosquitto import EmbeddedMosquitto
from baycast.measured import measured
from baycast.reachability import free_port
from baycast.settings import Settings, UsageError

PROFILES: Final = MappingProxyType(
    {
        "stock": (
            "autosave_interval 1800",
            "max_queued_messages 1000",
            "max_queued_bytes 0",
            "max_inflight_messages 20",
        ),
        "shipped": (),
        "every_change": ("autosave_on_changes true",),
        "memory": ("persistence false",),
    }
)
"""What each adds to deploy/mosquitto/mosquitto.conf; of `stock`, what it takes back to mosquitto's own defaults."""

_SAVED_WITHIN_S: Final = 3.0
"""mosquitto's `autosave_interval 1` saves every other second."""
_PREFIX: Final = "bench/"
_LAST: Final = "bench/last"
_PUBACK_BYTES: Final = 4
_DRAINED_WITHIN_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured. ValueError, naming the option, for what cannot be."""

    messages: int
    in_flight: int
    seed: int

    def __post_init__(self) -> None:
        if not 100 <= self.messages <= 1_000_000:
            raise ValueError("--messages is from 100 to 1000000")
        if not 1 <= self.in_flight <= 1000:
            raise ValueError("--in-flight is from 1 to 1000")


def measure(plan: Plan, settings: Settings, say: Callable[[str], None]) -> dict[str, object]:
    """All profiles with all endings. Raises `UsageError`."""
    load = Load(port=0, prefix=_PREFIX, first=0, count=plan.messages, devices=plan.messages, seed=plan.seed)
    ready = packets(load, datetime.fromtimestamp(time.time(), UTC))
    figures: dict[str, float] = {"messages": plan.messages, "in_flight": plan.in_flight}
    rates: dict[str, float] = {}
    for profile, options in PROFILES.items():
        measured_rates = []
        for end in _ENDINGS:
            ending = end.__name__.removeprefix("_")
            with _broker(settings, options) as broker:
                _leave_session(broker.port)
                took_s = _publish(broker.port, ready, plan.in_flight)
                end(broker)
                kept, session = _come_back(broker.port)
            measured_rates.append(plan.messages / took_s)
            figures[f"{profile}.lost_{ending}"] = plan.messages - kept
            figures[f"{profile}.session_{ending}"] = int(session)
            say(f"{profile}, {ending}: {measured_rates[-1]:,.0f} PUBACK/s, {kept} of {plan.messages} kept")
        rates[profile] = statistics.median(measured_rates)
        figures[f"{profile}.puback_per_s"] = rates[profile]
    ratios = {
        f"{profile}_to_memory": rate / rates["memory"]
        for profile, rate in rates.items()
        if profile != "memory"
    }
    return measured("bench broker", plan.seed, figures, ratios)


@contextmanager
def _broker(settings: Settings, options: tuple[str, ...]) -> Iterator[EmbeddedMosquitto]:
    with tempfile.TemporaryDirectory(prefix="baycast-bench-") as folder:
        Path(folder).chmod(0o711)  # as root the broker runs as another account
        packages = settings.data_dir.resolve() / "packages"
        with EmbeddedMosquitto(Path(folder) / "mosquitto", free_port(), packages, options) as broker:
            yield broker


def _away(_broker: EmbeddedMosquitto) -> None:
    """Nothing happens: only the subscriber was away."""


def _restart(broker: EmbeddedMosquitto) -> None:
    broker.stop()
    broker.start()


def _kill(broker: EmbeddedMosquitto) -> None:
    """kill -9 at the worst instant: the publisher holds the last PUBACK for less than a millisecond."""
    broker.kill()
    broker.start()


def _kill_later(broker: EmbeddedMosquitto) -> None:
    """kill -9 when the shipped settings have saved."""
    time.sleep(_SAVED_WITHIN_S)  # by the broker's own timer, which it tells nobody of
    _kill(broker)


_ENDINGS: Final = (_away, _restart, _kill, _kill_later)


def _publish(port: int, ready: list[bytes], in_flight: int) -> float:
    """Seconds from the first PUBLISH to the last PUBACK, with so many messages not acknowledged at most."""
    sent = acked_bytes = 0
    with connect(port) as sock:
        began = time.monotonic()
        while (acked := acked_bytes // _PUBACK_BYTES) < len(ready):
            upto = min(len(ready), acked + in_flight)
            if upto > sent:
                sock.sendall(b"".join(ready[sent:upto]))
                sent = upto
            got = len(sock.recv(65536))
            if not got:
                raise UsageError("bench broker: the broker closed the publisher's connection")
            acked_bytes += got
        return time.monotonic() - began


class _Subscriber:
    """A session that outlives its connection. Counts distinct messages until the last one."""

    def __init__(self, port: int) -> None:
        self.topics: set[str] = set()
        self.session = False
        self.subscribed = threading.Event()
        self.done = threading.Event()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, "bench-subscriber", clean_session=False)
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.on_message = self._on_message
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        if not self.subscribed.wait(_DRAINED_WITHIN_S):
            raise UsageError("bench broker: the broker did not answer SUBSCRIBE")

    def leave(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _on_connect(self, client: mqtt.Client, _data: Any, flags: mqtt.ConnectFlags, *_: Any) -> None:
        self.session = flags.session_present
        client.subscribe(f"{_PREFIX}#", 1)

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic == _LAST:
            self.done.set()
        else:
            self.topics.add(message.topic)


def _leave_session(port: int) -> None:
    _Subscriber(port).leave()


def _come_back(port: int) -> tuple[int, bool]:
    """How many messages were kept for the subscriber, and whether its session was."""
    subscriber = _Subscriber(port)
    try:
        deadline = time.monotonic() + _DRAINED_WITHIN_S
        # Again and again: while the queue is full, the last one is dropped like any other.
        while not subscriber.done.wait(0.1):
            subscriber.client.publish(_LAST, b"", 1)
            if time.monotonic() > deadline:
                raise UsageError("bench broker: the broker did not deliver what it had")
    finally:
        subscriber.leave()
    return len(subscriber.topics), subscriber.session
