"""Who is to be looked at when the watermark reaches a time. One entry per key; the newest time given counts."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime
from typing import Generic, TypeVar

K = TypeVar("K", bound=str | tuple[str, ...])


class Schedule(Generic[K]):
    """Keys by due time. Pushing a due time back costs nothing until the old one comes up."""

    def __init__(self) -> None:
        self._due: dict[K, datetime] = {}
        self._heap: list[tuple[datetime, K]] = []
        self._earliest: dict[K, datetime] = {}

    def set(self, key: K, due: datetime) -> None:
        self._due[key] = due
        queued = self._earliest.get(key)
        if queued is None or due < queued:
            self._earliest[key] = due
            heapq.heappush(self._heap, (due, key))

    def put(self, key: K, due: datetime | None) -> None:
        """Set it, or drop it where nothing is due."""
        if due is None:
            self.drop(key)
        else:
            self.set(key, due)

    def drop(self, key: K) -> None:
        self._due.pop(key, None)

    def __contains__(self, key: K) -> bool:
        return key in self._due

    def reached(self, watermark: datetime) -> Iterator[K]:
        """Take out the keys that are due at or before the watermark."""
        while self._heap and self._heap[0][0] <= watermark:
            queued, key = heapq.heappop(self._heap)
            if self._earliest.get(key) != queued:
                continue
            del self._earliest[key]
            due = self._due.get(key)
            if due is None:
                continue
            if due <= watermark:
                del self._due[key]
                yield key
            else:
                self._earliest[key] = due
                heapq.heappush(self._heap, (due, key))
