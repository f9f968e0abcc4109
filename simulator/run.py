"""Plays a plan over MQTT: the only place of the simulator that knows the real time."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from firmware_contract.codec import encode
from firmware_contract.messages import Clock
from firmware_contract.topics import clock_topic
from simulator.boots import start_devices, write_atomically
from simulator.devices import DeviceConfig, Devices
from simulator.plan import CityPlan
from simulator.publisher import Endpoint, Publisher
from simulator.world import World

_log = logging.getLogger("baycast.simulator")

_TRUTH_EVERY_S = 5.0
_CLOCK_EVERY_S = 1.0
_LONGEST_NAP_S = 0.5
_FAREWELL_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """`speed`: seconds of the city per real second; other than 1 in event areas only. `duration_s`: real
    seconds, None: until stopped. `start`: the city's time at the start, in event areas; None: now."""

    mqtt_url: str = field(repr=False)
    state_dir: Path
    seed: int = 1
    speed: float = 1.0
    duration_s: float | None = None
    start: datetime | None = None
    connect_timeout_s: float = 30.0
    devices: DeviceConfig = field(default_factory=DeviceConfig)

    def truth_path(self, area_id: str) -> Path:
        """Where the truth about one simulated area is."""
        return self.state_dir / f"truth-{area_id}.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a run is. `sent` counts messages handed over, `acked` and `refused` the broker's answers."""

    at: datetime
    sent: int
    acked: int
    refused: int
    waiting: int
    turned_away: int


def run(
    plan: CityPlan,
    config: SimulatorConfig,
    stop: threading.Event,
    on_progress: Callable[[Progress], None] | None = None,
) -> Progress:
    """Play until `stop` is set or the duration is over; `on_progress` is called about once a second.

    Raises `ValueError` for a live area at another speed, `BrokerUnreachableError` when there is no broker at
    the start (later it is waited for), `BootFileError`.
    """
    if not plan.event_clock and (config.speed != 1 or config.start is not None):
        raise ValueError(
            f"area {plan.area_id} keeps the real time: only an event area can run at another speed"
        )
    if config.speed <= 0:
        raise ValueError("speed is above 0")
    with Publisher(Endpoint.parse(config.mqtt_url), name=f"baycast-simulator-{plan.area_id}") as publisher:
        publisher.wait_connected(config.connect_timeout_s, stop)
        session = _Session(plan, config, publisher, stop)
        session.play(on_progress)
        return session.progress()


class _Session:
    """One run: the world, its devices, and the clock that drives them."""

    def __init__(
        self, plan: CityPlan, config: SimulatorConfig, publisher: Publisher, stop: threading.Event
    ) -> None:
        self._plan = plan
        self._config = config
        self._publisher = publisher
        self._stop = stop
        boots = start_devices(config.state_dir / "boots.json", plan.device_ids(), clock_s=int(time.time()))
        self._began = time.monotonic()
        start_s = time.time() if config.start is None else config.start.timestamp()
        self._start_ms = self._now_ms = int(start_s * 1000)
        self._world = World(plan, seed=config.seed, start_ms=self._start_ms)
        self._devices = Devices(plan, self._world, boots, seed=config.seed, config=config.devices)

    def play(self, on_progress: Callable[[Progress], None] | None) -> None:
        next_truth = next_second = self._began
        while not self._stop.is_set() and not self._is_over():
            self._send_until(self._city_ms())
            real = time.monotonic()
            if real >= next_truth:
                next_truth = real + _TRUTH_EVERY_S
                self.write_truth()
            if real >= next_second:
                next_second = real + _CLOCK_EVERY_S
                if self._plan.event_clock:
                    self._send_clock()
                if on_progress is not None:
                    on_progress(self.progress())
            self._stop.wait(self._nap_s(next_second - real))
        self._finish()

    def progress(self) -> Progress:
        publisher = self._publisher
        return Progress(
            at=datetime.fromtimestamp(self._world.now_ms / 1000, UTC),
            sent=publisher.sent,
            acked=publisher.acked,
            refused=publisher.refused,
            waiting=publisher.waiting,
            turned_away=self._world.turned_away,
        )

    def write_truth(self) -> None:
        """Write down what is true now, for whoever judges what the devices made of it."""
        parks = enumerate(self._plan.car_parks)
        truth = {
            "at": _iso(self._world.now_ms),
            "area": self._plan.area_id,
            "occupied": self._world.occupied_bays(),
            "car_parks": {park.zone_id: self._world.in_car_park(index) for index, park in parks},
            "changed_at": {bay: _iso(at_ms) for bay, at_ms in self._world.recent_changes().items()},
        }
        try:
            write_atomically(self._config.truth_path(self._plan.area_id), json.dumps(truth))
        except OSError as error:
            _log.warning("truth not written: %s", error)

    def _is_over(self) -> bool:
        duration_s = self._config.duration_s
        return duration_s is not None and time.monotonic() - self._began >= duration_s

    def _city_ms(self) -> int:
        """The city's time now. It never goes back, even when the machine's clock is set back."""
        if self._plan.event_clock:
            now_ms = self._start_ms + int((time.monotonic() - self._began) * self._config.speed * 1000)
        else:
            now_ms = int(time.time() * 1000)
        self._now_ms = max(self._now_ms, now_ms)
        return self._now_ms

    def _send_until(self, city_ms: int) -> None:
        for message in self._devices.advance(city_ms):
            if not self._publisher.publish(message.topic, message.payload, self._stop):
                return

    def _send_clock(self) -> None:
        clock = Clock(at=datetime.fromtimestamp(self._world.now_ms / 1000, UTC))
        self._publisher.publish(clock_topic(self._plan.area_id), encode(clock), self._stop)

    def _nap_s(self, most_s: float) -> float:
        due_ms = self._devices.next_ms()
        nap_s = min(most_s, _LONGEST_NAP_S)
        if due_ms is not None:
            nap_s = min(nap_s, (due_ms - self._now_ms) / 1000 / self._config.speed)
        return max(0.001, nap_s)

    def _finish(self) -> None:
        self.write_truth()
        if self._plan.event_clock and not self._stop.is_set():
            self._send_clock()
        if not self._publisher.drain(_FAREWELL_S):
            _log.warning("%d messages were not acknowledged before the end", self._publisher.waiting)


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
