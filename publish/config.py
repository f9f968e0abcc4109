"""What `publish` needs to know, checked when it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishConfig:
    """Times are seconds. The defaults are what the docs promise; the tests shorten them."""

    database_url: str
    mqtt_url: str
    stale_after_s: float = 30.0
    """A live area whose watermark is older than this has no pipeline, and claims nothing."""
    follow_within_s: float = 5.0
    """The feed must have heard from the database within this time for its numbers to be live."""
    zone_expiry_s: int = 300
    """Retained zones leave the broker this long after the last word of a publisher that died."""
    max_in_flight: int = 32
    """Messages handed to the broker and not yet acknowledged; what waits beyond is coalesced by topic."""
    ack_within_s: float = 15.0
    """A broker that acknowledges nothing for this long is left and connected to anew."""
    silent_after_ttls: float = 3.0
    """A sign that ever said what it shows, and has not for so many of its ttls, is silent."""
    stop_within_s: float = 3.0
    """How long a clean stop waits for the last words to be acknowledged."""

    def __post_init__(self) -> None:
        if (
            min(self.stale_after_s, self.follow_within_s, self.ack_within_s, self.silent_after_ttls) <= 0
            or self.stop_within_s < 0
        ):
            raise ValueError("publish: times must be positive")
        if self.max_in_flight < 1 or self.zone_expiry_s < 3:
            raise ValueError("publish: max_in_flight is at least 1 and zone_expiry_s at least 3")
        address(self.mqtt_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A broker, without its password when printed."""

    host: str
    port: int
    tls: bool
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None


def address(url: str) -> Address:
    """Return the parts of `mqtt://[user[:password]@]host[:port]`, or of `mqtts://...`.

    With TLS `?ca=`, `&cert=` and `&key=` name files: whom to trust, and a certificate of our own.

    `protocol=`, which other roles heed, means nothing here: a frame's expiry needs MQTT 5.
    Raises `ValueError`, with the secrets left out.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("the broker's URL does not parse; write special characters as %XX") from None
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise ValueError("the broker's URL is mqtt://host:port or mqtts://host:port")
    tls = parts.scheme == "mqtts"
    options = parse_qs(parts.query)
    return Address(
        host=parts.hostname,
        port=port or (8883 if tls else 1883),
        tls=tls,
        username=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        ca_file=options.get("ca", [None])[-1],
        cert_file=options.get("cert", [None])[-1],
        key_file=options.get("key", [None])[-1],
    )
