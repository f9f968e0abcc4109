"""The month that is reported, and all that its report is made from. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from occupancy.calendar import day_bounds
from occupancy.forecast.skill import Chances, KindOfDay
from occupancy.forecast.skill import Sums as ForecastSums
from occupancy.history.definitions import BY_NAME, Needs
from occupancy.history.metrics import Figure, Sums, figures, withheld
from occupancy.maintenance import SensorRecord
from occupancy.model import Area, Zone, ZoneId
from store.history import Extent, Period


class CivilMonth(NamedTuple):
    """A month of the civil calendar."""

    year: int
    month: int

    @property
    def first(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def following(self) -> CivilMonth:
        return CivilMonth(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def before(self) -> CivilMonth:
        return CivilMonth(self.year - (self.month == 1), (self.month - 2) % 12 + 1)

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.following.first - self.first).days)]

    def bounds(self, time_zone: str) -> tuple[datetime, datetime]:
        """The instants [start, end), in UTC."""
        return day_bounds(time_zone, self.first)[0], day_bounds(time_zone, self.following.first)[0]


def month_of(text: str) -> CivilMonth:
    """Of "2026-10". Raises `ValueError` with the fix."""
    written = re.fullmatch(r"([0-9]{4})-(0[1-9]|1[0-2])", text)
    if written is None or not 2000 <= int(written[1]) < 2200:
        raise ValueError(f"{text!r} is no month; write 2026-10")
    return CivilMonth(int(written[1]), int(written[2]))


class Standing(StrEnum):
    """How far a month's figures can still change."""

    AHEAD = "ahead"
    """It has not begun."""
    EMPTY = "empty"
    """There is no history of it."""
    RUNNING = "running"
    """It is not over."""
    PROVISIONAL = "provisional"
    FINAL = "final"


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthHistory:
    """One area in one month."""

    area: Area
    zones: Mapping[ZoneId, Zone]
    month: CivilMonth
    extent: Extent
    least_coverage: float
    final_after_h: float
    total: Period | None
    """All bays in the whole month; None: there is no history of it."""
    before: Period | None
    """The month before; while this one is running, only as much of it as there is of this one."""
    before_end: datetime
    hours_of_week: Mapping[int, Sums]
    """By the hour from Monday's midnight on."""
    working_hours: Mapping[int, Sums]
    """By the same, without weekends and bank holidays."""
    days: Mapping[date, Sums]
    places: Sequence[Period]
    """Each street and car park in the whole month."""
    revisions: int
    """How often hours of the month were revised."""
    sensors: Sequence[SensorRecord]
    """As they are now, what to fix first at the top."""
    skill: Mapping[tuple[int, KindOfDay], ForecastSums] = field(default_factory=dict)
    """How good forecasts were, by horizon in minutes and kind of day."""
    chances: Mapping[int, Chances] = field(default_factory=dict)
    """What was said of a free bay, and what came, by horizon in minutes."""

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        return self.month.bounds(self.area.time_zone)

    @property
    def sums(self) -> Sums | None:
        """Of all bays in the whole month."""
        return None if self.total is None else self.total.sums

    @property
    def sums_before(self) -> Sums | None:
        """Of the month before."""
        return None if self.before is None else self.before.sums

    @property
    def standing(self) -> Standing:
        start, end = self.bounds
        reached, final_to = self.extent.watermark, self.extent.final_to
        if reached is not None and reached <= start:
            return Standing.AHEAD
        if reached is None or self.total is None:
            return Standing.EMPTY
        if reached < end:
            return Standing.RUNNING
        return Standing.FINAL if final_to is not None and final_to >= end else Standing.PROVISIONAL

    def figure(self, name: str, sums: Sums | None, *, personal: bool = False) -> Figure:
        """A figure by its name in `definitions`, mostly as it is told without the right to personal data; `sums` None:
        there is no history."""
        if sums is None:
            return Figure(None, "history")
        report = BY_NAME[name].report
        return figures(report, sums, least_coverage=self.least_coverage, personal=personal)[name]

    def by_day(self, name: str) -> list[Figure]:
        """A count of vehicles on each day, told so that the month's sum gives no small one away."""
        told = [self.figure(name, self.days.get(day), personal=True) for day in self.month.days]
        counted = [n for n, figure in enumerate(told) if figure.value is not None]
        for n in withheld([int(told[n].value or 0) for n in counted]):
            told[counted[n]] = Figure(None, "hidden")
        return told

    def known_share(self, name: str, sums: Sums | None) -> float | None:
        """The coverage of a figure: the share of the time that it is made of; None: there was none."""
        if sums is None:
            return None
        return sums.watched if BY_NAME[name].needs is Needs.WATCHED else sums.coverage
