"""What `baycast doctor` says of forecasts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from baycast.doctor.findings import Finding

if TYPE_CHECKING:
    from store.forecast_records import ForecastCondition
    from store.postgres import Connection

LATE_S = 600.0
"""There is a new issue every minute."""


def examine_forecasts(conn: Connection) -> Iterator[Finding]:
    """Two findings for each area: whether forecasts are issued, and whether they are as good as they say."""
    from occupancy.forecast.drift_watch import DAYS, drifted
    from occupancy.forecast.issue import horizon_name
    from store import forecast_records

    with conn.cursor() as cur:
        for area in forecast_records.conditions(cur):
            yield _issued(area)
            today = area.watermark.date()
            sums = forecast_records.skill_by_horizon(
                cur, area.area, today - timedelta(days=DAYS - 1), today + timedelta(days=2)
            )
            wrong = [
                f"{horizon_name(minutes)}: {says}"
                for minutes, own in sums.items()
                if (says := drifted(own)) is not None
            ]
            scored = sum(own.forecasts for own in sums.values())
            says = "; ".join(wrong) or f"{scored} were scored in {DAYS} days, and are as they say"
            yield Finding(f"{area.area}: skill of forecasts", "note" if wrong else "ok", says)


def _issued(area: ForecastCondition) -> Finding:
    what = f"{area.area}: forecasts"
    if area.behind_s is None:
        return Finding(what, "note", "none issued yet: is `baycast forecast run` running?")
    late = area.behind_s > LATE_S
    says = f"by model {area.model}, the newest {max(area.behind_s, 0.0):.0f} s before the watermark"
    return Finding(
        what, "WRONG" if late else "ok", f"{says}: is `baycast forecast run` running?" if late else says
    )
