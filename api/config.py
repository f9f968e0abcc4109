"""What the API needs to know from outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from api.proxies import Proxies
from api.snapshot import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiConfig:
    """Times are seconds. Raises `ValueError` for values that cannot work."""

    database_url: str
    listeners_max: int = 10_000
    """WebSocket and SSE listeners together, and as many signs that follow their frames; one more is answered 503."""
    live_per_address: int = 1000
    """Of either so many for one address (IPv6: one /64); one more is answered 429. 0: no limit."""
    trusted_proxies: tuple[str, ...] = ("127.0.0.1",)
    """Addresses or networks of reverse proxies whose `X-Forwarded-For` says who asks."""
    heartbeat_s: float = 10.0
    evict_after_s: float = 5.0
    """A listener that has not read for this long is closed with 4008."""
    file_stall_s: float = 15.0
    """Who does not take a piece (64 KiB) of a file within this is cut off."""
    allowed_origins: frozenset[str] = frozenset()
    """Origins, as in "https://parking.example", whose pages may open the WebSocket besides our own host's."""
    stale_after_s: float = 30.0
    down_after_s: float = 300.0
    ready_feed_s: float = 5.0
    """Not ready when the database has not answered the feed for this long."""
    profiles_every_s: float = 900.0
    """Pause between two readings of the history that forecasts stand on."""
    forecast_stale_after_s: float = 900.0
    """An issued forecast that is older is not gone by."""
    denials_every_s: float = 60.0
    """Pause between two entries in the audit log about refused attempts."""
    silent_after_ttls: float = 3.0
    """A sign that ever said what it shows, and has not for so many of its ttls, is silent."""

    history_least_coverage: float = 0.5
    """Share of the bay time that must have been observed for a figure of history to be given."""

    def __post_init__(self) -> None:
        pauses = (self.heartbeat_s, self.evict_after_s, self.profiles_every_s, self.denials_every_s)
        if self.listeners_max < 1 or min(*pauses, self.file_stall_s, self.silent_after_ttls) <= 0:
            raise ValueError(
                "listeners_max, heartbeat_s, evict_after_s, file_stall_s, silent_after_ttls and each ..._every_s"
                " are above zero"
            )
        if self.live_per_address < 0:
            raise ValueError("live_per_address is zero (no limit) or above")
        Proxies.of(self.trusted_proxies)
        if not 0 < self.stale_after_s <= self.down_after_s:
            raise ValueError("stale_after_s is above zero and not above down_after_s")

    @property
    def limits(self) -> Limits:
        return Limits(timedelta(seconds=self.stale_after_s), timedelta(seconds=self.down_after_s))
