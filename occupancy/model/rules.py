"""The registry: what holds for bays, and what operators put over it for a time. Rules are data (L12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from occupancy.model.ids import AreaId, BayId, ZoneId
from occupancy.model.places import Bay


class Use(StrEnum):
    """What a rule lets a driver do while it is in force."""

    FREE_PARKING = "free_parking"
    LIMITED_WAITING = "limited_waiting"
    PAY = "pay"
    RESIDENT = "resident"
    SHARED = "shared"
    BLUE_BADGE = "blue_badge"
    LOADING = "loading"
    EV = "ev"
    MOTORCYCLE = "motorcycle"
    COACH = "coach"
    NO_PARKING = "no_parking"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One version of one rule. Minutes are civil minutes after midnight; `valid_*` are civil dates as instants."""

    rule_id: str
    area_id: AreaId
    use: Use
    days: frozenset[int]
    starts_min: int = 0
    ends_min: int = 1440
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    max_stay_min: int | None = None
    no_return_min: int | None = None
    permit_areas: tuple[str, ...] = ()
    exemptions: tuple[str, ...] = ()
    """Who the limit does not bind, as in "blue_badge"."""
    bank_holidays: bool = True
    """Whether the rule also applies on a bank holiday."""
    only_on: str | None = None
    """A declared day type ("event", "school_term"): the rule applies on those days only."""
    tariff: str | None = None
    order: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Declared days of an area by civil date (ISO): "event", "school_term" as inclusive date ranges."""

    area_id: AreaId
    days: tuple[tuple[str, str, str], ...] = ()
    """(day type, first date, last date)."""


class OverrideKind(StrEnum):
    """What an operator may put over rules and sensors for a while."""

    SUSPENSION = "suspension"
    CLOSURE = "closure"
    EVENT = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """What holds for the bays and zones it names during [starts_at, until); docs/overrides.md says it for people."""

    override_id: str
    area_id: AreaId
    kind: OverrideKind
    reason: str
    starts_at: datetime
    ends_at: datetime | None = None
    expires_at: datetime | None = None
    """When an override without a known end lapses unless it is set again."""
    notice: str | None = None
    day_type: str = "event"
    """For an event: the day type of the rules (`only_on`) that it brings into force."""
    bay_ids: frozenset[BayId] = frozenset()
    zone_ids: frozenset[ZoneId] = frozenset()

    @property
    def until(self) -> datetime | None:
        """The first instant at which it no longer holds; None: open-ended."""
        return min((at for at in (self.ends_at, self.expires_at) if at is not None), default=None)

    @property
    def closes(self) -> bool:
        return self.kind is not OverrideKind.EVENT

    def holds_at(self, at: datetime) -> bool:
        until = self.until
        return self.starts_at <= at and (until is None or at < until)

    def covers(self, bay: Bay) -> bool:
        return bay.bay_id in self.bay_ids or bay.zone_id in self.zone_ids
