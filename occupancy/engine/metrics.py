"""What the engine counts: see `docs/metrics.md`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

POSITION = Gauge("baycast_engine_position", "Position of the log folded last", ["area"])
LAG = Gauge("baycast_engine_lag_positions", "Positions of the log not folded yet", ["area"])
READINGS = Counter("baycast_engine_readings_total", "Readings folded", ["area"])
LATE = Counter("baycast_engine_late_total", "Devices and car parks folded again for a late reading", ["area"])
PAGE_SECONDS = Histogram("baycast_engine_page_seconds", "Folding and writing one page")
OVERDUE = Gauge("baycast_engine_overdue_sensors", "Sensors silent beyond their model's promise", ["area"])
SUSPECTS = Gauge("baycast_engine_suspects", "Sensors that are not believed now, by why", ["area", "kind"])
LEARNING_FAILURES = Counter(
    "baycast_engine_learning_failures_total", "Times that learning from closed days failed"
)
RETENTION_FAILURES = Counter(
    "baycast_engine_retention_failures_total", "Times that dropping what is too old failed"
)
VERDICTS = Counter(
    "baycast_engine_verdicts_total", "What became of readings and silences", ["area", "verdict"]
)
LOST_RACES = Counter("baycast_engine_lost_races_total", "Pages given up because another engine was first")
OUTAGES = Counter("baycast_engine_outages_total", "Times the database was away or would not take writes")
