"""Measures the whole way: PUBLISH at the broker, COMMIT, fold, feed, WebSocket delta in a client's hands.

Each measured message turns one bay of a street over; the next one for the same street comes only when every other
street has had one. So the street's count of occupied bays in a delta says which message it answers, and the figure is
the time between handing that message to the MQTT client and holding that delta.
"""

from __future__ import annotations

import json
import random
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.request import urlopen

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from baycast.bench.fan_out import plan as fan_out_plan
from baycast.bench.fan_out import stalled, storm
from baycast.bench.fan_out.compared import compare
from baycast.bench.system import AREA, Plan, System, own_system, running_system, utc_now
from baycast.measured import measured
from baycast.settings import Settings, UsageError
from firmware_contract import codec, topics
from firmware_contract.messages import State
from simulator.publisher import Endpoint, Publisher

_GENERATOR = "baycast.bench.fan_out.listeners"
_FIRST_WITHIN_S = 60.0
_LAST_WITHIN_S = 10.0
_NEVER_STOPPED = threading.Event()


def measure_own(
    plan: Plan, fan_out: fan_out_plan.Plan | None, settings: Settings, say: Callable[[str], None]
) -> dict[str, object]:
    """Start a whole system in a folder of its own, measure, stop it; then the fan-out. Raises `UsageError`."""
    with own_system(plan, settings) as system:
        figures = _measure(plan, system, say)
    if fan_out is None:
        return measured("bench live", plan.seed, figures)
    more, ratios, notes = compare(fan_out, say)
    figures |= more
    noted = {"notes": notes} if notes else {}
    return measured("bench live", plan.seed, figures, ratios, generator=_GENERATOR, **noted)


def measure_running(plan: Plan, settings: Settings, say: Callable[[str], None]) -> dict[str, object]:
    """Measure beside the load of a running system. Raises `UsageError`."""
    with running_system(plan, settings) as system:
        return measured("bench live", plan.seed, _measure(plan, system, say))


def measure_stalled(plan: stalled.Plan, say: Callable[[str], None]) -> dict[str, object]:
    """One listener in ten stops reading. Raises `UsageError`."""
    return measured("bench live", None, *stalled.measure(plan, say), generator=_GENERATOR)


def measure_storm(plan: storm.Plan, say: Callable[[str], None]) -> dict[str, object]:
    """All listeners come back after kill -9 of the API. Raises `UsageError`."""
    return measured("bench live", None, storm.measure(plan, say), generator=_GENERATOR)


@dataclass(slots=True)
class _Book:
    """What was published and what has come back, shared by the two threads under one lock."""

    lock: threading.Condition = field(default_factory=threading.Condition)
    occupied: dict[str, int] = field(default_factory=dict)
    """By zone, the count that the last message must bring about."""
    sent_at: dict[str, float] = field(default_factory=dict)
    """By zone, when the message that has not come back yet was published."""
    latencies_s: list[float] = field(default_factory=list)
    overtaken: int = 0
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    ended: str | None = None

    def publish(self, zone_id: str, change: int) -> None:
        with self.lock:
            if zone_id in self.sent_at:
                # It took longer than a whole round: counted by itself, for its time is not known.
                self.overtaken += 1
            self.occupied[zone_id] += change
            self.sent_at[zone_id] = time.perf_counter()

    def receive(self, message: Mapping[str, Any], at: float) -> None:
        with self.lock:
            for zone in message.get("zones", ()):
                self.seen[zone["id"]] = zone
                sent_at = self.sent_at.get(zone["id"])
                if sent_at is not None and zone["occupied"] == self.occupied[zone["id"]]:
                    self.latencies_s.append(at - sent_at)
                    del self.sent_at[zone["id"]]
            self.lock.notify_all()

    def wait(self, done: Callable[[], bool], within_s: float) -> bool:
        with self.lock:
            self.lock.wait_for(lambda: done() or self.ended is not None, within_s)
            if self.ended is not None:
                raise UsageError(f"bench live: the feed ended: {self.ended}")
            return done()


