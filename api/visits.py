"""Stays that begin now or on arrival, by what the registries have for them. No I/O; time is an argument (L7)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from api.selection import View
from occupancy.model import EPOCH, AreaId
from occupancy.registry import Registry
from occupancy.whole_stay import Timetable, Visit

_NOTHING_KNOWN = Timetable(Registry())
"""Of which nothing fits: for an area without a time, or whose registry is being removed (L4)."""


class Visits:
    """The timetable and the minute of each area, as the board took them over."""

    def __init__(self) -> None:
        self._timetables: dict[AreaId, Timetable] = {}
        self._minutes: dict[AreaId, datetime] = {}

    def load(self, registries: Mapping[AreaId, Registry]) -> None:
        """Take all of them over."""
        self._timetables = {area_id: Timetable(registry) for area_id, registry in registries.items()}

    def change(self, area_id: AreaId, registry: Registry | None) -> None:
        """Take another registry over, None: the area is gone."""
        self._timetables.pop(area_id, None)
        self._minutes.pop(area_id, None)
        if registry is not None:
            self._timetables[area_id] = Timetable(registry)

    def move(self, area_id: AreaId, at: datetime | None) -> bool:
        """Say what time it is in an area, None: it has none; return whether that is another minute."""
        minute = None if at is None else at.replace(second=0, microsecond=0)
        if minute == self._minutes.get(area_id):
            return False
        if minute is None:
            del self._minutes[area_id]
        else:
            self._minutes[area_id] = minute
        return True

    def timetable(self, area_id: AreaId) -> Timetable:
        return self._timetables.get(area_id, _NOTHING_KNOWN)

    def minute(self, area_id: AreaId) -> datetime | None:
        return self._minutes.get(area_id)

    def now(self, area_id: AreaId, view: View) -> Visit | None:
        """Return the stay that begins now, None: how long it is was not said."""
        return None if view.stay_min is None else self.at(area_id, view, self._minutes.get(area_id))

    def at(self, area_id: AreaId, view: View, at: datetime | None) -> Visit:
        """Return the stay that begins then, None: at a time that the area does not have."""
        if at is None:
            return Visit(_NOTHING_KNOWN, EPOCH, view.stay_min)
        return Visit(self.timetable(area_id), at, view.stay_min)
