"""Whether an area's numbers may be called live. Pure: the times are arguments."""

from __future__ import annotations

from datetime import datetime, timedelta

from occupancy.model import Clock


def is_fresh(
    clock: Clock,
    watermark: datetime | None,
    *,
    now: datetime,
    stale_after: timedelta,
    followed_s: float | None,
    follow_within_s: float,
) -> bool:
    """Return whether the whole way from the sensors to the feed is known to be alive.

    `followed_s` is how long ago the database last answered the feed (None: never). The watermark of a live
    area is compared with the time of day in both directions: one from the future is as little evidence as
    an old one. The watermark of an event area is its own time and has no age here.
    """
    if followed_s is None or followed_s > follow_within_s or watermark is None:
        return False
    return clock is Clock.EVENT or abs(now - watermark) <= stale_after
