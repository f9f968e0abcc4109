"""A paho client that reads the socket in large pieces and takes PUBLISH packets in bulk.

paho's own way costs several system calls and objects per message. Here one `recv` brings what there is, `packets`
takes the ordinary messages out of it, and whatever else stands in the stream is read by paho itself, byte for byte
where it stands: connection handling, keepalive, the canary's acknowledgement, the unusual and the malformed.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import struct
import sys
import time
from array import array
from collections.abc import Callable, Sequence
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.exception import MalformedPacket, MQTTException

from ingest.packets import Publish, parse

log = logging.getLogger(__name__)

OnPublishes = Callable[[Sequence[Publish]], None]

_PIECE = 256 * 1024
_PUBACK = 0x40
_PUBACK_HEADER = 0x4002  # and two bytes follow: the packet id
_MALFORMED = (MQTTException, struct.error, LookupError, ValueError)
"""What paho's parsing can raise, by the input alone."""


class BulkClient(mqtt.Client):
    """Persistent session, manual acknowledgement, TCP or TLS; the caller runs the loop, on one thread.

    `on_publishes` gets messages in the order of the stream, and before anything that follows them there.
    """

    def __init__(
        self,
        client_id: str,
        protocol: MQTTProtocolVersion,
        on_publishes: OnPublishes,
        *,
        largest_packet: int,
        clean_start: bool = False,
    ) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if protocol == MQTTProtocolVersion.MQTTv5 else clean_start,
            protocol=protocol,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self._version5 = protocol == MQTTProtocolVersion.MQTTv5
        self._on_publishes = on_publishes
        self._largest_packet = largest_packet
        self._piece = memoryview(bytearray(_PIECE))
        self._received = b""
        self._at = 0
        self._heard_at = time.monotonic()
        self._unusual: list[Publish] = []
        self.on_message = self._take_unusual
        # Its being set tells paho that the loop is ours: it then never writes from within publish() or acknowledge().
        self.on_socket_register_write = _loop_is_ours

    def acknowledge(self, mids: Sequence[int]) -> None:
        """Queue the PUBACKs of these packet ids, to be written together by `loop_write`, in their order."""
        if not mids:
            return
        packets = array("H", (_PUBACK_HEADER,)) * (2 * len(mids))
        packets[1::2] = array("H", mids)
        if sys.byteorder == "little":  # pragma: no branch - the other order is another machine's
            packets.byteswap()
        # As one packet, paho goes on with it after a partial send and keeps its place among the others.
        self._packet_queue(_PUBACK, packets.tobytes(), mids[-1], 1)

    def silent_s(self) -> float:
        """Seconds since anything came from the broker, as far as it was read."""
        return time.monotonic() - self._heard_at

    def leave(self, within_s: float) -> None:
        """Disconnect, and wait so long for the broker to have read everything that was sent.

        A socket closed while unread data wait in it resets the connection, and the broker then forgets what it has
        not read yet: the last acknowledgements, whose messages it would deliver again.
        """

        def drain(_client: mqtt.Client, _data: Any, sock: Any) -> None:
            end = time.monotonic() + within_s
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_WR)
                while (left := end - time.monotonic()) > 0:
                    sock.settimeout(left)
                    if not sock.recv(_PIECE):
                        return

        self.on_socket_close = drain
        self.disconnect()
        self.loop_write()

    def reconnect(self) -> MQTTErrorCode:
        """As paho's; what the last connection left half read is no part of the next."""
        self._received, self._at, self._unusual = b"", 0, []
        return super().reconnect()

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:  # noqa: ARG002 - paho's signature
        """Read once what the socket has and handle all of it. An error has closed the connection."""
        sock: Any = self._sock
        if sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        try:
            count = sock.recv_into(self._piece)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        except OSError as error:
            log.info("the connection broke: %s", error)
            count = 0
        if not count:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        self._heard_at = time.monotonic()
        with self._msgtime_mutex:
            self._last_bytes_received = self._heard_at
        self._received = self._received[self._at :] + self._piece[:count]
        self._at = 0
        rc = self._handle_received()
        return self._loop_rc_handle(rc) if rc > 0 else rc

    def _handle_received(self) -> MQTTErrorCode:
        """Everything that has wholly arrived, in its order."""
        while self._sock is not None:
            if not self._in_packet["command"]:  # paho is not within a packet
                parsed = parse(
                    self._received, self._at, version5=self._version5, largest=self._largest_packet
                )
                self._at = parsed.end
                if parsed.publishes:
                    self._on_publishes(parsed.publishes)
                if not parsed.unusual:
                    break
            rc = self._packet_read()
            if self._unusual:
                unusual, self._unusual = self._unusual, []
                self._on_publishes(unusual)
            if rc == MQTTErrorCode.MQTT_ERR_AGAIN:  # it has all there is, and waits for more
                break
            if rc > 0:
                return rc
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _packet_handle(self) -> MQTTErrorCode:
        """paho's handling of one packet. A malformed one ends the connection, never the thread."""
        try:
            return super()._packet_handle()
        except _MALFORMED as error:
            log.warning("a packet from the broker cannot be read: %s", error)
            return MQTTErrorCode.MQTT_ERR_PROTOCOL

    def _sock_recv(self, bufsize: int) -> bytes:
        """Where paho's parser gets its bytes from: what was read already."""
        piece = self._received[self._at : self._at + bufsize]
        if not piece:
            raise BlockingIOError
        self._at += len(piece)
        return piece

    def _take_unusual(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        """A message that paho's own parser took. Handed on when paho is through with it: a failure there is ours."""
        if hasattr(message.properties, "TopicAlias"):
            raise MalformedPacket("a topic alias, of which we allow none")
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "(topic is not UTF-8)"
        self._unusual.append((message.mid, message.qos, topic, bytes(message.payload), message.retain))


def _loop_is_ours(_client: mqtt.Client, _data: Any, _sock: Any) -> None:
    """Our loop asks `want_write()` before each wait."""
