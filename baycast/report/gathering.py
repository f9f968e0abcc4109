"""Reads from the database what a month's report is made from."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from datetime import datetime

from baycast.report.month import CivilMonth, MonthHistory
from occupancy.calendar import civil_at, is_bank_holiday
from occupancy.history.hour import Scope, floor_hour
from occupancy.history.periods import Grain, Question
from occupancy.maintenance import SensorRecord, by_urgency
from occupancy.model import Area, AreaId
from occupancy.registry import Registry
from store.history import Extent, HistoryReader, Period

_SATURDAY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which month of which area, and the settings that its history is read by."""

    area: Area
    month: CivilMonth
    least_coverage: float
    final_after_h: float


async def month_history(
    url: str, wanted: Wanted, registry: Registry, sensors: list[SensorRecord]
) -> MonthHistory:
    """Raises `LOST`."""
    reader = HistoryReader(url)
    try:
        return await _read(reader, wanted, registry, sensors)
    finally:
        await reader.close()


async def _read(
    reader: HistoryReader, wanted: Wanted, registry: Registry, sensors: list[SensorRecord]
) -> MonthHistory:
    area, month = wanted.area, wanted.month
    extent = await reader.extent(AreaId(area.area_id))
    start, end = month.bounds(area.time_zone)
    asked = Question(
        area=area.area_id, time_zone=area.time_zone, start=start, end=end, grain=Grain.TOTAL, scope=Scope.AREA
    )
    working = tuple(
        day
        for day in month.days
        if day.weekday() < _SATURDAY and not is_bank_holiday(area, registry.calendar, day)
    )
    before = stretch_before(area, month, extent)
    of_week = replace(asked, grain=Grain.HOUR_OF_WEEK)
    return MonthHistory(
        area=area,
        zones=registry.zones,
        month=month,
        extent=extent,
        least_coverage=wanted.least_coverage,
        final_after_h=wanted.final_after_h,
        total=await _only(reader, asked),
        before=await _only(reader, replace(asked, start=before[0], end=before[1])),
        before_end=before[1],
        hours_of_week={
            period.hour_of_week or 0: period.sums for period in await _all(reader, of_week, lengths=False)
        },
        working_hours={
            period.hour_of_week or 0: period.sums
            for period in await _all(reader, replace(of_week, dates=working), lengths=False)
        },
        days={
            civil_at(area.time_zone, period.start).day: period.sums
            for period in await _all(reader, replace(asked, grain=Grain.DAY), lengths=False)
            if period.start is not None
        },
        places=await _all(reader, replace(asked, scope=Scope.ZONE), lengths=True),
        revisions=await reader.revisions(area.area_id, start, end),
        sensors=by_urgency(sensors),
    )


def stretch_before(area: Area, month: CivilMonth, extent: Extent) -> tuple[datetime, datetime]:
    """The month before; while this one is running, as much of its beginning as there is of this one, by the hour."""
    start, end = month.bounds(area.time_zone)
    first, last = month.before.bounds(area.time_zone)
    reached = extent.watermark
    if reached is None or not start < reached < end:
        return first, last
    return first, min(last, first + (floor_hour(reached) - start))


async def _only(reader: HistoryReader, asked: Question) -> Period | None:
    if asked.end <= asked.start:
        return None
    async with contextlib.aclosing(reader.periods(asked, lengths=True)) as periods:
        return await anext(periods, None)


async def _all(reader: HistoryReader, asked: Question, *, lengths: bool) -> list[Period]:
    async with contextlib.aclosing(reader.periods(asked, lengths=lengths)) as periods:
        return [period async for period in periods]
