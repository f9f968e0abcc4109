"""The paho client as ingest wants it: persistent session, manual acks, bounded, and driven by our loop."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from ingest.broker_condition import BROKER_TOPICS
from ingest.broker_url import BrokerUrl
from ingest.bulk_client import BulkClient, OnPublishes
from ingest.failures import BrokerError

LARGEST_PACKET = 66 * 1024
"""Told to an MQTT 5 broker, which drops larger ones in silence; with `in_flight_max` a bound on memory.

More than the broker takes in (64 KiB): a packet may grow there, by a topic for its alias, and none is dropped for it.
"""


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
    stale_filters: Sequence[str] = ()
    """What the session may have from another life and must no longer: unsubscribed once the rest is subscribed."""
    clean_start: bool = False
    """The broker forgets what it has of this client, and again when it leaves: the end of a session."""


def make_client(config: ConnectionConfig, on_publishes: OnPublishes) -> BulkClient:
    """A client that hands messages to `on_publishes`. Raises `BrokerError` when a certificate file cannot be used."""
    version5 = config.broker.protocol == "5"
    client = BulkClient(
        config.client_id,
        mqtt.MQTTv5 if version5 else mqtt.MQTTv311,
        on_publishes,
        largest_packet=LARGEST_PACKET,
        clean_start=config.clean_start,
    )
    client.connect_timeout = 5.0
    client.max_queued_messages_set(10)  # canaries only
    if config.broker.username is not None:
        client.username_pw_set(config.broker.username, config.broker.password)
    if config.broker.tls:
        _set_tls(client, config.broker)
    client.on_socket_open = _tune
    return client


def _set_tls(client: BulkClient, broker: BrokerUrl) -> None:
    for option, file in (("ca", broker.ca_file), ("cert", broker.cert_file), ("key", broker.key_file)):
        try:
            if file is not None:
                Path(file).open("rb").close()
        except OSError as error:
            raise BrokerError(f"MQTT URL: {option}={file}: {error.strerror or error}") from None
    try:
        client.tls_set(broker.ca_file, broker.cert_file, broker.key_file)
    except (OSError, ValueError) as error:  # not a certificate, or a key that is not its own
        raise BrokerError(f"MQTT URL: the certificate files cannot be used: {error}") from None


def open_connection(client: mqtt.Client, config: ConnectionConfig) -> None:
    """Open the socket and queue CONNECT for the session we had. Raises `OSError`."""
    broker = config.broker
    if broker.protocol != "5":
        client.connect(broker.host, broker.port, config.keepalive_s)
        return
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 0 if config.clean_start else config.session_expiry_s
    properties.ReceiveMaximum = config.in_flight_max
    properties.MaximumPacketSize = LARGEST_PACKET
    client.connect(
        broker.host,
        broker.port,
        config.keepalive_s,
        clean_start=config.clean_start,
        properties=properties,
    )


def subscribe(client: mqtt.Client, config: ConnectionConfig) -> int | None:
    """Ask for all topics in one SUBSCRIBE; harmless where the session has them. The packet id of the answer."""
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
    return client.subscribe(topics)[1]


def subscribe_to_condition(client: mqtt.Client) -> None:
    """Ask what the broker says of itself, where it does; at QoS 0, so that none of it ever queues."""
    client.subscribe([(topic, 0) for topic in BROKER_TOPICS])


def _tune(_client: mqtt.Client, _data: Any, sock: Any) -> None:
    """No waiting for fuller packets; a peer that vanished is noticed after 15 s."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 15_000)
