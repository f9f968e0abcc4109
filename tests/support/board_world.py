"""A feed without a database: the dicts of `store.feed.Feed`, changed by hand, with the changes it would yield."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


def availability(
    zone_id: str, free: int, occupied: int, unknown: int = 0, closed: int = 0
) -> ZoneAvailability:
    counts = Counts(free=free, occupied=occupied, unknown=unknown, closed=closed)
    return ZoneAvailability(
        zone_id=ZoneId(zone_id),
        groups=(Group(bay_type=BayType.STANDARD, access=frozenset({"general"}), counts=counts),),
        free_min=free,
        free_max=free + unknown,
        as_of=NOON,
        source=Source.SENSOR,
        confidence=0.9,
        coverage=0.5,
        counts=counts,
    )


@dataclass
class FeedDouble:
    """What a feed holds, moved by `change` as the engine's commits would move it."""

    areas: dict[AreaId, AreaLive] = field(default_factory=dict)
    zones: dict[ZoneId, ZoneLive] = field(default_factory=dict)
    registries: dict[AreaId, Registry] = field(default_factory=dict)
    followed_s: float | None = 0.0

    def add_area(self, name: str, zones: int, *, clock: Clock = Clock.LIVE) -> None:
        area_id = AreaId(name)
        area = Area(
            area_id=area_id,
            name=Name(en=name),
            time_zone="Europe/London",
            languages=("cy", "en"),
            clock=clock,
        )
        self.areas[area_id] = AreaLive(area, 1, 0, NOON, "1-1")
        for number in range(zones):
            zone = Zone(
                zone_id=ZoneId(f"{name}-{number}"),
                area_id=area_id,
                kind=ZoneKind.STREET,
                name=Name(en=f"Street {number}", cy=None if number else "Heol 0"),
                lat=51.48 + number / 1000,
                lon=-3.18,
            )
            self.zones[zone.zone_id] = ZoneLive(zone, availability(zone.zone_id, 0, 1), 0)

    def change(self, name: str, free: Mapping[str, int], *, reset: bool = False) -> Change:
        """Set the zones' free bays of ten in one step."""
        area_id = AreaId(name)
        before = self.areas[area_id]
        self.areas[area_id] = after = replace(
            before, version=before.version + 1, generation=before.generation + int(reset)
        )
        for zone_id, number in free.items():
            known = self.zones[ZoneId(zone_id)]
            answer = availability(zone_id, number, 10 - number)
            self.zones[ZoneId(zone_id)] = ZoneLive(known.zone, answer, after.version)
        touched = tuple(ZoneId(zone_id) for zone_id in free)
        if reset:
            touched = tuple(zone_id for zone_id, live in self.zones.items() if live.zone.area_id == area_id)
        return Change(
            area_id, after.generation, after.version, before.version, after.watermark, touched, reset
        )

    def move_watermark(self, name: str, at: datetime | None) -> None:
        self.areas[AreaId(name)] = replace(self.areas[AreaId(name)], watermark=at)
