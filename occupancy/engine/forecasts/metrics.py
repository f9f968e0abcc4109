"""What is counted of forecasts: see `docs/metrics.md`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from occupancy.forecast.issue import Issue, horizon_name
from occupancy.model import AreaId, Clock, Source

ISSUED = Counter("baycast_forecast_issues_total", "Issues recorded", ["area"])
ISSUED_AT = Gauge(
    "baycast_forecast_issued_timestamp_seconds",
    "When the newest issue was made, by the clock that the area has",
    ["area", "clock"],
)
DATA_AGE = Gauge(
    "baycast_forecast_data_age_seconds", "How old the evidence of the newest issue was", ["area"]
)
PLACES = Gauge(
    "baycast_forecast_places", "Places of the newest issue by where it comes from", ["area", "source"]
)
SECONDS = Histogram(
    "baycast_forecast_issue_seconds",
    "Reading what was seen lately, forecasting and recording one issue",
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
SCORED = Counter("baycast_forecast_scored_total", "Forecasts held against what came", ["area"])
SCORED_LAG = Gauge("baycast_forecast_scored_lag_seconds", "How far scoring is behind the evidence", ["area"])
COVERAGE = Gauge(
    "baycast_forecast_coverage90",
    "How often the truth lay in the band of 90 %, last days",
    ["area", "horizon"],
)
MAE_RATIO = Gauge(
    "baycast_forecast_mae_ratio",
    "Mean absolute error to that of what is usual, last days",
    ["area", "horizon"],
)
DRIFT = Gauge("baycast_forecast_drift", "1 while forecasts are worse than they say", ["area", "horizon"])
TRAININGS = Counter("baycast_forecast_trainings_total", "Trainings that ended", ["area", "outcome"])
FAILURES = Counter("baycast_forecast_failures_total", "What went wrong, and is tried again", ["what"])

for _what in ("area", "drift", "dropping", "issue", "issuing", "model", "scoring", "training"):
    FAILURES.labels(_what)


def tell_of(issue: Issue, clock: Clock) -> None:
    """An area's newest issue. Whether its time stands still by nature is for alarms to know."""
    area = issue.area_id
    for other in set(Clock) - {clock}:
        ISSUED_AT.remove(area, other.value)
    ISSUED_AT.labels(area, clock.value).set(issue.issued_at.timestamp())
    DATA_AGE.labels(area).set((issue.issued_at - issue.data_to).total_seconds())
    for source in (Source.FORECAST, Source.TYPICAL, Source.PRIOR):
        PLACES.labels(area, source.value).set(issue.sources.count(source))


def forget_issues(area: AreaId) -> None:
    """Nothing is issued for it any more: what stood there would age for ever."""
    for clock in Clock:
        ISSUED_AT.remove(area, clock.value)


def forget_drift(area: AreaId, minutes: int) -> None:
    """None of the last days' forecasts of a horizon was scored: nothing is said of them."""
    for gauge in (COVERAGE, MAE_RATIO, DRIFT):
        gauge.remove(area, horizon_name(minutes))
