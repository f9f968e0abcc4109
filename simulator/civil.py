"""Local time of a city, as cheaply as a simulator needs it: the minute of the local week."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from simulator.plan import MINUTES_A_WEEK

QUARTER_MS = 900_000
_DAY_MIN = 1440


class LocalWeek:
    """Turns milliseconds since 1970 into minutes since Monday 00:00 local. Offsets change on the quarter hour
    only."""

    def __init__(self, time_zone: str) -> None:
        self._zone = ZoneInfo(time_zone)
        self._quarter = -1
        self._offset_min = 0

    def minute(self, at_ms: int) -> int:
        quarter = at_ms // QUARTER_MS
        if quarter != self._quarter:
            local = datetime.fromtimestamp(quarter * 900, UTC).astimezone(self._zone)
            offset = local.utcoffset()
            self._offset_min = 0 if offset is None else int(offset.total_seconds()) // 60
            self._quarter = quarter
        # 1970-01-01 was a Thursday, so Monday is three days before it.
        return (at_ms // 60_000 + self._offset_min + 3 * _DAY_MIN) % MINUTES_A_WEEK


def weekday_and_hour(week_minute: int) -> tuple[int, float]:
    """(Monday=0 .. Sunday=6, local hour 0..24)."""
    day, minute = divmod(week_minute % MINUTES_A_WEEK, _DAY_MIN)
    return day, minute / 60
