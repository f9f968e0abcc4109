"""MQTT packets as bytes, and a client whose socket the test holds the other end of."""

import socket
import struct
from collections.abc import Sequence

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from ingest.bulk_client import BulkClient
from ingest.packets import Publish

PINGRESP = b"\xd0\x00"
V3, V5 = MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5


def number(value: int) -> bytes:
    """A variable byte integer."""
    out = bytearray()
    while True:
        value, digit = value >> 7, value & 0x7F
        out.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(out)


def packet(first: int, body: bytes) -> bytes:
    """A whole packet from its first byte and what follows the length."""
    return bytes([first]) + number(len(body)) + body


def text(value: bytes) -> bytes:
    """A text or binary property with its length."""
    return struct.pack("!H", len(value)) + value


def publish(
    topic: bytes, payload: bytes, *, mid: int = 0, flags: int = 0, properties: bytes | None = None
) -> bytes:
    """A PUBLISH; `flags` are DUP, QoS and retain as they stand in the first byte, `properties` make it MQTT 5."""
    body = text(topic)
    if flags & 6:
        body += struct.pack("!H", mid)
    if properties is not None:
        body += number(len(properties)) + properties
    return packet(0x30 | flags, body + payload)


class Bench:
    """A client, the stream it is given, and what it makes of it."""

    def __init__(self, client: mqtt.Client, messages: list[Publish]) -> None:
        self.messages = messages
        self.client = client
        self._ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        self._ours.setblocking(False)
        client._sock = theirs

    def feed(self, data: bytes) -> MQTTErrorCode:
        """Send, and let the client read all there is; the first error, if any."""
        if self.client.socket() is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        self._ours.sendall(data)
        rc = MQTTErrorCode.MQTT_ERR_SUCCESS
        while rc == MQTTErrorCode.MQTT_ERR_SUCCESS and self._unread():
            rc = self.client.loop_read()
        return rc

    def sent(self) -> bytes:
        """What the client has queued for sending."""
        return b"".join(bytes(one["packet"][one["pos"] :]) for one in self.client._out_packet)

    def read(self) -> bytes:
        """What the client has sent."""
        try:
            return self._ours.recv(1 << 20)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        self.client._sock_close()
        self._ours.close()

    def _unread(self) -> bool:
        sock = self.client.socket()
        if sock is None:
            return False
        try:
            return bool(sock.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False


def bulk_bench(protocol: MQTTProtocolVersion, largest_packet: int = 65536) -> Bench:
    """Our client."""
    messages: list[Publish] = []

    def take(publishes: Sequence[Publish]) -> None:
        messages.extend(publishes)

    return Bench(BulkClient("c", protocol, take, largest_packet=largest_packet), messages)


def plain_bench(protocol: MQTTProtocolVersion) -> Bench:
    """paho's client as it is."""
    messages: list[Publish] = []

    def take(_client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "(topic is not UTF-8)"
        messages.append((message.mid, message.qos, topic, bytes(message.payload), message.retain))

    client = mqtt.Client(CallbackAPIVersion.VERSION2, "c", protocol=protocol, manual_ack=True)
    client.on_message = take
    client.on_socket_register_write = lambda *_: None
    return Bench(client, messages)
