"""From the socket into the inbox. While that is full messages wait here, and behind them the whole connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from ingest import metrics
from ingest.inbox import Inbox, Received
from ingest.packets import Publish
from ingest.watchdog import Guard

BrokerSays = Callable[[str, bytes], None]


def no_ear(_topic: str, _payload: bytes) -> None:
    """Nobody listens to what the broker says of itself."""


class Intake:
    """Used on the receiving thread only."""

    def __init__(
        self,
        inbox: Inbox,
        alive: Guard,
        stopping: Callable[[], bool],
        broker_says: BrokerSays,
        crash_point: Callable[[str], None],
    ) -> None:
        self._inbox = inbox
        self._alive = alive
        self._stopping = stopping
        self._broker_says = broker_says
        self._crash_point = crash_point

    def take(self, generation: int, now: datetime, publishes: Sequence[Publish]) -> None:
        """Return when all are in the inbox, or when the stop came: then the broker keeps what is not."""
        waiting = [
            Received(generation, mid, qos, topic, payload, retain, now)
            for mid, qos, topic, payload, retain in publishes
            if qos or not self._is_condition(topic, payload)
        ]
        while waiting:
            self._alive.beat()
            taken = self._inbox.put(waiting, timeout=0.2)
            del waiting[:taken]
            self._crash_point("enqueued")
            if waiting and not taken:
                promised = [message for message in waiting if message.qos]
                # At QoS 0 they are sent without a promise, and there is no room.
                metrics.UNACKNOWLEDGED.inc(len(waiting) - len(promised))
                waiting = promised
                if self._stopping():
                    return  # not acknowledged: the broker keeps them

    def _is_condition(self, topic: str, payload: bytes) -> bool:
        """Whether the broker speaks of itself, which is no message of the feed."""
        if not topic.startswith("$SYS/"):
            return False
        self._broker_says(topic, payload)
        return True
