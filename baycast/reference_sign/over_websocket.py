"""Frames from the API's WebSocket, and back what is shown by POST.

A frame counts from a moment at which it certainly had not been sent yet: that of our last ping whose answer came before
it in the same stream, or of our connecting. So bytes that were held up on the way, for however long, are not believed
for longer than they are true.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from urllib.parse import urlsplit

from websockets.client import ClientProtocol
from websockets.exceptions import WebSocketException
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from baycast.reference_sign.inbox import ASK_S, Arrived, BackOff, Inbox, ask_after_s, say

_CONNECT_S = 5.0
_READ_S = 0.2
_SILENT_S = 10.0
"""Without an answer for this long the connection is given up."""


class _LostError(Exception):
    """The connection ended or never began; the text says why."""


class OverWebSocket:
    """Connects, reads and connects again, in a thread, until stopped."""

    def __init__(self, sign_id: str, api_url: str, inbox: Inbox) -> None:
        parts = urlsplit(api_url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        self._url = f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}/v1/signs/{sign_id}/live"
        self._inbox = inbox
        self._ping_s = ASK_S[0]
        self._stop = threading.Event()
        self._back_off = BackOff()
        self._thread = threading.Thread(target=self._run, name="frames over WebSocket", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except (_LostError, OSError, WebSocketException) as problem:
                say(f"no frames from {self._url}: {problem}; what is shown lives to the end of its ttl")
            self._stop.wait(self._back_off.pause_s())

    def _follow(self) -> None:
        """Follow one connection to its end. Raises `_LostError`, `OSError`, `WebSocketException`."""
        uri = parse_uri(self._url)
        protocol = ClientProtocol(uri, max_size=64 * 1024)
        with socket.create_connection((uri.host, uri.port), _CONNECT_S) as plain:
            stream = _secured(plain, uri.host) if uri.secure else plain
            stream.settimeout(_CONNECT_S)
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sure_s = time.monotonic()
            protocol.send_request(protocol.connect())
            _pass_on(protocol, stream)
            heard_s = pinged_s = sure_s
            while not self._stop.is_set():
                if protocol.state is State.OPEN and time.monotonic() - pinged_s >= self._ping_s:
                    pinged_s = time.monotonic()
                    protocol.send_ping(struct.pack("!d", pinged_s))
                    _pass_on(protocol, stream)
                stream.settimeout(_READ_S)
                try:
                    data = stream.recv(64 * 1024)
                except TimeoutError:
                    if time.monotonic() - heard_s > _SILENT_S:
                        raise _LostError("nothing is heard any more") from None
                    continue
                heard_s = time.monotonic()
                if data:
                    protocol.receive_data(data)
                else:
                    protocol.receive_eof()
                sure_s = self._read(protocol, sure_s)
                stream.settimeout(_CONNECT_S)
                _pass_on(protocol, stream)
                if not data or protocol.state is State.CLOSED:
                    raise _LostError("the API closed the connection")
            protocol.send_close(CloseCode.GOING_AWAY)
            _pass_on(protocol, stream)

    def _read(self, protocol: ClientProtocol, sure_s: float) -> float:
        """Take what came, and return since when the next frame counts. Raises `_LostError`."""
        for event in protocol.events_received():
            if isinstance(event, Response):
                if protocol.handshake_exc is not None:
                    raise _LostError(f"{event.status_code} {event.reason_phrase}")
                self._back_off.reset()
            elif isinstance(event, Frame) and event.opcode is Opcode.PONG and len(event.data) == 8:
                sure_s = max(sure_s, struct.unpack("!d", event.data)[0])
            elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._take(bytes(event.data), sure_s)
        return sure_s

    def _take(self, text: bytes, sure_s: float) -> None:
        try:
            message = json.loads(text)
            if message["type"] == "dark":
                self._inbox.put(Arrived(None, sure_s, None))
            elif message["type"] == "frame":
                self._ping_s = ask_after_s(message["ttl_s"])
                self._inbox.put(Arrived(text, sure_s, message["expires_in_ms"] / 1000))
        except (ValueError, KeyError, TypeError, AttributeError):
            say(f"refused what came: {text[:80]!r}")


def _secured(plain: socket.socket, host: str) -> socket.socket:
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


def _pass_on(protocol: ClientProtocol, stream: socket.socket) -> None:
    for data in protocol.data_to_send():
        if data:
            stream.sendall(data)
        else:
            stream.shutdown(socket.SHUT_WR)
