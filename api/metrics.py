"""What the API counts. Names are documented in docs/metrics.md."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("baycast_api_requests_total", "HTTP requests answered", ["route", "status"])
CLIENTS = Gauge("baycast_feed_clients", "Listeners of the live feed", ["kind"])
EVICTED = Counter("baycast_feed_evicted_total", "Listeners closed because they did not read")
FILES_CUT = Counter("baycast_api_files_cut_total", "Files cut off because they were not taken")
REFUSED = Counter("baycast_feed_refused_total", "Listeners refused", ["reason"])
MESSAGES = Counter("baycast_feed_messages_total", "Messages handed to listeners")
LAG = Gauge("baycast_feed_lag_seconds", "Age of the watermark that the API shows, live areas", ["area"])
FOLLOWED = Gauge("baycast_feed_followed_seconds", "Time since the database last answered the feed")
DENIED = Counter("baycast_api_denied_total", "Requests refused for want of a right key", ["reason"])
RENDER = Histogram(
    "baycast_api_snapshot_render_seconds",
    "Rendering of one availability answer that was not at hand",
    buckets=(0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3),
)

for _reason in ("no-key", "malformed-key", "key-refused", "scope", "area"):
    DENIED.labels(_reason)
for _kind in ("websocket", "sse"):
    CLIENTS.labels(_kind)
