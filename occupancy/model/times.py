"""Times are aware UTC (L7), and how an area keeps them."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NaiveTimeError(ValueError):
    """A time without an offset reached the core; the shells must hand over aware UTC times."""


def aware(at: datetime, name: str) -> datetime:
    """Return `at`, or raise `NaiveTimeError` naming the field."""
    if at.tzinfo is None:
        raise NaiveTimeError(f"{name}: a time without an offset ({at!r}); give aware UTC")
    return at


class Clock(StrEnum):
    """How an area keeps time: by the ingest canary, or by its publisher's clock messages."""

    LIVE = "live"
    EVENT = "event"
