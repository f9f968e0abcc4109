"""What the API knows at this moment, with its bytes rendered at most once per change. No I/O; time is an
argument.

A version is an opaque token (`versions`). It is the same for every process that follows the same store, so a client may
go on with any of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from api.in_force import tables
from api.offers import offers
from api.selection import Selection, View, distance_m
from api.snapshot import Level, Limits, as_of, encode, entity_tag, envelope, level_of, zone_document
from api.versions import Part, part_now, parts_of
from api.visits import Visits
from occupancy.answers import instant
from occupancy.drivers import Usable, usable_by, withheld
from occupancy.model import AreaId, Clock, Zone, ZoneAvailability, ZoneId
from occupancy.registry import Registry
from occupancy.whole_stay import Visit
from store.feed import AreaLive, Change, ZoneLive

VIEWS_MAX = 64
"""Drivers' views whose bytes are kept; beyond it the view unused for longest is rendered anew when asked
for.
"""
AS_OF_STEP_S = 10
"""What is told of the watermark moves in steps of the clock, which every process takes at the same watermark: else two
that read it at other moments would say the same in other bytes.
"""
NOW = View()
VisitIn = Callable[[AreaId], Visit | None]


class Followed(Protocol):
    """What is read of `store.feed.Feed`."""

    @property
    def areas(self) -> Mapping[AreaId, AreaLive]: ...

    @property
    def zones(self) -> Mapping[ZoneId, ZoneLive]: ...

    @property
    def registries(self) -> Mapping[AreaId, Registry]: ...

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
        self.minutes = 0
        """Moves on with every minute of an area: what may be used for a whole stay may be another."""
        self.stamp = 0
        """Moves on whenever an answer made from the board alone may be another one."""
        self._stamped: dict[str, datetime | None] = {}
        self.visits = Visits()
        self._limits = limits
        self._bytes: OrderedDict[View, dict[ZoneId, tuple[_Made, bytes]]] = OrderedDict()
        self._whole: OrderedDict[View, tuple[str, datetime | None, tuple[bytes, str]]] = OrderedDict()

    # --- moving on ------------------------------------------------------------------------------------------

    def load(self, feed: Followed, now: datetime) -> None:
        """Take everything over, as after connecting."""
        self.areas, self.zones = dict(feed.areas), dict(feed.zones)
        self.visits.load(feed.registries)
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
            self.visits.change(change.area_id, feed.registries.get(change.area_id))
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
        other_minute = False
        followed = None if feed.followed_s is None else timedelta(seconds=feed.followed_s)
        for area_id, mine in self.areas.items():
            fresh = feed.areas.get(area_id)
            self.watermarks[area_id] = mine.watermark if fresh is None else fresh.watermark
            is_live = mine.area.clock is Clock.LIVE
            other_minute |= self.visits.move(area_id, now if is_live else self.watermarks[area_id])
            level = level_of(mine.area, self.watermarks[area_id], followed, now, self._limits)
            if self.levels.get(area_id) is not level:
                self.levels[area_id] = level
                turned.add(area_id)
        self.minutes += other_minute
        steps = {area_id: _step_of(at) for area_id, at in self.watermarks.items()}
        if turned or other_minute or steps != self._stamped:
            self.stamp += 1
            self._stamped = steps
        return {zone_id for zone_id, live in self.zones.items() if live.zone.area_id in turned}

    # --- versions -------------------------------------------------------------------------------------------

    def token(self, only: frozenset[str] | None = None, view: View = NOW) -> str:
        """Return the version of the areas in `only` (None: all) for a view.

        What may be used for a whole stay is another thing every minute, so there the minute is part of it.
        """
        return ",".join(f"{area_id}:{part}" for area_id, part in self._parts(only, view).items())

    def _parts(self, only: frozenset[str] | None, view: View) -> dict[AreaId, Part]:
        return {
            area_id: part_now(
                area,
                self.levels[area_id],
                None if view.stay_min is None else self.visits.minute(area_id),
            )
            for area_id, area in sorted(self.areas.items())
            if only is None or area_id in only
        }

    def changed_since(
        self, token: str, only: frozenset[str] | None = None, view: View = NOW
    ) -> set[ZoneId] | None:
        """Return the zones whose answer to a view changed after `token`; None: a snapshot is needed (too old, foreign
        or unreadable).

        Every zone carries the version of its last change, so there is no ring of deltas to outlive.
        """
        known, wanted = parts_of(token), self._parts(only, view)
        if known is None or known.keys() != wanted.keys():
            return None
        changed: set[ZoneId] = set()
        for area_id, now in wanted.items():
            then = known[area_id]
            if not now.follows(then):
                return None
            own = [live for live in self.zones.values() if live.zone.area_id == area_id]
            changed |= {live.zone.zone_id for live in own if live.version > then.version}
            if now.minute != then.minute:
                changed |= self._other_stays(own, view, then.minute, now.minute)
        return changed

    def is_behind(self, token: str, only: frozenset[str] | None = None) -> bool:
        """Return whether `token` says more than we have read yet: another process gave it out, or another store."""
        for area_id, then in (parts_of(token) or {}).items():
            area = self.areas.get(AreaId(area_id))
            if area is None or (only is not None and area_id not in only):
                continue
            if (then.generation, then.version) > (area.generation, area.version):
                return True
        return False

    def _other_stays(
        self, zones: Iterable[ZoneLive], view: View, before: datetime | None, now: datetime | None
    ) -> set[ZoneId]:
        """Return the zones of which other bays may be used for a stay that begins now than for one from before."""

        def own(live: ZoneLive, at: datetime | None) -> Usable:
            visit = self.visits.at(live.zone.area_id, view, at)
            return usable_by(live.zone, live.availability, view.asker, visit)

        return {live.zone.zone_id for live in zones if own(live, before) != own(live, now)}

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
        made = _Made(live, level, None if view.stay_min is None else self.visits.minute(live.zone.area_id))
        if found is None or not found[0].is_of(made):
            visit = self.visits.now(live.zone.area_id, view)
            found = kept[zone_id] = (made, encode(zone_document(live, level, view, visit)))
        return found[1]

    def whole(self, view: View) -> tuple[bytes, str]:
        """Return the snapshot of everything and its tag, rendered when something changed."""
        token, at = self.token(view=view), self.as_of(None)
        kept = self._whole.get(view)
        if kept is not None and kept[:2] == (token, at):
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
        zones = self.select(selection)
        head = {**self.head(selection, zones), "complete": True}
        return envelope(head, (self.zone_bytes(zone.zone_id, selection.view) for zone in zones))

    def head(self, selection: Selection, zones: Iterable[Zone]) -> dict[str, object]:
        """Return what an answer with these zones says of itself, and the rules that they name."""
        return {
            "version": self.token(selection.areas, selection.view),
            "as_of": instant(self.as_of(selection.areas)),
            "stale": self.stale(selection.areas),
            **tables((self.zones[zone.zone_id] for zone in zones), self.visits),
        }

    def taken(self, selection: Selection) -> list[Zone]:
        """Return the zones that are in the selection, whatever they have at this hour."""
        return [live.zone for live in self.zones.values() if selection.takes(live.zone)]

    def select(self, selection: Selection, visit_in: VisitIn | None = None) -> list[Zone]:
        """Return the selected zones by area and id, or by straight-line distance around a point.

        `visit_in` says when the asker comes to an area; None: now.
        """
        zones = [zone for zone in self.taken(selection) if self._offers(zone, selection, visit_in)]
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

    def _offers(self, zone: Zone, selection: Selection, visit_in: VisitIn | None) -> bool:
        view = selection.view
        visit = self.visits.now(zone.area_id, view) if visit_in is None else visit_in(zone.area_id)
        return offers(zone, self.shown(zone.zone_id), selection, visit)

    def as_of(self, only: Iterable[str] | None) -> datetime | None:
        """Return the time up to which everything is known, down to the step before; None: not known."""
        return _step_of(as_of((area.area for area in self._areas(only)), self.watermarks))

    def stale(self, only: Iterable[str] | None) -> bool:
        return any(self.levels[area.area.area_id] is not Level.FRESH for area in self._areas(only))

    def _areas(self, only: Iterable[str] | None) -> list[AreaLive]:
        return [area for area_id, area in self.areas.items() if only is None or area_id in only]


@dataclass(frozen=True, slots=True)
class _Made:
    """What a zone's bytes were made from; `minute` None: they are the same at any time."""

    live: ZoneLive
    level: Level
    minute: datetime | None

    def is_of(self, other: _Made) -> bool:
        return self.live is other.live and self.level is other.level and self.minute == other.minute


def _step_of(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(second=at.second - at.second % AS_OF_STEP_S, microsecond=0)
