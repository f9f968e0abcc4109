"""How good the answer for a zone as a whole was: a bay that anybody may use, in one of its several places.

A zone of one place is told what its place is. The two guesses beside the answer are those of places (`skill`), put
together by the same rule as the answer is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from occupancy.forecast.arrivals import Arriving
from occupancy.forecast.capacity import RulesAt
from occupancy.forecast.chances import limits
from occupancy.forecast.issue import HORIZONS, Issue, Place
from occupancy.forecast.nearby import AT_ONE_SPOT, any_of
from occupancy.forecast.panel import Floats
from occupancy.forecast.places import Members
from occupancy.forecast.skill import Guesses, Sums
from occupancy.model import ZoneId
from occupancy.registry import Registry
from occupancy.whole_stay import Timetable

Usable = Mapping[ZoneId, Mapping[Place, int]]
"""How many bays of each place may be used, by zone."""


class WholeZones:
    """The zones of an area that have several places."""

    def __init__(self, registry: Registry, places: Sequence[Members]) -> None:
        self._timetable = Timetable(registry)
        counts = Counter(members.place.zone_id for members in places)
        self._zones = [registry.zones[zone_id] for zone_id, count in counts.items() if count > 1]

    def usable(self, at: datetime) -> Usable:
        """What anybody may use at an instant, by the rules then; without the zones where that is nothing."""
        rules = RulesAt(self._timetable, at)
        found = {zone.zone_id: rules.capacity(zone).by_place for zone in self._zones}
        return {zone_id: by_place for zone_id, by_place in found.items() if by_place}


def answered(
    issue: Issue, horizon: int, usable: Usable, truth: Floats, now: Floats, usual: Guesses
) -> dict[ZoneId, Sums]:
    """What was told of zones by one issue, for its horizon of that index. `truth` then and `now` when it was issued are
    shares that are taken, (places,); NaN: not known. What is not known of all places that count is not held against."""
    arriving = Arriving(issue, issue.issued_at + HORIZONS[horizon])
    numbers = {place: number for number, place in enumerate(issue.places)}
    found = {}
    for zone_id, by_place in usable.items():
        told = arriving.expected(by_place)
        if told is None:
            continue
        own = [numbers[place] for place in by_place]
        room = limits(np.array(list(by_place.values()), dtype=float))
        if not np.isfinite(truth[own]).all():
            continue
        came = float((truth[own] <= room).any())
        often, was = usual.some_free[own], now[own]
        as_now = np.where(np.isfinite(was), was <= room, often)
        found[zone_id] = Sums(
            zone_answers=1,
            zone_brier=(told.p_any - came) ** 2,
            zone_brier_usual=(any_of(often.tolist(), AT_ONE_SPOT) - came) ** 2,
            zone_brier_now=(any_of(as_now.tolist(), AT_ONE_SPOT) - came) ** 2,
        )
    return found
