"""The city's devices: what they say of the world, and when. No faults here: every device is as good as its
maker says.

Messages leave in order of time. A sensor has at most one change under way: the world keeps bays empty for
longer than a detection takes, so what a sensor says always follows what it said before.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from random import Random

from firmware_contract.messages import Boot, Count, Health, Passage, State
from simulator.device_lives import Life, Sensor, temperature_c, time_of
from simulator.plan import CityPlan
from simulator.words import Outgoing, Word, outgoing
from simulator.world import BayChanged, World

FIRMWARE = "sim-1.0"
_PACE_MS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceConfig:
    """`announce_s`: every device has spoken within this time of the start. `detection_s`: least and most
    delay of a sensor. `min_rate`: messages per second of the city's time, made up with heartbeats when the
    city is quieter. `heartbeat_after_word`: a sensor's time to the next heartbeat counts from its last word,
    whatever that was; else they come like a clock's."""

    announce_s: float = 15.0
    detection_s: tuple[float, float] = (1.0, 3.0)
    min_rate: float = 0.0
    heartbeat_after_word: bool = False

    def __post_init__(self) -> None:
        least, most = self.detection_s
        if not 0 <= least <= most <= 20:
            raise ValueError(f"detection_s: {self.detection_s} is not 0 <= least <= most <= 20 s")
        if self.announce_s < 0 or self.min_rate < 0:
            raise ValueError("announce_s and min_rate are not negative")


class _What(IntEnum):
    ANNOUNCE = 0
    HEARTBEAT = 1
    REPORT = 2
    GATE_STARTS = 3
    GATE_HEALTH = 4
    PASSAGE = 5
    COUNT = 6
    PACE = 7
    EXTRA = 8


