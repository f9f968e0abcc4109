"""Who asks, where reverse proxies stand between. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from api.attempts import network_of


@dataclass(frozen=True, slots=True)
class Proxies:
    """The reverse proxies whose `X-Forwarded-For` is believed."""

    networks: tuple[IPv4Network | IPv6Network, ...]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Proxies:
        """Read addresses and networks (10.0.0.0/8). Raises `ValueError`."""
        return cls(tuple(ip_network(text) for text in texts))

    def asker(self, peer: str | None, forwarded_for: Iterable[str]) -> str:
        """Return what counts as one address: the last on the way here that is not a proxy of ours.

        Whatever stands before that one in the header was written by the asker.
        """
        way = [each.strip() for line in forwarded_for for each in line.split(",")]
        found = peer
        while found is not None and self._trusts(found) and way:
            found = way.pop()
        return network_of(found)

    def _trusts(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self.networks)
