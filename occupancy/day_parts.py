"""Civil days cut where the rules of a bay may change; in between, nothing about it changes.

Rules go by the clock on the wall, so a day is cut at their times, at midnight, where the clocks change, and where a
rule's or an override's validity begins or ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from occupancy.calendar import day_bounds, instants_of, zone_of
from occupancy.model import Override, Rule


def day_edges(
    time_zone: str, day: date, rules: Iterable[Rule], overrides: Iterable[Override]
) -> list[datetime]:
    """The instants at which a civil day is cut, in UTC and in order, its beginning and its end among them."""
    rules = list(rules)
    minutes = {minute for rule in rules for minute in (rule.starts_min, rule.ends_min)}
    instants = {at for rule in rules for at in (rule.valid_from, rule.valid_to) if at}
    instants.update(at for override in overrides for at in (override.starts_at, override.until) if at)
    return cut_day(time_zone, day, minutes, instants)


def cut_day(
    time_zone: str, day: date, minutes: Iterable[int], instants: Iterable[datetime]
) -> list[datetime]:
    """A civil day cut at minutes of the clock on the wall and at instants; its ends are among the edges, in order."""
    start, end = day_bounds(time_zone, day)
    edges = {start, *_clock_changes(time_zone, day), *instants}
    for minute in {minute for minute in minutes if minute < 1440}:
        edges.update(instants_of(time_zone, datetime.combine(day, time(minute // 60, minute % 60))))
    return [*sorted(at for at in edges if start <= at < end), end]


@lru_cache(maxsize=4096)
def _clock_changes(time_zone: str, day: date) -> tuple[datetime, ...]:
    """The instants of a civil day at which the clocks change, found to the minute."""
    start, end = day_bounds(time_zone, day)
    if end - start == timedelta(days=1):
        return ()
    zone = zone_of(time_zone)

    def offset(minutes: int) -> timedelta | None:
        return (start + timedelta(minutes=minutes)).astimezone(zone).utcoffset()

    low, high = 0, int((end - start) / timedelta(minutes=1))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset(middle) == offset(0) else (low, middle)
    return (start.astimezone(UTC) + timedelta(minutes=high),)
