"""Streets minute by minute: how far the count of free bays is off, and what "free" is worth where it matters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from baycast.score.bay_tally import BayTally
from baycast.score.engine_view import estimated_free
from baycast.score.ground import Ground
from occupancy.model import BayType, ZoneAvailability, ZoneId

FULL_FROM = 0.85


class TrueZones:
    """The true count of free and open bays by street, made once a minute for all contestants."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.open: dict[str, int] = {}
        self.free: dict[str, int] = {}

    def look(self) -> None:
        closed, occupied = self._ground.closed, self._ground.occupied
        for zone_id, bays in self._ground.bays_of.items():
            shut = [bay for bay in bays if closed[bay]]
            self.open[zone_id] = len(bays) - len(shut)
            free = len(bays) - sum(map(occupied.__getitem__, bays))
            self.free[zone_id] = free - sum(not occupied[bay] for bay in shut)

    def full(self) -> Iterable[str]:
        """Streets with at least `FULL_FROM` of their open bays taken."""
        for zone_id, bays in self.open.items():
            if bays and self.free[zone_id] <= (1 - FULL_FROM) * bays:
                yield zone_id


class ZoneTally:
    """One contestant's streets, against `TrueZones` as they are now."""

    def __init__(self, ground: Ground, zones: TrueZones, bays: BayTally) -> None:
        self._ground, self._zones, self._bays = ground, zones, bays
        self._looked = 0
        self._error = self._bias = 0.0
        self._held = self._bounded = 0
        self._claims = {False: [0, 0], True: [0, 0]}

    def look(self, answers: Mapping[ZoneId, ZoneAvailability] | None) -> None:
        """Once a minute. `answers` None: the contestant has no zones, and its free bays are counted."""
        for zone_id, capacity in self._zones.open.items():
            if not capacity:
                continue
            truth = self._zones.free[zone_id]
            answer = None if answers is None else answers.get(ZoneId(zone_id))
            if answers is None:
                shown = float(sum(not self._ground.closed[bay] for bay in self._bays.free_in[zone_id]))
            elif answer is None:
                continue
            else:
                shown = estimated_free(answer)
                self._bounded += 1
                self._held += answer.free_min <= truth <= answer.free_max
            self._looked += 1
            self._error += abs(shown - truth)
            self._bias += shown - truth
        for zone_id in self._zones.full():
            for bay in self._bays.free_in[zone_id]:
                if self._ground.controlled[bay] and not self._ground.closed[bay]:
                    taken = self._ground.occupied[bay]
                    self._claims[False][taken] += 1
                    if self._ground.bays[bay].bay_type is BayType.BLUE_BADGE:
                        self._claims[True][taken] += 1

    def figures(self) -> dict[str, float | None]:
        return {
            "occupied_given_free": _share_taken(self._claims[False]),
            "occupied_given_free_blue_badge": _share_taken(self._claims[True]),
            "zone_mae": self._error / self._looked if self._looked else None,
            "zone_bias": self._bias / self._looked if self._looked else None,
            "interval_coverage": self._held / self._bounded if self._bounded else None,
        }


def _share_taken(claims: list[int]) -> float | None:
    return claims[True] / sum(claims) if sum(claims) else None
