"""Is what we were pointed at there? Each failure is one line that names the setting to change."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, unquote, urlsplit

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from baycast.settings import UsageError, masked
from store.postgres import STATEMENT_TIMEOUT_MS, Connection, connect

BROKER_TIMEOUT_S = 5.0


def open_database(url: str, role: str, *, statement_timeout_ms: int = STATEMENT_TIMEOUT_MS) -> Connection:
    """A connection; UsageError when the server cannot be reached or refuses us."""
    try:
        return connect(url, role=role, statement_timeout_ms=statement_timeout_ms)
    except psycopg.Error as error:
        raise UsageError(
            f"cannot use the database {masked(url)}: {_brief(error)}; check BAYCAST_DATABASE_URL"
        ) from None


@contextmanager
def refusals_in_words(command: str) -> Iterator[None]:
    """UsageError where a query of the block finds a schema that is not ours, or may not look at it."""
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        raise UsageError(
            f"{command}: the database lacks baycast's tables: run `baycast migrate` first"
        ) from None
    except psycopg.errors.InsufficientPrivilege as error:
        raise UsageError(f"{command}: the database refuses: {error.diag.message_primary}") from None


def require_database(url: str) -> None:
    """UsageError when the database cannot be reached."""
    open_database(url, "baycast check").close()


def require_broker(url: str) -> None:
    """Connect and disconnect as a client would; UsageError with the reason when the broker cannot be used."""
    parts = urlsplit(url)
    answered = threading.Event()
    refusals: list[str] = []

    def on_connect(
        _client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if reason.is_failure:
            refusals.append(str(reason))
        answered.set()

    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.on_connect = on_connect
    if parts.username:
        client.username_pw_set(unquote(parts.username), unquote(parts.password or "") or None)
    client.connect_timeout = BROKER_TIMEOUT_S
    try:
        if parts.scheme == "mqtts":
            options = parse_qs(parts.query)
            ca, cert, key = (options.get(name, [None])[-1] for name in ("ca", "cert", "key"))
            client.tls_set(ca, cert, key)
        client.connect(parts.hostname or "", parts.port or (8883 if parts.scheme == "mqtts" else 1883))
        client.loop_start()
        if not answered.wait(BROKER_TIMEOUT_S):
            refusals.append("no answer to CONNECT")
    except (OSError, ValueError) as error:
        refusals.append(str(error) or type(error).__name__)
    finally:
        client.disconnect()
        client.loop_stop()
    if refusals:
        raise UsageError(f"cannot use the MQTT broker {masked(url)}: {refusals[0]}; check BAYCAST_MQTT_URL")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def require_free_port(host: str, port: int, variable: str) -> None:
    """UsageError naming the variable when another process listens there."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            # As the servers do it: a port whose last connections are still closing is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        raise UsageError(
            f"port {port} on {host} is not free ({error.strerror}); stop what uses it or set {variable}"
        ) from None


def _brief(error: psycopg.Error) -> str:
    """The server's or the resolver's own words, without libpq's preamble, which repeats the address."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    return re.sub(
        r"^connection failed: |connection to server at .*? failed: |connection is bad: ", "", lines[0]
    )
