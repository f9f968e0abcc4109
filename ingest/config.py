"""What the ingest process needs to be told."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.session import UNIT_WITHIN_S

REGISTRY_POLL_S = 2.0
"""A worker that misses the notification of a change reads the registry again so much later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestConfig:
    """What the process needs; URLs hold passwords, so they never appear in its repr or log."""

    database_url: str
    mqtt_url: str
    worker_id: str = "ingest-1"
    """Also names the MQTT session and the canary: one process at a time, the same after a restart."""
    shared_group: str | None = None
    """Workers that share the feed name the same group (an MQTT 5 shared subscription)."""
    batch_max: int = 1000
    batch_age_s: float = 0.02
    batch_quiet_s: float = 0.005
    in_flight_max: int = 2000
    """Messages that the broker may have on the way to us without acknowledgement: bounds memory (L8)."""
    session_expiry_s: int = 7 * 86_400
    quarantine_per_hour: int = 1000
    """Refused messages kept per source and hour; beyond it a count and a sample."""
    canary_every_s: float = 1.0
    registry_poll_s: float = REGISTRY_POLL_S
    start_within_s: float = 15.0
    """How long the database and the broker may take to appear at the start."""
    lock_within_s: float = 20.0
    """How long the lock of a predecessor that died may linger."""
    drain: bool = False
    """Take in only what waits in this worker's session, then end the session: it is not coming back."""
    unit_within_s: float = UNIT_WITHIN_S
    """How long the database may take for a unit of work before its connection is cut."""
    keepalive_s: int = 20
    crash_point: str | None = None
    """For chaos tests: kill -9 ourselves at "enqueued", "received", "before_commit" or "committed"; "committed:7": the
    7th time."""

    def __repr__(self) -> str:
        return f"IngestConfig(worker_id={self.worker_id!r}, batch_max={self.batch_max})"
