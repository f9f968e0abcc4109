"""The paho client as ingest wants it: persistent session, manual acks, bounded, and driven by our loop."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from ingest.broker_url import BrokerUrl
from ingest.bulk_client import BulkClient, OnPublishes
from ingest.failures import BrokerError

LARGEST_PACKET = 64 * 1024
"""Told to an MQTT 5 broker, which then keeps larger ones from us; with `in_flight_max` a bound on memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """`send_retained`: whether the broker hands over what it retains when the subscription is new."""

    topic: str
    send_retained: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionConfig:
    """`session_expiry_s` is how long the broker keeps our place (and queue) while we are away."""

    broker: BrokerUrl
    client_id: str
    subscriptions: Sequence[Subscription]
    in_flight_max: int = 2000
    session_expiry_s: int = 7 * 86_400
    keepalive_s: int = 20
    canary_topic: str
    canary_every_s: float = 1.0
    first_connect_within_s: float = 15.0
    expects_session: bool = False
    """Whether this client id was here before: a session missing at the first connect was then lost, too."""


def make_client(config: ConnectionConfig, on_publishes: OnPublishes) -> BulkClient:
    """A client that hands messages to `on_publishes`. Raises `BrokerError` when the CA file cannot be used."""
    version5 = config.broker.protocol == "5"
    client = BulkClient(
        config.client_id,
        mqtt.MQTTv5 if version5 else mqtt.MQTTv311,
        on_publishes,
        largest_packet=LARGEST_PACKET,
    )
    client.connect_timeout = 5.0
    client.max_queued_messages_set(10)  # canaries only
    if config.broker.username is not None:
        client.username_pw_set(config.broker.username, config.broker.password)
    if config.broker.tls:
        try:
            client.tls_set(ca_certs=config.broker.ca_file)
        except OSError as error:
            raise BrokerError(f"MQTT URL: ca={config.broker.ca_file}: {error.strerror or error}") from None
    client.on_socket_open = _tune
    return client


def open_connection(client: mqtt.Client, config: ConnectionConfig) -> None:
    """Open the socket and queue CONNECT for the session we had. Raises `OSError`."""
    broker = config.broker
    if broker.protocol != "5":
        client.connect(broker.host, broker.port, config.keepalive_s)
        return
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = config.session_expiry_s
    properties.ReceiveMaximum = config.in_flight_max
    properties.MaximumPacketSize = LARGEST_PACKET
    client.connect(broker.host, broker.port, config.keepalive_s, clean_start=False, properties=properties)


def subscribe(client: mqtt.Client, config: ConnectionConfig) -> None:
    """Ask for all topics in one SUBSCRIBE; harmless where the session has them."""
    topics: list[Any] = []
    for subscription in config.subscriptions:
        retained = (
            SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
            if subscription.send_retained
            else SubscribeOptions.RETAIN_DO_NOT_SEND
        )
        version5 = config.broker.protocol == "5"
        options = SubscribeOptions(qos=1, retainHandling=retained) if version5 else 1
        topics.append((subscription.topic, options))
    client.subscribe(topics)


def _tune(_client: mqtt.Client, _data: Any, sock: Any) -> None:
    """No waiting for fuller packets; a peer that vanished is noticed after 15 s."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 15_000)
