"""What ingest counts. Every name is explained in docs/metrics.md."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

MESSAGES = Counter("baycast_ingest_messages", "Decoded items by kind", ["kind"])
STORED = Counter("baycast_ingest_stored", "Readings stored")
DUPLICATES = Counter("baycast_ingest_duplicates", "Readings that were stored before")
CONFLICTS = Counter("baycast_ingest_conflicts", "Readings whose key was taken by another meaning")
QUARANTINED = Counter("baycast_quarantine", "Messages that did not become readings, by reason", ["reason"])
OVERFLOWED = Counter(
    "baycast_quarantine_overflow", "Refused messages beyond their source's hourly cap, by reason", ["reason"]
)
REPLAYED = Counter(
    "baycast_quarantine_replayed",
    "Quarantined messages replayed: their device was registered, or an admin asked",
)
RETAINED = Counter("baycast_ingest_retained_dropped", "Retained copies dropped: not new events")
UNACKNOWLEDGED = Counter("baycast_ingest_qos0_dropped", "QoS 0 messages dropped because the inbox was full")
STALE_ACKS = Counter(
    "baycast_ingest_stale_acks_dropped", "Acknowledgements dropped: their connection is gone"
)
SESSION_LOST = Counter(
    "baycast_ingest_session_lost", "Connects at which the broker no longer had our session"
)
CONNECTS = Counter("baycast_ingest_connects", "Connections accepted by the broker")
DATABASE_RETRIES = Counter(
    "baycast_ingest_database_retries", "Transactions tried again after an outage or a lock"
)
DATABASE_CUTS = Counter("baycast_ingest_database_cuts", "Connections cut because the database did not answer")

CPU_SECONDS = Counter(
    "baycast_ingest_cpu_seconds", "CPU of the two working threads, by part of the path", ["part"]
)

COMMIT_SECONDS = Histogram(
    "baycast_ingest_commit_seconds",
    "One batch from BEGIN to COMMIT",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15),
)
LAG_SECONDS = Histogram(
    "baycast_ingest_lag_seconds",
    "The oldest message of each batch from receipt to COMMIT",
    buckets=(0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15, 60),
)
LAST_COMMIT_AGE = Gauge(
    "baycast_ingest_last_commit_age_seconds", "Since the last COMMIT; the process's pulse"
)
OLDEST_UNACKED = Gauge(
    "baycast_ingest_oldest_unacked_seconds", "Age of the oldest message in hand, not acknowledged"
)
BACKLOG = Gauge("baycast_ingest_backlog", "Messages received and not yet in a batch")
CONNECTED = Gauge("baycast_ingest_connected", "1 while subscribed at the broker")
WATERMARK_AGE = Gauge("baycast_watermark_age_seconds", "Receipt time less watermark, by area", ["area"])

# By broker: where it tells nothing, they are absent.
BROKER_DROPPED = Gauge(
    "baycast_broker_messages_dropped",
    "Messages dropped by the broker since it started, as it says",
    ["broker"],
)
BROKER_STORED_MESSAGES = Gauge("baycast_broker_stored_messages", "Messages in the broker's store", ["broker"])
BROKER_STORED_BYTES = Gauge("baycast_broker_stored_bytes", "Payload bytes in the broker's store", ["broker"])
BROKER_CLIENTS_CONNECTED = Gauge("baycast_broker_clients_connected", "Clients connected", ["broker"])
BROKER_CLIENTS_DISCONNECTED = Gauge(
    "baycast_broker_clients_disconnected", "Clients away whose session the broker keeps", ["broker"]
)
BROKER_CLIENTS_EXPIRED = Gauge(
    "baycast_broker_clients_expired", "Sessions that the broker gave up", ["broker"]
)
