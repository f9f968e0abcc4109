"""Where the broker is: `mqtt://user:password@host:port?protocol=3.1.1` or `mqtts://...?ca=/path/ca.pem`."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from ingest.failures import IngestError

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_PROTOCOLS = ("5", "3.1.1")


@dataclass(frozen=True, slots=True)
class BrokerUrl:
    host: str
    port: int
    tls: bool
    protocol: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None

    def __str__(self) -> str:
        """As shown in logs: without user and password."""
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"


def parse_broker_url(url: str) -> BrokerUrl:
    """Raises `IngestError` that names the wrong part, never the password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise IngestError("MQTT URL: the port is not a number from 1 to 65535") from None
    if parts.scheme not in _PORTS:
        raise IngestError(f"MQTT URL: scheme {parts.scheme!r}; use mqtt:// or mqtts://")
    if not parts.hostname:
        raise IngestError("MQTT URL: no host; use mqtt://host:1883")
    options = parse_qs(parts.query, keep_blank_values=True)
    if unknown := sorted(set(options) - {"protocol", "ca"}):
        raise IngestError(f"MQTT URL: unknown option {unknown[0]!r}; there are protocol= and ca=")
    protocol = options.get("protocol", ["5"])[-1]
    if protocol not in _PROTOCOLS:
        raise IngestError(f"MQTT URL: protocol={protocol!r}; use 5 or 3.1.1")
    return BrokerUrl(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        tls=parts.scheme == "mqtts",
        protocol=protocol,
        username=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        ca_file=options.get("ca", [None])[-1],
    )
