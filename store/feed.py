"""Follows the engine's derived zone states by version, for those who tell the world (api, publish).

A notification only wakes the follower early; the truth is the version per area, so a lost notification or a
dropped connection costs latency, never a change.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from occupancy.model import Area, AreaId, BayId, BayState, Zone, ZoneAvailability, ZoneId
from occupancy.registry import Registry
from store.feed_bays import LOST, BayQuestions
from store.feed_rows import availability_of, bay_state_of, registry_of, unobserved
from store.following import Following
from store.queries import sql

POLL_S = 1.0
"""How often the versions are asked for when nobody notifies."""
REGISTRY_POLL_S = 5.0
"""How often the registry marks are asked for when nobody notifies."""
_log = logging.getLogger("baycast.feed")


@dataclass(frozen=True, slots=True)
class ZoneLive:
    """A zone and its answer. `version` is the log position of its last change, 0 before the first."""

    zone: Zone
    availability: ZoneAvailability
    version: int


@dataclass(frozen=True, slots=True)
class AreaLive:
    """An area as the feed stands. `registry_mark` differs after any registry change, and is one for all
    followers.
    """

    area: Area
    generation: int
    version: int
    watermark: datetime | None
    registry_mark: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A step of one area, already applied to the feed's dicts. `prev` is the version of the step before.

    `zone_ids` are the zones that changed (with `reset`: every zone of the area, removed ones included).
    `reset` says that the generation or the registry is new, so that anything may differ.
    """

    area_id: AreaId
    generation: int
    version: int
    prev: int
    watermark: datetime | None
    zone_ids: tuple[ZoneId, ...]
    reset: bool


@dataclass(slots=True)
class _Marks:
    """What the follower knows of the registry, and when it last asked (monotonic seconds)."""

    by_area: dict[str, str] = field(default_factory=dict)
    asked_at: float = float("-inf")
    due: bool = True


