"""What the API knows at this moment, with its bytes rendered at most once per change. No I/O; time is an
argument.

A version is an opaque token: one part per area, `area:generation.version.registry`, marked when the area is
stale or down. It is the same for every process that follows the same store, so a client may go on with any
of them.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from api.selection import Selection, View, distance_m
from api.snapshot import Level, Limits, as_of, encode, entity_tag, envelope, level_of, zone_document
from occupancy.drivers import usable, withheld
from occupancy.model import AreaId, Zone, ZoneAvailability, ZoneId
from store.feed import AreaLive, Change, ZoneLive

VIEWS_MAX = 64
"""Drivers' views whose bytes are kept; beyond it the view unused for longest is rendered anew when asked
for.
"""
AS_OF_STEP = timedelta(seconds=10)
"""A snapshot without changes is rendered again when the watermark has moved this far."""
_MARK = {Level.FRESH: "", Level.STALE: "~stale", Level.DOWN: "~down"}
_PART = re.compile(
    r"(?P<area>[^:,~]+):(?P<generation>\d+)\.(?P<version>\d+)\.(?P<registry>[\d-]*)(?P<mark>~\w+)?"
)


class Followed(Protocol):
    """What is read of `store.feed.Feed`."""

    @property
    def areas(self) -> Mapping[AreaId, AreaLive]: ...

    @property
    def zones(self) -> Mapping[ZoneId, ZoneLive]: ...

    @property
    def followed_s(self) -> float | None: ...


class Board:
    """Holds its own copy of the feed, moved on change by change, so that a token never promises more than
    it shows.
    """

    def __init__(self, limits: Limits) -> None:
        self.areas: dict[AreaId, AreaLive] = {}
        self.zones: dict[ZoneId, ZoneLive] = {}
        self.watermarks: dict[str, datetime | None] = {}
        self.levels: dict[AreaId, Level] = {}
        self.rendered = 0
        """Snapshots rendered so far, for the metric."""
        self.stamp = 0
        """Moves on whenever an answer made from the board alone may be another one."""
        self._stamped: dict[str, datetime | None] = {}
        self._limits = limits
        self._bytes: OrderedDict[View, dict[ZoneId, tuple[ZoneLive, Level, bytes]]] = OrderedDict()
        self._whole: OrderedDict[View, tuple[str, datetime | None, tuple[bytes, str]]] = OrderedDict()

    # --- moving on ------------------------------------------------------------------------------------------

    def load(self, feed: Followed, now: datetime) -> None:
        """Take everything over, as after connecting."""
        self.areas, self.zones = dict(feed.areas), dict(feed.zones)
        self.levels, self.watermarks = {}, {}
        self.stamp += 1
        self.retime(feed, now)

    def apply(self, change: Change, feed: Followed, now: datetime) -> set[ZoneId]:
        """Take one change over from the feed; return the zones that a listener must hear of."""
        self.stamp += 1
        area = feed.areas.get(change.area_id)
        if area is None:
            self.areas.pop(change.area_id, None)
            self.levels.pop(change.area_id, None)
            self.watermarks.pop(change.area_id, None)
        else:
            self.areas[change.area_id] = area
        if change.reset:
            self._bytes.clear()
        for zone_id in change.zone_ids:
            live = feed.zones.get(zone_id)
            if live is None:
                self.zones.pop(zone_id, None)
            else:
                self.zones[zone_id] = live
        return set(change.zone_ids) | self.retime(feed, now)

    def retime(self, feed: Followed, now: datetime) -> set[ZoneId]:
        """Look at the watermarks again; return the zones whose answer changes by their area's age alone."""
        turned: set[AreaId] = set()
        followed = None if feed.followed_s is None else timedelta(seconds=feed.followed_s)
        for area_id, mine in self.areas.items():
            fresh = feed.areas.get(area_id)
            self.watermarks[area_id] = mine.watermark if fresh is None else fresh.watermark
            level = level_of(mine.area, self.watermarks[area_id], followed, now, self._limits)
            if self.levels.get(area_id) is not level:
                self.levels[area_id] = level
                turned.add(area_id)
        if turned or any(_moved(self._stamped.get(area), at) for area, at in self.watermarks.items()):
            self.stamp += 1
            self._stamped = dict(self.watermarks)
        return {zone_id for zone_id, live in self.zones.items() if live.zone.area_id in turned}

    # --- versions -------------------------------------------------------------------------------------------

    def token(self, only: frozenset[str] | None = None) -> str:
        """Return the version of the areas in `only` (None: all)."""
        return ",".join(
            f"{area_id}:{area.generation}.{area.version}.{area.registry_mark}{_MARK[self.levels[area_id]]}"
            for area_id, area in sorted(self.areas.items())
            if only is None or area_id in only
        )

    def changed_since(self, token: str, only: frozenset[str] | None = None) -> set[ZoneId] | None:
        """Return the zones that changed after `token`; None: a snapshot is needed (too old, foreign or
        unreadable).

        Every zone carries the version of its last change, so there is no ring of deltas to outlive.
        """
        known: dict[str, re.Match[str]] = {}
        for part in token.split(",") if token else ():
            match = _PART.fullmatch(part)
            if match is None:
                return None
            known[match["area"]] = match
        wanted = {area_id: area for area_id, area in self.areas.items() if only is None or area_id in only}
        if known.keys() != wanted.keys():
            return None
        changed: set[ZoneId] = set()
        for area_id, area in wanted.items():
            match = known[area_id]
            same = (int(match["generation"]), match["registry"], match["mark"] or "") == (
                area.generation,
                area.registry_mark,
                _MARK[self.levels[area_id]],
            )
            if not same or int(match["version"]) > area.version:
                return None
            changed |= {
                zone_id
                for zone_id, live in self.zones.items()
                if live.zone.area_id == area_id and live.version > int(match["version"])
            }
        return changed

    def is_behind(self, token: str, only: frozenset[str] | None = None) -> bool:
        """Return whether `token` says more than we have read yet: another process gave it out, or another store."""
        for part in token.split(","):
            match = _PART.fullmatch(part)
            area = None if match is None else self.areas.get(AreaId(match["area"]))
            if match is None or area is None or (only is not None and match["area"] not in only):
                continue
            if (int(match["generation"]), int(match["version"])) > (area.generation, area.version):
                return True
        return False

    # --- bytes ----------------------------------------------------------------------------------------------

    def zone_bytes(self, zone_id: ZoneId, view: View) -> bytes:
        """Return one zone's JSON, rendered when it changed. Raises `KeyError`."""
        live = self.zones[zone_id]
        level = self.levels[live.zone.area_id]
        kept = self._bytes.get(view)
        if kept is None:
            kept = self._bytes[view] = {}
            if len(self._bytes) > VIEWS_MAX:
                self._bytes.popitem(last=False)
        self._bytes.move_to_end(view)
        found = kept.get(zone_id)
        if found is None or found[0] is not live or found[1] is not level:
            found = kept[zone_id] = (live, level, encode(zone_document(live, level, view)))
        return found[2]

    def whole(self, view: View) -> tuple[bytes, str]:
        """Return the snapshot of everything and its tag, rendered when something changed."""
        token, at = self.token(), self.as_of(None)
        kept = self._whole.get(view)
        if kept is not None and kept[0] == token and not _moved(kept[1], at):
            return kept[2]
        body = self.snapshot(Selection(view=view))
        rendered = (body, entity_tag(body))
        self._whole[view] = (token, at, rendered)
        if len(self._whole) > VIEWS_MAX:
            self._whole.popitem(last=False)
        return rendered

    def snapshot(self, selection: Selection) -> bytes:
        """Render the snapshot of a selection."""
        self.rendered += 1
        return envelope(
            self.token(selection.areas),
            self.as_of(selection.areas),
            self.stale(selection.areas),
            (self.zone_bytes(zone.zone_id, selection.view) for zone in self.select(selection)),
        )

    def select(self, selection: Selection) -> list[Zone]:
        """Return the selected zones by area and id, or by straight-line distance around a point."""
        zones = [live.zone for live in self.zones.values() if selection.takes(live.zone)]
        if selection.min_free is not None:
            zones = [zone for zone in zones if self._usable_free(zone, selection.view) >= selection.min_free]
        around = selection.around
        if around is not None:
            zones.sort(key=lambda zone: (distance_m(around, zone.lat, zone.lon), zone.zone_id))
        else:
            zones.sort(key=lambda zone: (zone.area_id, zone.zone_id))
        return zones

    def shown(self, zone_id: ZoneId) -> ZoneAvailability:
        """Return the availability as it may be shown now. Raises `KeyError`."""
        live = self.zones[zone_id]
        down = self.levels[live.zone.area_id] is Level.DOWN
        return withheld(live.availability) if down else live.availability

    def _usable_free(self, zone: Zone, view: View) -> int:
        return usable(self.shown(zone.zone_id).groups, view.driver, view.stay_min).free

    def as_of(self, only: Iterable[str] | None) -> datetime | None:
        return as_of((area.area for area in self._areas(only)), self.watermarks)

    def stale(self, only: Iterable[str] | None) -> bool:
        return any(self.levels[area.area.area_id] is not Level.FRESH for area in self._areas(only))

    def _areas(self, only: Iterable[str] | None) -> list[AreaLive]:
        return [area for area_id, area in self.areas.items() if only is None or area_id in only]


def _moved(rendered: datetime | None, now: datetime | None) -> bool:
    if rendered is None or now is None:
        return rendered is not now
    return abs(now - rendered) >= AS_OF_STEP
