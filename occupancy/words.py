"""Whose words a batch holds: by sensor and by car park, but for those that nothing can be made of any more.

Where the log no longer goes back to its beginning, a device is folded from a checkpoint that is frozen: what comes
later than ever, with a place before it, cannot be taken up without what stood there. It is passed over, and counted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime

from occupancy.batch import Batch
from occupancy.car_park import CountEvent, event_of
from occupancy.model import AnyReading, Clock, DeviceId, ReadingKey, ZoneId
from occupancy.page import BEGINNING, FIRST_KEY
from occupancy.registry import Registry


class Words:
    """What the batches of one area say."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._sensors: Mapping[DeviceId, ReadingKey] = {}
        self._car_parks: Mapping[ZoneId, datetime] = {}

    @property
    def frozen_sensors(self) -> Collection[DeviceId]:
        return self._sensors.keys()

    @property
    def frozen_car_parks(self) -> Collection[ZoneId]:
        return self._car_parks.keys()

    def load(self, sensors: Mapping[DeviceId, ReadingKey], car_parks: Mapping[ZoneId, datetime]) -> None:
        """The frozen checkpoints: up to which word of a sensor, and up to what time of a car park."""
        self._sensors, self._car_parks = sensors, car_parks

    def taken(self, readings: Iterable[AnyReading]) -> Iterable[AnyReading]:
        """Those that are not frozen."""
        if not self._sensors:
            return readings
        frozen = self._sensors
        return (reading for reading in readings if reading.key > frozen.get(reading.device_id, FIRST_KEY))

    def by_sensor(self, readings: Iterable[AnyReading]) -> dict[DeviceId, list[AnyReading]]:
        """Those of sensors, each sensor's in its own order."""
        found: dict[DeviceId, list[AnyReading]] = {}
        for reading in self.taken(readings):
            if reading.device_id in self.registry.sensors:
                found.setdefault(reading.device_id, []).append(reading)
        for own in found.values():
            own.sort(key=lambda reading: reading.key)
        return found

    def by_car_park(self, batch: Batch, clock: Clock) -> dict[ZoneId, list[CountEvent]]:
        found: dict[ZoneId, list[CountEvent]] = {}
        for event, zone_id in self._events(batch, clock):
            if event.at > self._car_parks.get(zone_id, BEGINNING):
                found.setdefault(zone_id, []).append(event)
        return found

    def frozen(self, batch: Batch, clock: Clock) -> int:
        """How many words are passed over."""
        if not self._sensors and not self._car_parks:
            return 0
        passed_over = len(batch.readings) - sum(1 for _ in self.taken(batch.readings))
        return passed_over + sum(
            zone_id in self._car_parks and event.at <= self._car_parks[zone_id]
            for event, zone_id in self._events(batch, clock)
        )

    def _events(self, batch: Batch, clock: Clock) -> Iterator[tuple[CountEvent, ZoneId]]:
        for reading in batch.readings:
            if gate := self.registry.gates.get(reading.device_id):
                yield event_of(reading, reading.observed_at(clock)), gate.zone_id
        for recount in batch.recounts:
            yield recount.event(), recount.zone_id
