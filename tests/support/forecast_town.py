"""Two streets of four bays whose forecasts are issued, in an area whose time is ours to move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from occupancy.forecast.issue import Issue
from occupancy.forecast.issue_bytes import PackedIssueError
from occupancy.model import AreaId
from store.forecast_records import IssueReader
from store.postgres import Connection
from tests.support.derived_rows import AREA, DerivedRows, street
from tests.support.waiting import eventually

CARDIFF = AreaId("cardiff")
BEGAN = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def _unreadable(problem: PackedIssueError) -> None:
    raise problem


class Town:
    """Two streets of four bays, in an area whose time is ours to move."""

    def __init__(self, written: DerivedRows, conn: Connection) -> None:
        rows = self.written = written
        self.conn = conn
        rows.register("area", "cardiff", {**AREA, "clock": "event"})
        for number in range(2):
            rows.register("zone", f"s{number}", street(number))
            for bay in range(4):
                place = {"area_id": "cardiff", "zone_id": f"s{number}", "lat": 51.48, "lon": -3.18}
                rows.register("bay", f"s{number}-{bay}", {**place, "bay_type": "standard"})
        rows.go_live(BEGAN)

    def held(self, bay: str, state: str, start: datetime, end: datetime | None = None) -> None:
        self.conn.execute(
            "INSERT INTO bay_interval (area, generation, bay_id, started_at, ended_at, state, reason, device_id)"
            " VALUES ('cardiff', $4, $1, $2, $3, $5, '', $1)",
            (bay, start, end, self.written.generation, state),
        )

    def is_at(self, at: datetime) -> None:
        self.written.move_watermark(at)

    def issues(self) -> list[Issue]:
        with self.conn.cursor() as cur:
            return IssueReader().issued_in(cur, CARDIFF, BEGAN, BEGAN + timedelta(days=9), _unreadable)

    def issued(self, at: datetime, within_s: float = 15.0) -> Issue:
        """Wait for the issue of a minute."""
        eventually(lambda: any(issue.issued_at == at for issue in self.issues()), within_s)
        return next(issue for issue in self.issues() if issue.issued_at == at)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self.conn.execute(statement).fetchall()

    def has_evidence(self, since: timedelta = timedelta(hours=2)) -> None:
        """Three bays of the first street are taken, none of the second; nothing changes."""
        for number in range(2):
            for bay in range(4):
                taken = number == 0 and bay > 0
                self.held(f"s{number}-{bay}", "occupied" if taken else "free", BEGAN - since)
