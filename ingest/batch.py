"""When a batch is full enough to be written. No I/O and no clock: monotonic seconds are an argument."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Batcher(Generic[T]):
    """Collects until there are `max_items`, the oldest is `max_age_s` old, or `quiet_s` brought nothing new.

    The quiet rule keeps a lone message from waiting for company that does not come; the age rule bounds the
    wait under a steady trickle; the size rule bounds memory and the transaction.
    """

    max_items: int
    max_age_s: float
    quiet_s: float
    _items: list[T] = field(default_factory=list)
    _oldest: float = 0.0
    _newest: float = 0.0

    def __post_init__(self) -> None:
        if self.max_items < 1 or self.max_age_s < 0 or self.quiet_s < 0:
            raise ValueError(f"a batch needs at least one item and no negative times: {self}")

    def __len__(self) -> int:
        return len(self._items)

    @property
    def room(self) -> int:
        """How many more items fit."""
        return self.max_items - len(self._items)

    def add(self, items: Iterable[T], now: float) -> None:
        """Take items in. Raises `ValueError` when they do not fit: the caller asks `room` first."""
        before = len(self._items)
        self._items.extend(items)
        if len(self._items) > self.max_items:
            del self._items[before:]
            raise ValueError(f"more than {self.max_items} items in a batch")
        if len(self._items) > before:
            self._newest = now
            if not before:
                self._oldest = now

    def wait(self, now: float) -> float | None:
        """Seconds until the batch is due if nothing more comes; 0: now; None: it is empty."""
        if not self._items:
            return None
        if len(self._items) >= self.max_items:
            return 0.0
        return max(0.0, min(self._oldest + self.max_age_s, self._newest + self.quiet_s) - now)

    def due(self, now: float) -> bool:
        return self.wait(now) == 0.0

    def take(self) -> list[T]:
        """Hand over the batch, in the order of arrival, and start the next."""
        items, self._items = self._items, []
        return items
