"""What the publisher reads of the feed, so that what to tell can be decided without a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from occupancy.model import AreaId, ZoneId
from occupancy.registry import Registry
from publish.config import PublishConfig
from publish.freshness import is_fresh
from store.feed import AreaLive, ZoneLive


class View(Protocol):
    """The part of `store.feed.Feed` that is read here."""

    @property
    def areas(self) -> Mapping[AreaId, AreaLive]: ...

    @property
    def zones(self) -> Mapping[ZoneId, ZoneLive]: ...

    @property
    def registries(self) -> Mapping[AreaId, Registry]: ...

    @property
    def followed_s(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant on both clocks: the time of day, and monotonic seconds for durations."""

    now: datetime
    now_s: float


def fresh_areas(view: View, config: PublishConfig, moment: Moment) -> frozenset[AreaId]:
    """Return the areas whose numbers are live."""
    followed_s = view.followed_s
    return frozenset(
        area_id
        for area_id, live in view.areas.items()
        if is_fresh(
            live.area.clock,
            live.watermark,
            now=moment.now,
            stale_after=timedelta(seconds=config.stale_after_s),
            followed_s=followed_s,
            follow_within_s=config.follow_within_s,
        )
    )
