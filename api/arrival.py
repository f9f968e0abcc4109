"""When an asker arrives: `arrive_in` and `arrive_at`. Pure: time is an argument (L7)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

MINUTES_MAX = 24 * 60
CLOCKS_APART = timedelta(minutes=1)
"""An asker's clock may be so much behind: an arrival up to that long ago is taken as now."""
DAY = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
HOUR, MINUTE = "([01][0-9]|2[0-3])", "[0-5][0-9]"
RFC3339 = rf"{DAY}[Tt]{HOUR}:{MINUTE}:{MINUTE}(\.[0-9]{{1,9}})?([Zz]|[-+]{HOUR}:{MINUTE})"
"""As OpenAPI has it; what is read is judged by the calendar, too, and refused with the reason."""
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
_OFFSET = "([Zz]|[-+][0-9]{2}:[0-9]{2})"
_READ = re.compile(f"{_TIME}{_OFFSET}?")
_FIX = "give RFC 3339 with its offset, as in 2026-11-22T10:30:00Z"


def instant_of(text: str) -> datetime:
    """Read a time. Raises `ValueError` with a sentence for the asker."""
    if re.search(r"\d \d\d:\d\d$", text):
        raise ValueError("a + in a query is a space: write it %2B, or give UTC with Z")
    match = _READ.fullmatch(text)
    if match is None:
        raise ValueError(f"is no time: {_FIX}")
    if match[2] is None:
        raise ValueError(f"has no offset, so it is no instant: {_FIX}")
    fraction = match[1] or ""
    try:
        # Microseconds are all that a datetime holds.
        at = datetime.fromisoformat(
            text.upper().replace(fraction, fraction[:7], 1) if fraction else text.upper()
        )
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"is no time: {_FIX}") from None


def arrival(now: datetime, arrive_in: int | None, arrive_at: datetime | None) -> datetime:
    """Return the instant of the arrival. Raises `ValueError` for a time in the past or too far ahead."""
    if arrive_at is None:
        return now + timedelta(minutes=arrive_in or 0)
    if arrive_at < now - CLOCKS_APART:
        raise ValueError(f"is in the past, it is {now:%Y-%m-%dT%H:%M:%SZ}: give a time from now on")
    if arrive_at > now + timedelta(minutes=MINUTES_MAX):
        raise ValueError(
            f"is more than 24 hours ahead of {now:%Y-%m-%dT%H:%M:%SZ}: forecasts end there, give an earlier time"
        )
    return max(arrive_at, now)
