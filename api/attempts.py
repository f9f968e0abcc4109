"""How often addresses have shown a key that is none. Pure: time is an argument, in seconds of any steady clock."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address

MOST = 20
"""Failures of one address within a window that are answered as what they are."""
WINDOW_S = 60.0
ADDRESSES_MAX = 4096
"""Beyond it the address that failed longest ago is forgotten (L8)."""


class Attempts:
    """A right key is never kept waiting: behind one proxy or office there are many. Only failures are counted."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failed)

    def failed(self, address: str, now_s: float) -> float | None:
        """Count one failure; returns how many seconds to stay away, None: not too many so far."""
        began, times = self._failed.pop(address, (now_s, 0))
        if now_s - began >= WINDOW_S:
            began, times = now_s, 0
        self._failed[address] = (began, times + 1)
        if len(self._failed) > ADDRESSES_MAX:
            self._failed.popitem(last=False)
        return began + WINDOW_S - now_s if times >= MOST else None


def network_of(host: str | None) -> str:
    """Return what counts as one address: an IPv6 host has 2**64 of them."""
    try:
        address = ip_address(host or "")
    except ValueError:
        return "unknown"
    return f"{IPv6Address(int(address) >> 64 << 64)}/64" if isinstance(address, IPv6Address) else str(address)