class Feed:
    """Use as `async with Feed(url) as feed:`, then read the dicts at any time and iterate `changes()` once.

    Entering loads everything when the database can be reached; otherwise the dicts start empty and
    `changes()` keeps trying. A watermark that moves alone is applied to `areas` without a `Change`.
    """

    def __init__(self, url: str, *, poll_s: float = POLL_S) -> None:
        self.areas: dict[AreaId, AreaLive] = {}
        self.zones: dict[ZoneId, ZoneLive] = {}
        self.registries: dict[AreaId, Registry] = {}
        self._bays = BayQuestions(url)
        self._marks = _Marks()
        heard = {"baycast_feed": lambda: None, "baycast_registry": self._registry_changed}
        self._following = Following(url, "baycast feed", heard, poll_s=poll_s)
        self._renewed: set[AreaId] = set()
        """Areas whose new registry is loaded but not yet applied."""

    async def __aenter__(self) -> Feed:
        with contextlib.suppress(*LOST):
            await self._following.step(self._advance)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._following.close()
        await self._bays.close()

    @property
    def followed_s(self) -> float | None:
        """Seconds since the database last answered, None: never."""
        return self._following.answered_s

    @property
    def followed_at(self) -> float | None:
        """When the database last answered (monotonic seconds), None: never."""
        return self._following.answered_at

    async def changes(self) -> AsyncGenerator[Change, None]:
        """Yield every change, for ever, also when the database goes away and comes back."""
        async with contextlib.aclosing(self._following.steps(self._advance)) as steps:
            async for found in steps:
                for change in found:
                    yield change

    async def bay_states(self, area_id: AreaId, bay_ids: Sequence[BayId]) -> dict[BayId, BayState]:
        """Return what is known of these bays of one area now; a bay without a row is not in the result.

        Raises `OSError`, `TimeoutError` or an asyncpg error when the database cannot answer, or is asked too
        much. It has a connection of its own: whoever asks must not hold up those who follow.
        """
        if self._following.connection is None:
            raise ConnectionError("the database is not connected")
        rows = await self._bays.ask(area_id, self.areas[area_id].generation, bay_ids)
        return {BayId(row["bay_id"]): bay_state_of(row) for row in rows}

    # --- following ------------------------------------------------------------------------------------------

    def _registry_changed(self) -> None:
        self._marks.due = True

    async def _fetch(self, statement: str, *args: object) -> Sequence[Any]:
        if self._following.connection is None:
            raise ConnectionError("the database is not connected")
        rows: Sequence[Any] = await self._following.connection.fetch(statement, *args)
        return rows

    async def _advance(self) -> list[Change]:
        await self._renew_registries()
        renewed = self._renewed
        known = list(self.areas.values())
        rows = await self._fetch(
            sql("feed.advance"),
            [area.area.area_id for area in known],
            [area.generation for area in known],
            # A renewed registry may have brought zones whose rows are older than the known version.
            [-1 if area.area.area_id in renewed else area.version for area in known],
        )
        self._renewed = set()
        by_area: dict[str, list[Any]] = {}
        for row in rows:
            by_area.setdefault(row["area"], []).append(row)
        changes: list[Change] = [
            self._dropped(area_id) for area_id in [*self.areas] if area_id not in self.registries
        ]
        for area_id in self.registries:
            change = self._apply(area_id, by_area.get(area_id, []), area_id in renewed)
            if change is not None:
                changes.append(change)
        return changes

    def _apply(self, area_id: AreaId, rows: Sequence[Any], renewed: bool) -> Change | None:
        registry = self.registries[area_id]
        before = self.areas.get(area_id)
        generation, version, watermark = (
            (rows[0]["generation"], rows[0]["version"], rows[0]["watermark"]) if rows else (0, 0, None)
        )
        reset = renewed or before is None or before.generation != generation
        area = registry.area
        assert area is not None  # noqa: S101 - only registries with an area are kept
        self.areas[area_id] = AreaLive(area, generation, version, watermark, self._marks.by_area[area_id])
        touched: dict[ZoneId, None] = {}
        if reset:
            touched.update(dict.fromkeys(self._forget_zones(area_id)))
            for zone in registry.zones.values():
                self.zones[zone.zone_id] = ZoneLive(zone, unobserved(registry, zone), 0)
                touched[zone.zone_id] = None
        for row in rows:
            found = None if row["zone_id"] is None else registry.zones.get(row["zone_id"])
            if found is not None:
                self.zones[found.zone_id] = ZoneLive(
                    found, _answer(registry, found, row), row["zone_version"]
                )
                touched[found.zone_id] = None
        if not reset and before is not None and before.version == version:
            return None
        prev = 0 if before is None else before.version
        return Change(area_id, generation, version, prev, watermark, tuple(touched), reset)

    def _dropped(self, area_id: AreaId) -> Change:
        before = self.areas.pop(area_id)
        gone = tuple(self._forget_zones(area_id))
        return Change(area_id, before.generation, before.version, before.version, None, gone, reset=True)

    def _forget_zones(self, area_id: AreaId) -> list[ZoneId]:
        gone = [zone_id for zone_id, live in self.zones.items() if live.zone.area_id == area_id]
        for zone_id in gone:
            del self.zones[zone_id]
        return gone

    async def _renew_registries(self) -> None:
        """Load the registries whose mark differs, and note their areas as renewed."""
        asked_at = time.monotonic()
        if not self._marks.due and asked_at - self._marks.asked_at < REGISTRY_POLL_S:
            return
        self._marks.due = False
        marks = {
            row["area"]: f"{row['newest']}-{row['documents']}"
            for row in await self._fetch(sql("feed.registry_marks"))
        }
        self._marks.asked_at = asked_at
        for area_id, mark in marks.items():
            if self._marks.by_area.get(area_id) == mark:
                continue
            rows = await self._fetch(sql("feed.registry_documents"), area_id)
            registry = await asyncio.to_thread(registry_of, rows)
            if registry.area is None:
                self.registries.pop(AreaId(area_id), None)
            else:
                self.registries[AreaId(area_id)] = registry
                self._renewed.add(AreaId(area_id))
        for area_id in [area_id for area_id in self.registries if area_id not in marks]:
            del self.registries[area_id]
        self._marks.by_area = marks


def _answer(registry: Registry, zone: Zone, row: Any) -> ZoneAvailability:
    """Return the row's answer. A row that does not add up is no evidence, and harms its own zone only
    (L11).
    """
    try:
        return availability_of(row)
    except (ValueError, msgspec.MsgspecError) as problem:
        _log.error("zone_state of %s does not hold together: %s", zone.zone_id, problem)
        return unobserved(registry, zone)


__all__ = ["AreaLive", "Change", "Feed", "ZoneLive", "unobserved"]
