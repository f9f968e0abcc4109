"""What waits for the broker: one message per topic, the latest wins (L8). No I/O; monotonic seconds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A retained message. `made_s` is when its content was true, `life_s` how long it is believed."""

    topic: str
    payload: bytes
    kind: str
    made_s: float
    life_s: int

    def left_s(self, now_s: float) -> int:
        """Return the whole seconds it has left to live, 0 or less when it must not be sent any more."""
        return int(self.life_s - (now_s - self.made_s))


@dataclass(frozen=True, slots=True)
class Waiting:
    """`since_s` is when the oldest word not yet sent on this topic came, for the lag."""

    message: Message
    since_s: float


class Outbox:
    """Bounded by the number of topics, that is of zones and signs. Signs go first: their lives are short."""

    def __init__(self) -> None:
        self._frames: dict[str, Waiting] = {}
        self._others: dict[str, Waiting] = {}

    def __len__(self) -> int:
        return len(self._frames) + len(self._others)

    def put(self, message: Message) -> None:
        """Take the place of whatever waits on the same topic, in its turn."""
        queue = self._queue(message)
        before = queue.get(message.topic)
        queue[message.topic] = Waiting(message, message.made_s if before is None else before.since_s)

    def put_back(self, waiting: Waiting) -> None:
        """Return a message that was not acknowledged, unless a newer one waits."""
        self._queue(waiting.message).setdefault(waiting.message.topic, waiting)

    def take(self, now_s: float, busy: Collection[str]) -> Waiting | None:
        """Take the next message of a topic that is not `busy`, dropping those past their life on the way."""
        for queue in (self._frames, self._others):
            while (topic := next((each for each in queue if each not in busy), None)) is not None:
                waiting = queue.pop(topic)
                if waiting.message.left_s(now_s) > 0:
                    return waiting
        return None

    def _queue(self, message: Message) -> dict[str, Waiting]:
        return self._frames if message.kind == "frame" else self._others
