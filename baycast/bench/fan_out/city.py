"""A city whose feed is moved by hand: one street, which one vehicle after the other leaves and enters."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from occupancy.model import (
    Area,
    AreaId,
    BayType,
    Clock,
    Counts,
    Group,
    Name,
    Source,
    Zone,
    ZoneAvailability,
    ZoneId,
    ZoneKind,
)
from occupancy.registry import Registry
from store.feed import AreaLive, Change, ZoneLive

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_AREA, _ZONE = AreaId("bench"), ZoneId("castle-street")


class FedByHand:
    """What a board reads of a feed."""

    def __init__(self) -> None:
        self.registries: dict[AreaId, Registry] = {}
        area = Area(
            area_id=_AREA,
            name=Name(en="Bench"),
            time_zone="Europe/London",
            languages=("en",),
            clock=Clock.EVENT,
        )
        zone = Zone(
            zone_id=_ZONE,
            area_id=_AREA,
            kind=ZoneKind.STREET,
            name=Name(en="Castle Street"),
            lat=51.48,
            lon=-3.18,
        )
        self.areas = {_AREA: AreaLive(area, 1, 0, NOON, "1-1")}
        self.zones = {_ZONE: ZoneLive(zone, _availability(0), 0)}
        self.followed_s: float | None = 0.0

    def change(self) -> Change:
        """One bay is taken that was free, or free that was taken."""
        before = self.areas[_AREA]
        self.areas[_AREA] = after = replace(before, version=before.version + 1)
        zone = self.zones[_ZONE].zone
        self.zones[_ZONE] = ZoneLive(zone, _availability(after.version % 2), after.version)
        return Change(_AREA, 1, after.version, before.version, NOON, (_ZONE,), False)


def _availability(free: int) -> ZoneAvailability:
    counts = Counts(free=free, occupied=10 - free, unknown=0, closed=0)
    group = Group(bay_type=BayType.STANDARD, access=frozenset({"general"}), counts=counts)
    return ZoneAvailability(
        zone_id=_ZONE,
        groups=(group,),
        free_min=free,
        free_max=free,
        as_of=NOON,
        source=Source.SENSOR,
        confidence=0.98,
        coverage=1.0,
        counts=counts,
    )
