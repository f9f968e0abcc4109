"""Who else came: arrivals at a street since one of its bays was freed, and how many bays were free then.

A driver who comes takes one of the free bays. Where many came while one bay stayed free, one of them is likelier to
stand in it unseen than where nobody came; at the same hour that differs more from day to day than rates of past days
tell. Pure: a function of the intervals that hold, as they stood at the last quarter of an hour, so that any order of
arrival gives the same (L3) and bays need not be looked at again for each vehicle beside them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import accumulate, zip_longest
from typing import NamedTuple

from occupancy.cells import Held, floor_cell
from occupancy.chatter import turned
from occupancy.model import Bay, BayId, BayInterval, DeviceId, State, ZoneId
from occupancy.page import BEGINNING
from occupancy.registry import Registry
from occupancy.spans import FOREVER
from occupancy.spells import kind_of

LOOKED_BACK = timedelta(hours=24)
"""A bay that has been free for longer is not held against who came since."""
REMEMBERED = LOOKED_BACK + timedelta(minutes=15)
"""How far back what held at the bays is asked for."""

Key = tuple[BayId, DeviceId]
_Alike = tuple[ZoneId, str]


class Came(NamedTuple):
    """Since a bay was freed: `seen` arrivals at bays like it in its street, when `free` of these were free."""

    seen: int
    free: float


class _Street(NamedTuple):
    """Arrivals at bays that are alike up to a quarter of an hour, in order, and the sums of 1 / (bays free then) before
    each and after the last. `free` are so at the end."""

    at: list[datetime]
    per_free: list[float]
    free: int


class _Change(NamedTuple):
    """One bay more (1) or less (-1) is free; `came`: since a vehicle came."""

    at: datetime
    free: int
    came: bool


class Arrivals:
    """The arrivals of the last day at the streets of one area."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._until: datetime | None = None
        """The quarter of an hour up to which arrivals count."""
        self._held: dict[BayId, dict[DeviceId, list[Held]]] = {}
        self._streets: dict[_Alike, _Street] = {}
        self._bays: dict[_Alike, list[BayId]] = {}
        self._alike: dict[BayId, _Alike] = {}
        self._changed: set[_Alike] = set()
        """Streets that are others than when their bays were looked at last."""
        self._changing: dict[_Alike, datetime] = {}
        """Those that will be when a quarter of an hour is over, with the last change that is known of."""
        self.registry_changed()

    def load(self, held: Mapping[Key, Iterable[Held]], watermark: datetime | None) -> None:
        """Take up where an earlier process stopped: what has lasted into the time that is `REMEMBERED`, in order."""
        self._until = None if watermark is None else floor_cell(watermark)
        for (bay_id, device_id), own in held.items():
            self._held.setdefault(bay_id, {})[device_id] = list(own)
        self._look_ahead()
        self._changing = dict.fromkeys(self._bays, BEGINNING) | self._changing

    def registry_changed(self) -> None:
        """Other bays may be alike, and are all looked at."""
        self._streets.clear()
        self._bays.clear()
        self._alike.clear()
        for bay_id, bay in self._registry.bays.items():
            alike = self._alike[bay_id] = (bay.zone_id, kind_of(bay))
            self._bays.setdefault(alike, []).append(bay_id)
        self._look_ahead()

    def saw(self, key: Key, cut: datetime, intervals: Sequence[BayInterval]) -> None:
        """A bay's intervals by one sensor, from `cut` on, are these now."""
        bay_id, device_id = key
        before = self._held.setdefault(bay_id, {}).get(device_id, [])
        kept = bisect_left(before, cut, key=lambda one: one.started_at)
        fresh = [Held(one.started_at, one.ended_at, one.state) for one in intervals]
        first = _first_difference(before[kept:], fresh)
        if first is None:
            return
        last = max(
            (at for one in (*before[kept:], *fresh) for at in one[:2] if at is not None), default=first
        )
        self._held[bay_id][device_id] = self._remembered(before[:kept] + fresh)
        alike = self._alike.get(bay_id)
        if alike is None:
            return
        self._changing[alike] = max(last, self._changing.get(alike, last))
        if self._until is not None and first <= self._until:
            self._streets.pop(alike, None)
            self._changed.add(alike)

    def turn(self, watermark: datetime) -> set[BayId]:
        """The watermark has moved. Returns bays of streets at which others have come or gone since this was asked."""
        until = floor_cell(watermark)
        if until != self._until:
            self._until = until
            for alike in self._changing:
                self._streets.pop(alike, None)
            self._changed |= self._changing.keys()
            self._changing = {alike: last for alike, last in self._changing.items() if last > until}
        changed, self._changed = self._changed, set()
        return {bay_id for alike in changed for bay_id in self._bays.get(alike, ())}

    def stirred(self) -> set[ZoneId]:
        """Zones of which bays may have to be looked at again since `turn` was asked last."""
        return {zone_id for zone_id, _ in (*self._changed, *self._changing)}

    def since(self, bay: Bay, freed_at: datetime) -> Came:
        """Who came to bays like this one in the whole quarters of an hour since it was freed."""
        alike = self._alike[bay.bay_id]
        street = self._streets.get(alike)
        if street is None:
            street = self._streets[alike] = self._street(alike)
        first = bisect_right(street.at, floor_cell(freed_at))
        seen = len(street.at) - first
        if not seen:
            return Came(0, max(1, street.free))
        return Came(seen, seen / (street.per_free[-1] - street.per_free[first]))

    def _look_ahead(self) -> None:
        """Find the streets that will change: a bay takes what is to come of it along to its street."""
        self._changing = {}
        for bay_id, sensors in self._held.items():
            alike = self._alike.get(bay_id)
            newest = (one for own in sensors.values() for one in own[-1:])
            last = max((at for one in newest for at in one[:2] if at is not None), default=BEGINNING)
            if alike is not None and (self._until is None or last > self._until):
                self._changing[alike] = max(last, self._changing.get(alike, last))

    def _remembered(self, held: list[Held]) -> list[Held]:
        """Without what is too old; the same list where nothing is."""
        settled = BEGINNING if self._until is None else self._until - REMEMBERED
        if not held or held[0].ended_at is None or held[0].ended_at > settled:
            return held
        return [one for one in held if one.ended_at is None or one.ended_at > settled]

    def _street(self, alike: _Alike) -> _Street:
        """Gathered from what is held."""
        if self._until is None:
            return _Street([], [0.0], 0)
        changes: list[_Change] = []
        for bay_id in self._bays[alike]:
            sensors = self._held.get(bay_id, {})
            for device_id, own in sensors.items():
                sensors[device_id] = recent = self._remembered(own)
                changes += _changes(recent, self._until)
        changes.sort()
        shares: list[float] = []
        left = free = sum(change.free for change in changes)
        for change in reversed(changes):
            left -= change.free
            if change.came:
                shares.append(1 / max(1, left))
        at = [change.at for change in changes if change.came]
        return _Street(at, list(accumulate(reversed(shares), initial=0.0)), free)


def _changes(held: Sequence[Held], until: datetime) -> Iterator[_Change]:
    """When a bay began and ceased to be free, up to an instant."""
    for one, then in zip_longest(held, held[1:]):
        if one.state is State.FREE and one.started_at <= until:
            yield _Change(one.started_at, 1, False)
            if one.ended_at is not None and one.ended_at <= until:
                yield _Change(one.ended_at, -1, then is not None and turned(one, then))


def _first_difference(before: Sequence[Held], now: Sequence[Held]) -> datetime | None:
    for was, one in zip_longest(before, now):
        if was == one:
            continue
        if was is None or one is None or was[::2] != one[::2]:
            return min(each.started_at for each in (was, one) if each is not None)
        return min(was.ended_at or FOREVER, one.ended_at or FOREVER)
    return None
