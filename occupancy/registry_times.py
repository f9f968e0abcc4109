"""Stretches of time in registry documents: from an instant to another, and hours of a day."""

from __future__ import annotations

from datetime import datetime

from occupancy.registry_fields import Fields, format_minutes


def period(
    read: Fields, first: str = "valid_from", last: str = "valid_to"
) -> tuple[datetime | None, datetime | None]:
    """Two instants that may be left out, the second after the first."""
    start = read.instant(first) if read.optional(first) else None
    end = read.instant(last) if read.optional(last) else None
    if start and end and end <= start:
        raise read.error(last, f"is not after {first}", "correct one of them")
    return start, end


def window(read: Fields, first: str, last: str) -> tuple[int, int]:
    """Two times of one day, the second after the first."""
    start = read.clock_time(first) if read.optional(first) else 0
    end = read.clock_time(last) if read.optional(last) else 1440
    if end <= start:
        fix = f"over midnight give two: one to 24:00 and, for the next days, one 00:00-{format_minutes(end)}"
        raise read.error(last, f"{format_minutes(end)} is not after {first} {format_minutes(start)}", fix)
    return start, end