def _measure(plan: Plan, system: System, say: Callable[[str], None]) -> dict[str, float | None]:
    book = _Book()
    _wait_for_area(system)
    url = f"{system.http_url.replace('http', 'ws', 1)}/v1/live?area={AREA}"
    with (
        Publisher(Endpoint.parse(system.mqtt_url), name="baycast-bench") as out,
        connect(url, max_size=None, compression=None) as feed,
    ):
        reader = threading.Thread(target=_read, args=(feed, book), daemon=True)
        reader.start()
        out.wait_connected(10.0, _NEVER_STOPPED)
        devices = _Devices(plan, out)
        say(f"announcing {plan.zones * plan.bays} sensors")
        devices.announce()
        if not book.wait(lambda: _all_known(plan, book), _FIRST_WITHIN_S):
            raise UsageError(f"bench live: not every bay was known within {_FIRST_WITHIN_S:.0f} s")
        say(f"measuring {plan.rate:g} changes a second for {plan.seconds:g} s")
        book.occupied = {zone_id: zone["occupied"] for zone_id, zone in book.seen.items()}
        took_s = _turn_bays_over(plan, devices, book)
        book.wait(lambda: not book.sent_at, _LAST_WITHIN_S)
        feed.close()
        reader.join(10)
    return _result(plan, book, devices.changes, took_s)


def _read(feed: Any, book: _Book) -> None:
    try:
        while True:
            text = feed.recv()
            book.receive(json.loads(text), time.perf_counter())
    except ConnectionClosed as closed:
        with book.lock:
            book.ended = str(closed)
            book.lock.notify_all()


def _all_known(plan: Plan, book: _Book) -> bool:
    return len(book.seen) == plan.zones and all(zone["unknown"] == 0 for zone in book.seen.values())


def _wait_for_area(system: System) -> None:
    deadline = time.monotonic() + _FIRST_WITHIN_S
    while True:
        with urlopen(f"{system.http_url}/v1/zones?limit=1000", timeout=5) as answer:  # noqa: S310 - our own URL
            zones = json.load(answer)["zones"]
        if any(zone["area"] == AREA and not zone["stale"] for zone in zones):
            return
        if time.monotonic() > deadline:
            raise UsageError("bench live: the area did not come alive")
        time.sleep(0.1)  # asked for over HTTP, before there is a feed that would tell


class _Devices:
    """The sensors: each keeps its boot and sequence number, as a real one does."""

    def __init__(self, plan: Plan, out: Publisher) -> None:
        self._plan = plan
        self._out = out
        self._boot = int(time.time())
        self._seq: dict[str, int] = {}
        self._occupied: dict[str, bool] = {}
        self.changes = 0

    def announce(self) -> None:
        for zone in range(self._plan.zones):
            for bay in range(self._plan.bays):
                self._say(self._plan.device_id(zone, bay), occupied=bay % 2 == 0, cause="boot")
        self._out.drain(_FIRST_WITHIN_S)

    def turn_over(self, zone: int, bay: int, book: _Book) -> None:
        device_id = self._plan.device_id(zone, bay)
        occupied = not self._occupied[device_id]
        book.publish(self._plan.zone_id(zone), 1 if occupied else -1)
        self._say(device_id, occupied=occupied, cause="change")
        self.changes += 1

    def _say(self, device_id: str, *, occupied: bool, cause: Any) -> None:
        seq = self._seq.get(device_id, 0)
        self._seq[device_id] = seq + 1
        self._occupied[device_id] = occupied
        message = State(boot=self._boot, seq=seq, at=utc_now(), occupied=occupied, cause=cause)
        self._out.publish(topics.device_topic(device_id, "state"), codec.encode(message), _NEVER_STOPPED)


def _turn_bays_over(plan: Plan, devices: _Devices, book: _Book) -> float:
    """Publish at random moments of the mean rate, street after street; return the seconds that it took."""
    dice = random.Random(plan.seed)  # noqa: S311 - a reproducible choice, not a secret
    began = due = time.perf_counter()
    number = 0
    while due - began < plan.seconds:
        time.sleep(max(0.0, due - time.perf_counter()))  # an open loop: due whatever became of the last
        devices.turn_over(number % plan.zones, dice.randrange(plan.bays), book)
        number += 1
        due += dice.expovariate(plan.rate)
    return time.perf_counter() - began


def _result(plan: Plan, book: _Book, sent: int, took_s: float) -> dict[str, float | None]:
    if len(book.latencies_s) < 2:
        raise UsageError(f"bench live: of {sent} changes {len(book.latencies_s)} came back")
    cuts = statistics.quantiles((1000 * each for each in book.latencies_s), n=100, method="inclusive")
    return {
        "publish_to_delta_p50_ms": cuts[49],
        "publish_to_delta_p90_ms": cuts[89],
        "publish_to_delta_p99_ms": cuts[98],
        "publish_to_delta_max_ms": 1000 * max(book.latencies_s),
        "messages": sent,
        "messages_per_s": sent / took_s,
        "missing": len(book.sent_at) + book.overtaken,
        "bays": plan.zones * plan.bays,
    }
