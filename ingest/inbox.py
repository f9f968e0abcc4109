"""The bounded queue between the receiving thread and the writer."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from datetime import datetime

import msgspec


class Received(msgspec.Struct, frozen=True, gc=False):
    """One PUBLISH as it came. `generation` numbers the connection that it came over.

    Thousands of them wait here: the garbage collector, who could find no cycle, does not look at them.
    """

    generation: int
    mid: int
    qos: int
    topic: str
    payload: bytes
    retain: bool
    received_at: datetime


class Inbox:
    """A queue with a bound. Appending to and taking from a deque are atomic; the events only end waits."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: deque[Received] = deque()
        self._arrived = threading.Event()
        self._freed = threading.Event()

    def __len__(self) -> int:
        return len(self._items)

    @property
    def full(self) -> bool:
        return len(self._items) >= self._capacity

    def put(self, items: Sequence[Received], timeout: float) -> int:
        """Add as many of the items as fit, in order; waits up to `timeout` seconds for the first. Returns how many."""
        if self.full:
            self._freed.clear()
            if self.full and not self._freed.wait(timeout):
                return 0
        fitting = items[: max(0, self._capacity - len(self._items))]
        self._items.extend(fitting)
        if not self._arrived.is_set():
            self._arrived.set()
        return len(fitting)

    def take(self, limit: int, timeout: float) -> list[Received]:
        """Up to `limit` items in order; waits up to `timeout` seconds for the first."""
        items = self._items
        if not items:
            self._arrived.clear()
            if not items:  # looked at again after clearing: a put in between is not slept through
                self._arrived.wait(timeout)
        taken: list[Received] = []
        try:
            while len(taken) < limit:
                taken.append(items.popleft())
        except IndexError:
            pass
        if taken and not self._freed.is_set():
            self._freed.set()
        return taken

    def wake(self) -> None:
        """End the wait of `take` without an item."""
        self._arrived.set()

    def forget_acknowledgeable(self, since: int) -> int:
        """Drop what the broker will deliver again: QoS 1, of a session that began with generation `since`.

        Returns how many. What an earlier session left us nobody else has.
        """
        found: list[Received] = []
        try:
            while True:
                found.append(self._items.popleft())
        except IndexError:
            pass
        kept = [item for item in found if not item.qos or item.generation < since]
        self._items.extend(kept)
        self._freed.set()
        return len(found) - len(kept)
