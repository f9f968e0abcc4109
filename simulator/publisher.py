"""One MQTT connection that publishes for all devices: QoS 1, bounded in flight, through broker restarts.

paho keeps what is not acknowledged and sends it again after a reconnect; what may be sent twice is counted
once by its key (L2). A full window blocks the caller, so nothing here grows with the length of an outage
(L8).
"""

from __future__ import annotations

import logging
import secrets
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

_log = logging.getLogger("baycast.simulator")

_FAILURE = 0x80
_KEEPALIVE_S = 30
_WAKE_S = 0.25


class BrokerUnreachableError(ConnectionError):
    """No connection to the broker within the time given; the text says where and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where the broker is. The password never shows."""

    host: str
    port: int
    tls: bool = False
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> Endpoint:
        """From `mqtt://` or `mqtts://[user[:password]@]host[:port][?ca=FILE&cert=FILE&key=FILE]`.

        Raises `ValueError` without quoting the password."""
        parts = urlsplit(url)
        if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
            raise ValueError("the broker's URL is mqtt://host[:port] or mqtts://host[:port]")
        tls = parts.scheme == "mqtts"
        options = parse_qs(parts.query)
        return cls(
            host=parts.hostname,
            port=parts.port or (8883 if tls else 1883),
            tls=tls,
            ca_file=options.get("ca", [None])[-1],
            cert_file=options.get("cert", [None])[-1],
            key_file=options.get("key", [None])[-1],
            username=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
        )


class Publisher:
    """Use as a context manager. `publish` may be called from one thread at a time."""

    def __init__(self, endpoint: Endpoint, *, name: str, in_flight: int = 500) -> None:
        self.endpoint = endpoint
        self.sent = 0
        self.acked = 0
        self.refused = 0
        self._in_flight = self._window = in_flight
        self._changed = threading.Condition()
        self._connected = False
        self._why_not = "no answer"
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"{name}-{secrets.token_hex(4)}",
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        self._client.max_inflight_messages_set(in_flight)
        self._client.max_queued_messages_set(0)  # `publish` below is the bound
        self._client.reconnect_delay_set(1, 15)
        if endpoint.tls:
            self._client.tls_set(endpoint.ca_file, endpoint.cert_file, endpoint.key_file)
        if endpoint.username is not None:
            self._client.username_pw_set(endpoint.username, endpoint.password)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_publish = self._on_publish
        self._client.on_socket_open = _no_delay

    def __enter__(self) -> Publisher:
        self._client.connect_async(self.endpoint.host, self.endpoint.port, keepalive=_KEEPALIVE_S)
        self._client.loop_start()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def waiting(self) -> int:
        """Messages sent or queued that the broker has not answered yet."""
        return self.sent - self.acked - self.refused

    def wait_connected(self, timeout_s: float, stop: threading.Event) -> None:
        """Return when connected or stopped. Raises `BrokerUnreachableError`."""
        with self._changed:
            if not self._wait(lambda: self._connected, timeout_s, stop) and not stop.is_set():
                where = f"{self.endpoint.host}:{self.endpoint.port}"
                raise BrokerUnreachableError(f"no MQTT broker at {where} ({self._why_not})")

    def publish(self, topic: str, payload: bytes, stop: threading.Event) -> bool:
        """Hand a message over, waiting while the window is full. False: stopped before there was room."""
        with self._changed:
            if not self._wait(lambda: self.waiting < self._window, None, stop):
                return False
            self.sent += 1
        info: MQTTMessageInfo = self._client.publish(topic, payload, qos=1)
        if info.rc not in {MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN}:
            with self._changed:
                self.sent -= 1
            raise RuntimeError(f"paho did not take a message: {info.rc.name}")
        return True

    def drain(self, timeout_s: float | None, stop: threading.Event | None = None) -> bool:
        """Wait until the broker has answered everything. False: it has not within `timeout_s` or before the
        stop."""
        with self._changed:
            return self._wait(lambda: self.waiting == 0, timeout_s, stop or threading.Event())

    def _wait(self, done: Any, timeout_s: float | None, stop: threading.Event) -> bool:
        """Wait with the condition held; woken by answers, and now and then to look at `stop`."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while not done():
            if stop.is_set() or (until is not None and time.monotonic() >= until):
                return False
            self._changed.wait(_WAKE_S)
        return True

    # --- called by paho's thread -------------------------------------------------------------------------

    def _on_connect(
        self,
        _client: Client,
        _data: Any,
        _flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.value >= _FAILURE:
            self._note(False, str(reason))
            return
        with self._changed:
            # A broker may allow fewer unanswered messages than we would keep under way.
            self._window = min(self._in_flight, getattr(properties, "ReceiveMaximum", self._in_flight))
        self._note(True, "")

    def _on_disconnect(
        self,
        _client: Client,
        _data: Any,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.value != 0:
            _log.warning("broker connection lost: %s; %d messages wait", reason, self.waiting)
        self._note(False, str(reason))

    def _on_connect_fail(self, _client: Client, _data: Any) -> None:
        self._note(False, "connection refused or host not found")

    def _on_publish(
        self, _client: Client, _data: Any, _mid: int, reason: ReasonCode, _properties: Properties
    ) -> None:
        with self._changed:
            if reason.value >= _FAILURE:
                self.refused += 1
            else:
                self.acked += 1
            # Half a window at a time: waking a waiting publisher for each answer halves the rate.
            if self.waiting <= self._window // 2:
                self._changed.notify_all()

    def _note(self, connected: bool, why_not: str) -> None:
        with self._changed:
            self._connected = connected
            self._why_not = why_not or self._why_not
            self._changed.notify_all()


def _no_delay(_client: Client, _data: Any, sock: Any) -> None:
    """Small packets leave at once; paho does not ask for it."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
