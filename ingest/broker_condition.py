"""What the broker says of itself under `$SYS`, where it does: mosquitto above all.

Other brokers have alarms of their own. A queue that overflows is dropped in silence otherwise: every publisher had its
PUBACK.
"""

from __future__ import annotations

import logging
import threading

from ingest import metrics
from ingest.session import DatabaseSession
from store.workers import note_drops

log = logging.getLogger(__name__)

DROPPED_TOPIC = "$SYS/broker/publish/messages/dropped"
_GAUGES = {
    "$SYS/broker/store/messages/count": metrics.BROKER_STORED_MESSAGES,
    "$SYS/broker/store/messages/bytes": metrics.BROKER_STORED_BYTES,
    "$SYS/broker/clients/connected": metrics.BROKER_CLIENTS_CONNECTED,
    "$SYS/broker/clients/disconnected": metrics.BROKER_CLIENTS_DISCONNECTED,
    "$SYS/broker/clients/expired": metrics.BROKER_CLIENTS_EXPIRED,
}
BROKER_TOPICS = (DROPPED_TOPIC, *_GAUGES)


class BrokerCondition:
    """`take` is called on the receiving thread, `note` on the writer's."""

    def __init__(self, broker: str) -> None:
        """`broker` names it in the store, without password."""
        self._broker = broker
        self._counter: int | None = None
        self._news = threading.Event()

    def take(self, topic: str, payload: bytes) -> None:
        """One of `BROKER_TOPICS`; what is not a number is a broker's that we do not know."""
        try:
            value = int(payload)
        except ValueError:
            return
        if topic in _GAUGES:
            _GAUGES[topic].labels(self._broker).set(value)
        elif topic == DROPPED_TOPIC and value >= 0:
            metrics.BROKER_DROPPED.labels(self._broker).set(value)
            self._counter = value
            self._news.set()

    def note(self, session: DatabaseSession) -> None:
        """Compare the broker's count with the last look that any worker had; say loudly what was dropped since."""
        if not self._news.is_set():
            return
        self._news.clear()
        counter = self._counter
        if counter is None:
            return
        dropped = session.run(lambda conn: note_drops(conn.cursor(), self._broker, counter))
        if dropped:
            log.error(
                "broker %s DROPPED %d messages since the last look: a queue was full; see `baycast doctor --gaps`",
                self._broker,
                dropped,
            )
