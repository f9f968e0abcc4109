"""How many may listen at once: in all, and from one address. Pure."""

from __future__ import annotations

from collections import Counter


class FullError(Exception):
    """There are as many listeners as the setting allows."""


class AddressFullError(FullError):
    """There are as many listeners of one address as the setting allows."""


class Seats:
    """Those of one kind of listener in one process. `per_address_max` None: no limit but the whole."""

    def __init__(self, listeners_max: int, per_address_max: int | None = None) -> None:
        self._listeners_max = listeners_max
        self._per_address_max = per_address_max
        self._taken = 0
        self._by_address: Counter[str] = Counter()

    def take(self, address: str | None) -> None:
        """Count one more; None: of no address. Raises `FullError`."""
        if self._taken >= self._listeners_max:
            raise FullError
        if address is not None:
            if self._by_address[address] == self._per_address_max:
                raise AddressFullError
            self._by_address[address] += 1
        self._taken += 1

    def give_back(self, address: str | None) -> None:
        """Count one less: once for each that was taken."""
        self._taken -= 1
        if address is not None:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]
