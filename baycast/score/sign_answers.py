"""What is known to a sign by each contestant: by the engine's bounds, and by a naive count that is always certain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from baycast.score.bay_tally import BayTally
from baycast.score.ground import Ground
from occupancy.model import AnyReading, CountReading, Direction, PassageReading, ZoneAvailability, ZoneId
from occupancy.registry import Registry
from occupancy.rules import admits
from signs.bounds import Known, known


class Answers(Protocol):
    """One contestant's numbers, as they are now."""

    def stamp(self, zone_ids: Sequence[ZoneId]) -> object:
        """Another one as soon as anything that is known of these zones may be another."""

    def known(self, zone_ids: Sequence[ZoneId], driver: str) -> Known | None:
        """What is known of these zones together; None: nothing is said of one of them."""


class EngineAnswers:
    """The engine's, as `publish` has them."""

    def __init__(self, zones: Mapping[ZoneId, ZoneAvailability]) -> None:
        self._zones = zones

    def stamp(self, zone_ids: Sequence[ZoneId]) -> object:
        return tuple(self._zones.get(zone_id) for zone_id in zone_ids)

    def known(self, zone_ids: Sequence[ZoneId], driver: str) -> Known | None:
        if any(zone_id not in self._zones for zone_id in zone_ids):
            return None
        return known([self._zones[zone_id] for zone_id in zone_ids], driver)


class NaiveAnswers:
    """Bays as the naive engine shows them, car parks by adding and subtracting; both by the rules in force."""

    def __init__(self, ground: Ground, bays: BayTally, registry: Registry) -> None:
        self._ground = ground
        self._bays = bays
        self._zone_of = {gate.device_id: gate.zone_id for gate in registry.gates.values()}
        self._inside: Counter[ZoneId] = Counter()
        self._changes: Counter[str] = Counter()

    def take(self, readings: Iterable[AnyReading]) -> None:
        """Readings of gates and counters in their order of arrival."""
        for reading in readings:
            zone_id = self._zone_of.get(reading.device_id)
            if zone_id is None:
                continue
            if isinstance(reading, CountReading):
                self._inside[zone_id] = reading.occupied
            elif isinstance(reading, PassageReading):
                self._inside[zone_id] += 1 if reading.direction is Direction.IN else -1
            self._changes[zone_id] += 1

    def changed(self, zone_id: str) -> None:
        """A bay of this street is another one now."""
        self._changes[zone_id] += 1

    def stamp(self, zone_ids: Sequence[ZoneId]) -> object:
        return self._ground.rules_at_ms, *(self._changes[zone_id] for zone_id in zone_ids)

    def known(self, zone_ids: Sequence[ZoneId], driver: str) -> Known:
        capacity = open_bays = free = 0
        for zone_id in zone_ids:
            of_zone = (
                self._park(zone_id) if zone_id in self._ground.park_of else self._street(zone_id, driver)
            )
            capacity, open_bays, free = (
                sum(both) for both in zip((capacity, open_bays, free), of_zone, strict=True)
            )
        closed = capacity > 0 and open_bays == 0
        return Known(capacity=capacity, open=open_bays, free_min=free, free_max=free, all_closed=closed)

    def _park(self, zone_id: ZoneId) -> tuple[int, int, int]:
        park = self._ground.park_of[zone_id]
        capacity = self._ground.capacities[park]
        in_use = capacity if self._ground.park_open[park] else 0
        return capacity, in_use, min(in_use, max(0, in_use - self._inside[zone_id]))

    def _street(self, zone_id: ZoneId, driver: str) -> tuple[int, int, int]:
        ground = self._ground
        ours = [bay for bay in ground.bays_of.get(zone_id, ()) if admits(ground.access[bay].admits, driver)]
        in_use = [bay for bay in ours if not ground.closed[bay]]
        free = self._bays.free_in.get(zone_id, set())
        return len(ours), len(in_use), sum(bay in free for bay in in_use)
