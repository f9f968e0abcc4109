"""The publisher's figures, as documented in docs/metrics.md."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

MESSAGES = Counter(
    "baycast_publish_messages", "Messages the broker acknowledged, by kind (zone, frame)", ["kind"]
)
REFUSED = Counter("baycast_publish_refused", "Messages the broker refused, by kind", ["kind"])
LAG = Histogram(
    "baycast_publish_lag_seconds",
    "From the oldest change not yet told on a topic to the broker's acknowledgement",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
QUEUE = Gauge("baycast_publish_queue", "Topics waiting for the broker")
CONNECTED = Gauge("baycast_publish_connected", "1 while connected to the broker")
STANDING_BY = Gauge("baycast_publish_standing_by", "1 while another process drives the signs")
DARK = Gauge("baycast_publish_dark", "1 while the database cannot be asked and signs are left to go blank")
READBACKS = Counter(
    "baycast_publish_readbacks",
    "What signs said over MQTT that they show, by what it means (agrees, dark, expired, unsent, refused)",
    ["verdict"],
)
SIGN_REPORTED = Gauge(
    "baycast_sign_reported", "1 for what a sign's last word means, or that it is silent", ["sign", "verdict"]
)
SIGN_BLANK = Gauge("baycast_sign_blank", "1 while the sign's newest frame is blank", ["sign"])


def forget() -> None:
    """Say nothing more of broker, database and signs: they are no longer ours to drive."""
    for gauge in (QUEUE, DARK):
        gauge.set(0)
    for by_sign in (SIGN_BLANK, SIGN_REPORTED):
        by_sign.clear()
