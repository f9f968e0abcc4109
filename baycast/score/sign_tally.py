"""What the signs would have said, minute by minute, against what drivers would have found."""

from __future__ import annotations

from collections.abc import Mapping

from baycast.score.ground import Ground
from occupancy.model import Sign, SignId, ZoneAvailability, ZoneId
from occupancy.registry import Registry
from occupancy.rules import admits
from signs.bounds import known
from signs.claims import claim, thresholds
from signs.words import FrameState


class SignTally:
    """All signs of the city, with nothing but the engine's availability; in a city made smaller, those whose streets
    or car parks are left."""

    def __init__(self, ground: Ground, registry: Registry) -> None:
        self._ground = ground
        self._bays_of: dict[str, list[int]] = {}
        for index, bay in enumerate(ground.bays):
            self._bays_of.setdefault(bay.zone_id, []).append(index)
        there = self._bays_of.keys() | ground.park_of.keys()
        self._signs = [sign for sign in registry.signs.values() if there & set(sign.zone_ids)]
        self._said: dict[SignId, tuple[tuple[ZoneAvailability, ...], FrameState]] = {}
        self._looked = self._wrong = self._blank = 0

    def look(self, answers: Mapping[ZoneId, ZoneAvailability]) -> None:
        """Once a minute."""
        for sign in self._signs:
            state = self._state(sign, answers)
            self._looked += 1
            if state is FrameState.UNKNOWN:
                self._blank += 1
                continue
            usable = sum(self._usable(zone_id, sign.driver) for zone_id in sign.zone_ids)
            offers = state in (FrameState.SPACES, FrameState.ALMOST_FULL)
            right = usable >= 1 if offers else usable < thresholds(sign).full_below
            self._wrong += not right

    def figures(self) -> dict[str, float | None]:
        """Shares of all sign minutes: a word that was not so; nothing shown."""
        return {
            "sign_wrong_share": self._wrong / self._looked if self._looked else None,
            "sign_blank_share": self._blank / self._looked if self._looked else None,
        }

    def _state(self, sign: Sign, answers: Mapping[ZoneId, ZoneAvailability]) -> FrameState:
        zones = tuple(answers[zone_id] for zone_id in sign.zone_ids if zone_id in answers)
        if len(zones) != len(sign.zone_ids):
            return FrameState.UNKNOWN
        before = self._said.get(sign.sign_id)
        if before is not None and all(a is b for a, b in zip(before[0], zones, strict=True)):
            return before[1]
        state = claim(sign, known(zones, sign.driver)).state
        self._said[sign.sign_id] = (zones, state)
        return state

    def _usable(self, zone_id: ZoneId, driver: str) -> int:
        """Bays of the zone that are really free for this driver."""
        ground = self._ground
        park = ground.park_of.get(zone_id)
        if park is not None:
            capacity = ground.capacities[park] if ground.park_open[park] else 0
            return max(0, capacity - ground.parked[park])
        return sum(
            not ground.occupied[bay] and not ground.closed[bay] and admits(ground.access[bay].admits, driver)
            for bay in self._bays_of.get(zone_id, ())
        )
