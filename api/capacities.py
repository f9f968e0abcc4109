"""The rules of arrivals to come, kept for those who arrive in the same minute: a crowd asks for the same ones."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime

from occupancy.forecast.capacity import RulesAt
from occupancy.model import AreaId
from occupancy.whole_stay import Timetable

MINUTES_MAX = 32
"""Minutes kept over all areas; beyond it the one unused for longest is worked out anew when asked for."""


class Capacities:
    """Rules change on whole minutes, so the minute of an arrival stands for all of it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[AreaId, datetime], tuple[Timetable, RulesAt]] = OrderedDict()

    def rules(self, area_id: AreaId, timetable: Timetable, at: datetime) -> RulesAt:
        """Return the rules in force in the minute of `at`, by this very timetable."""
        key = (area_id, at.replace(second=0, microsecond=0))
        kept = self._kept.get(key)
        if kept is None or kept[0] is not timetable:
            kept = self._kept[key] = (timetable, RulesAt(timetable, key[1]))
            if len(self._kept) > MINUTES_MAX:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return kept[1]
