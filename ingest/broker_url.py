"""Where the broker is: `mqtt://user:password@host:port?protocol=3.1.1` or `mqtts://...?ca=/path/ca.pem`.

With `&cert=/path/client.pem&key=/path/client.key` the client shows a certificate of its own (mTLS).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from ingest.failures import IngestError

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_PROTOCOLS = ("5", "3.1.1")
_TLS_OPTIONS = ("ca", "cert", "key")
_OPTIONS = {"protocol", *_TLS_OPTIONS}


@dataclass(frozen=True, slots=True)
class BrokerUrl:
    host: str
    port: int
    tls: bool
    protocol: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None

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
    if unknown := sorted(set(options) - _OPTIONS):
        raise IngestError(f"MQTT URL: unknown option {unknown[0]!r}; there are {', '.join(sorted(_OPTIONS))}")
    files = {name: options[name][-1] for name in _TLS_OPTIONS if name in options}
    if files and parts.scheme != "mqtts":
        raise IngestError(f"MQTT URL: {min(files)}= needs mqtts://")
    if "key" in files and "cert" not in files:
        raise IngestError("MQTT URL: key= without cert=")
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
        ca_file=files.get("ca"),
        cert_file=files.get("cert"),
        key_file=files.get("key"),
    )
