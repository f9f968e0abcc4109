"""Instants as people write them on the command line."""

from datetime import UTC, datetime

from baycast.settings import UsageError

INSTANT = "RFC 3339 as 2026-11-23T08:00Z, or the clock on the wall there as 2026-11-23T08:00"


def instant_of(option: str, text: str, time_zone: str) -> datetime:
    """An instant as people write it; a time without an offset is read off the clock on the wall there."""
    from occupancy.calendar import instants_of

    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text}: is no time; give {INSTANT}") from None
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    found = instants_of(time_zone, at)
    if len(found) == 1:
        return found[0]
    problem = "comes twice on that day" if found else "does not come on that day, the clocks go forward"
    raise UsageError(f"{option} {text}: {problem}; give it with its offset, as 2026-10-25T01:30+01:00")
