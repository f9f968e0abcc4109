"""Issued forecasts as they are asked for: read once for all who arrive in the same minute. No I/O."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from api.capacities import MINUTES_MAX
from occupancy.forecast.arrivals import Arriving
from occupancy.forecast.issue import Issue
from occupancy.model import AreaId
from store.forecast_feed import ForecastFeed

_CLOCKS_APART = timedelta(minutes=1)


class Issued:
    """What the newest issues say of arrivals to come."""

    def __init__(self, feed: ForecastFeed, stale_after_s: float) -> None:
        self.feed = feed
        self._stale_after = timedelta(seconds=stale_after_s)
        self._kept: OrderedDict[tuple[AreaId, datetime], Arriving] = OrderedDict()

    def newest(self, area_id: AreaId, now: datetime) -> Issue | None:
        """Return the newest issue; None: there is none, or it is too old to go by."""
        issue = self.feed.issues.get(area_id)
        if issue is None or not -_CLOCKS_APART <= now - issue.issued_at <= self._stale_after:
            return None
        return issue

    def arriving(self, area_id: AreaId, now: datetime, at: datetime) -> Arriving | None:
        """Return what is issued for the minute of an instant; None: there is no issue to go by."""
        issue, at = self.newest(area_id, now), at.replace(second=0, microsecond=0)
        if issue is None:
            return None
        kept = self._kept.get((area_id, at))
        if kept is None or kept.issue is not issue:
            kept = self._kept[area_id, at] = Arriving(issue, at)
            if len(self._kept) > MINUTES_MAX:
                self._kept.popitem(last=False)
        self._kept.move_to_end((area_id, at))
        return kept
