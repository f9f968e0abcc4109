"""How long what is kept: from when on, in civil months before a watermark, or for signs before now.

Nothing goes that the log could make again, for the next rebuild would: rows of bays and car parks go only from before
the log's beginning, and hours only from before those rows. Five minutes that are not kept are not made again either.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime

from occupancy.calendar import civil_at, day_bounds
from occupancy.history.hour import floor_hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Months of each, by UTC; 0: for ever."""

    log_months: int = 0
    stays_months: int = 0
    """Stays, overstays, what held at bays and in car parks, and cells."""
    hours_months: int = 0
    slots_months: int = 0
    """The five minutes of final hours."""
    signs_months: int = 0
    """What signs were told, and what they said they showed."""

    def log_from(self, watermark: datetime) -> datetime | None:
        """From when on the log is kept; None: all of it."""
        return months_before(watermark, self.log_months)

    def rows_from(self, watermark: datetime, log_begins: datetime | None) -> datetime | None:
        """From when on rows of bays and car parks are kept; None: all of them."""
        return _earlier(months_before(watermark, self.stays_months), log_begins)

    def hours_from(
        self, watermark: datetime, rows_from: datetime | None, time_zone: str | None = None
    ) -> datetime | None:
        """From when on final hours are kept: whole civil days, where there are rows of those; None: all of them."""
        found = _earlier(months_before(watermark, self.hours_months), rows_from)
        if found is None or time_zone is None:
            return found
        return day_bounds(time_zone, civil_at(time_zone, found).day)[0]

    def slots_from(
        self, watermark: datetime, hours_from: datetime | None, final_to: datetime | None
    ) -> datetime | None:
        """From when on the five minutes of final hours are kept; None: all of them."""
        own = _earlier(months_before(watermark, self.slots_months), final_to)
        return max((at for at in (own, hours_from) if at is not None), default=None)

    def signs_from(self, now: datetime) -> datetime | None:
        """From when on records of signs are kept, by the time of day; None: all of them."""
        return months_before(now, self.signs_months)


KEEP_ALL = Retention()


def months_before(at: datetime, months: int) -> datetime | None:
    """The same day and time of an earlier month, or that month's last day; None for no months."""
    if months == 0:
        return None
    years, month = divmod(at.year * 12 + at.month - 1 - months, 12)
    if years < 1:
        return None
    day = min(at.day, monthrange(years, month + 1)[1])
    return at.replace(year=years, month=month + 1, day=day)


def _earlier(limit: datetime | None, bound: datetime | None) -> datetime | None:
    """The full hour of the earlier of the two; None where either is."""
    return None if limit is None or bound is None else floor_hour(min(limit, bound))