class Devices:
    """All devices of a plan, listening to its world."""

    def __init__(
        self,
        plan: CityPlan,
        world: World,
        boots: Mapping[str, int],
        *,
        seed: int,
        config: DeviceConfig | None = None,
    ) -> None:
        self._plan = plan
        self._world = world
        self._config = config or DeviceConfig()
        self._random = Random(f"devices {seed}")  # noqa: S311 - a simulation
        # Keyed as at a real gate, with another key in each run: yesterday's tokens never come again (L10).
        self._token_key = blake2b(f"{seed} {sorted(boots.values())}".encode()).digest()
        self._heap: list[tuple[int, int, _What, int, int]] = []
        self._pushed = 0
        self._sent_since_pace = 0
        self._round = 0
        self._sensors: list[Sensor] = []
        self._sensor_of: dict[int, int] = {}
        for bay, bay_plan in enumerate(plan.bays):
            if bay_plan.device_id is not None:
                self._sensor_of[bay] = len(self._sensors)
                boot = boots[bay_plan.device_id]
                self._sensors.append(Sensor(bay_plan, bay_plan.device_id, bay, boot, self._random))
        self._gates = [
            [(gate, Life(gate.device_id, boots[gate.device_id])) for gate in park.gates]
            for park in plan.car_parks
        ]
        self._counters = [
            None if park.counter is None else Life(park.counter.device_id, boots[park.counter.device_id])
            for park in plan.car_parks
        ]
        self._schedule_starts()

    def next_ms(self) -> int | None:
        """When something may next leave a device; None: never again."""
        known = [self._heap[0][0]] if self._heap else []
        world_ms = self._world.next_ms()
        return min([*known, world_ms]) if world_ms is not None else min(known, default=None)

    def advance(self, until_ms: int) -> Iterator[Outgoing]:
        """Move world and devices on to `until_ms`, yielding what is sent on the way."""
        return map(outgoing, self.words(until_ms))

    def words(self, until_ms: int) -> Iterator[Word]:
        """As `advance`, before it becomes bytes."""
        while True:
            world_ms = self._world.next_ms()
            own_ms = self._heap[0][0] if self._heap else None
            if world_ms is not None and world_ms <= until_ms and (own_ms is None or world_ms <= own_ms):
                self._observe()
            elif own_ms is not None and own_ms <= until_ms:
                message = self._act()
                if message is not None:
                    self._sent_since_pace += 1
                    yield message
            else:
                break
        self._world.now_ms = max(self._world.now_ms, until_ms)

    # --- what they notice --------------------------------------------------------------------------------

    def _observe(self) -> None:
        event = self._world.step()
        if event is None:
            return
        if isinstance(event, BayChanged):
            found = self._sensor_of.get(event.bay)
            # Before its first word a sensor only starts up; that word says what is there then.
            if found is not None and self._sensors[found].started:
                self._sensors[found].changing = event
                delay_ms = int(self._random.uniform(*self._config.detection_s) * 1000)
                self._push(event.at_ms + delay_ms, _What.REPORT, found)
            return
        way = "in" if event.inward else "out"
        lanes = [number for number, (gate, _) in enumerate(self._gates[event.car_park]) if way in gate.ways]
        if lanes:
            sign = 1 if event.inward else -1
            where = event.car_park * 1000 + self._random.choice(lanes)
            self._push(event.at_ms, _What.PASSAGE, where, sign * event.vehicle)

    # --- what they say -----------------------------------------------------------------------------------

    def _act(self) -> Word | None:
        at_ms, _, what, where, extra = heapq.heappop(self._heap)
        if what is _What.ANNOUNCE:
            self._push(
                at_ms + int(self._random.uniform(0.1, 1) * self._sensors[where].heartbeat_ms),
                _What.HEARTBEAT,
                where,
            )
            return self._start_sensor(at_ms, self._sensors[where])
        if what is _What.HEARTBEAT:
            return self._heartbeat_due(at_ms, where)
        if what is _What.REPORT:
            return self._report(at_ms, self._sensors[where])
        if what is _What.GATE_STARTS or what is _What.GATE_HEALTH:
            gate, life = self._gates[where][extra]
            self._push(at_ms + gate.heartbeat_s * 1000, _What.GATE_HEALTH, where, extra)
            return self._gate_speaks(at_ms, life, starts=what is _What.GATE_STARTS)
        if what is _What.PASSAGE:
            return self._pass(at_ms, self._gates[where // 1000][where % 1000][1], extra)
        if what is _What.COUNT:
            return self._count(at_ms, where)
        if what is _What.PACE:
            self._pace(at_ms)
            return None
        return self._heartbeat(at_ms, self._sensors[where])

    def _start_sensor(self, at_ms: int, sensor: Sensor) -> Word:
        sensor.started = True
        sensor.said = self._world.is_occupied(sensor.bay)
        sensor.said_since_ms = None
        return self._state(at_ms, at_ms, sensor, "boot")

    def _heartbeat_due(self, at_ms: int, where: int) -> Word | None:
        sensor = self._sensors[where]
        if self._config.heartbeat_after_word and sensor.spoke_ms + sensor.heartbeat_ms > at_ms:
            self._push(sensor.spoke_ms + sensor.heartbeat_ms, _What.HEARTBEAT, where)
            return None
        self._push(at_ms + sensor.heartbeat_ms, _What.HEARTBEAT, where)
        return self._heartbeat(at_ms, sensor)

    def _heartbeat(self, at_ms: int, sensor: Sensor) -> Word | None:
        if sensor.changing is not None or not sensor.started:
            return None
        return self._state(at_ms, at_ms, sensor, "heartbeat")

    def _report(self, at_ms: int, sensor: Sensor) -> Word | None:
        change, sensor.changing = sensor.changing, None
        if change is None:
            return None
        before_ms = sensor.said_since_ms
        sensor.said, sensor.said_since_ms = change.occupied, change.at_ms
        lasted_s = None if before_ms is None else (change.at_ms - before_ms) // 1000
        return self._state(at_ms, change.at_ms, sensor, "change", lasted_s)

    def _state(self, sent_ms: int, at_ms: int, sensor: Sensor, cause: str, prev_s: int | None = None) -> Word:
        sensor.spoke_ms = sent_ms
        # A car on top takes 10 to 15 dB of the signal.
        signal = sensor.signal_dbm - (12 if sensor.said else 0) + self._random.randint(-2, 2)
        message = State(
            boot=sensor.boot,
            seq=sensor.key(),
            at=time_of(at_ms),
            occupied=sensor.said,
            cause=cause,  # type: ignore[arg-type]
            prev_s=prev_s,
            confidence=0.99,
            battery_mv=sensor.volts_mv,
            temperature_c=temperature_c(sent_ms),
            rssi_dbm=signal,
        )
        return Word(sent_ms, sensor.device_id, "state", message)

    def _gate_speaks(self, at_ms: int, life: Life, *, starts: bool) -> Word:
        message: Boot | Health
        if starts:
            message = Boot(
                boot=life.boot, seq=life.key(), at=time_of(at_ms), reset_cause="power_on", firmware=FIRMWARE
            )
        else:
            message = Health(
                boot=life.boot,
                seq=life.key(),
                at=time_of(at_ms),
                temperature_c=temperature_c(at_ms),
                firmware=FIRMWARE,
            )
        return Word(at_ms, life.device_id, "boot" if starts else "health", message)

    def _pass(self, at_ms: int, life: Life, vehicle: int) -> Word:
        message = Passage(
            boot=life.boot,
            seq=life.key(),
            at=time_of(at_ms),
            direction="in" if vehicle > 0 else "out",
            vehicle_token=blake2b(
                str(abs(vehicle)).encode(), key=self._token_key, digest_size=16
            ).hexdigest(),
            confidence=0.98,
        )
        return Word(at_ms, life.device_id, "passage", message)

    def _count(self, at_ms: int, park: int) -> Word | None:
        life, plan = self._counters[park], self._plan.car_parks[park]
        if life is None or plan.counter is None:
            return None
        self._push(at_ms + plan.counter.every_s * 1000, _What.COUNT, park)
        message = Count(
            boot=life.boot,
            seq=life.key(),
            at=time_of(at_ms),
            occupied=self._world.in_car_park(park),
            capacity=plan.capacity,
        )
        return Word(at_ms, life.device_id, "count", message)

    # --- when they speak ---------------------------------------------------------------------------------

    def _schedule_starts(self) -> None:
        for sensor in range(len(self._sensors)):
            self._push(self._start_ms(), _What.ANNOUNCE, sensor)
        for park, gates in enumerate(self._gates):
            for number in range(len(gates)):
                # At once, not spread: a gate that is still starting up would miss vehicles.
                self._push(self._world.start_ms, _What.GATE_STARTS, park, number)
            if self._counters[park] is not None:
                self._push(self._world.start_ms, _What.COUNT, park)
        if self._config.min_rate > 0 and self._sensors:
            self._push(self._world.start_ms + int(self._config.announce_s * 1000), _What.PACE, 0)

    def _start_ms(self) -> int:
        return self._world.start_ms + int(self._random.uniform(0, self._config.announce_s) * 1000)

    def _pace(self, at_ms: int) -> None:
        """Spread over the next second the heartbeats that the last one was short of."""
        self._push(at_ms + _PACE_MS, _What.PACE, 0)
        short = math.ceil(self._config.min_rate * _PACE_MS / 1000 - self._sent_since_pace)
        self._sent_since_pace = -max(0, short)
        for turn in range(max(0, short)):
            self._round = (self._round + 1) % len(self._sensors)
            self._push(at_ms + turn * _PACE_MS // short, _What.EXTRA, self._round)

    def _push(self, at_ms: int, what: _What, where: int, extra: int = 0) -> None:
        self._pushed += 1
        heapq.heappush(self._heap, (at_ms, self._pushed, what, where, extra))
