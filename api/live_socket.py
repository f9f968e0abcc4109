"""One WebSocket of the live feed or of a sign: nothing stands between a rendered frame and the kernel.

The `websockets` library reads and answers the protocol (handshake, ping, close); what the hub says is written as the
frame that all up-to-date listeners share. A listener that does not read is seen by what it leaves unread in our buffer,
and by a ping that it does not answer.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol, cast
from urllib.parse import parse_qs, urlsplit

from starlette.routing import compile_path
from uvicorn.server import ServerState
from websockets.datastructures import Headers
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from api import metrics
from api.errors import MEDIA_TYPE, Problem, body_of, not_found
from api.fan_out import FanOut
from api.hub import SLOW
from api.said import Said

MESSAGE_MAX_BYTES = 4096
"""As much as a query may say."""
MESSAGES_MAX = 60
"""Messages that a listener may send within a minute,"""
PINGS_MAX = 600
"""and pings: a sign asks five times a second at most whether it is heard."""
UNREAD_MAX_BYTES = 64 * 1024
"""What may wait for one listener on our side; beyond it, it gets the newest of each zone when it has read on."""
TOO_MUCH, TOO_LARGE, RESTARTING = 1008, 1009, 1012
CLOSE_CODES = (TOO_MUCH, TOO_LARGE, RESTARTING, SLOW)
"""Those that we close with, 1009 and what is wrong with the protocol itself by the library's hand."""
_DEFLATE = ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)
"""No memory is kept between messages, and a compressed frame is the same for all who take it."""
_CLOSING_S = 1.0
_PONG, _PONG_BYTES = b"\x8a\x80", 6
"""How the answer to our ping begins, and how long it is with its mask."""
_PING = Frame(Opcode.PING, b"").serialize(mask=False)
_log = logging.getLogger("baycast.api")
_quiet = logging.getLogger("baycast.api.websockets")
_quiet.setLevel(logging.WARNING)


class Reader(Protocol):
    """Who is told something, message by message."""

    sending_since: float | None

    def take(self) -> Said | None: ...
    def leave(self) -> None: ...


Opening = Callable[["LiveSocket", Request], Reader]
"""Joins whatever is told at a path, on behalf of who asks. Raises `Problem`."""


class LiveSocket(asyncio.Protocol):
    """A connection that asked to become a WebSocket. `heard_at` and `pinged_at` are of the loop's clock, in seconds."""

    def __init__(
        self,
        openings: Mapping[str, Opening],
        fan_out: FanOut,
        *,
        server_state: ServerState,
        **_unused: Any,
    ) -> None:
        self._openings = openings
        self._fan_out = fan_out
        self._connections: set[Any] = server_state.connections
        self._loop = asyncio.get_running_loop()
        self._protocol = ServerProtocol(max_size=MESSAGE_MAX_BYTES, logger=_quiet)
        self._transport: asyncio.Transport | None = None
        self._fileno: int | None = None
        """Of the socket, where what we write is what goes over it."""
        self._behind = True
        """Whether the transport may hold bytes that must go before ours."""
        self._pongs_only = False
        """Whether a listener has sent nothing but whole pongs: those say nothing that the protocol must know."""
        self._listener: Reader | None = None
        self._window_at, self._messages, self._pings = 0.0, 0, 0
        self._begun: tuple[Opcode, bytes] | None = None
        """A message that comes in several frames, as far as it is here."""
        self._window_bits: int | None = None
        """How its messages are compressed; None: not at all."""
        self.hears: Callable[[bytes], bytes | None] | None = None
        """What to do with a text message, and the message to answer with; without it nobody reads them."""
        self._closing: asyncio.TimerHandle | None = None
        self.due = False
        """Waits for its turn in the fan-out."""
        self.heard_at = self._loop.time()
        self.pinged_at: float | None = None

    @property
    def peer(self) -> str | None:
        """The address at the other end."""
        found = None if self._transport is None else self._transport.get_extra_info("peername")
        return str(found[0]) if isinstance(found, tuple) else None

    # --- what the transport tells -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not asked for its class: uvloop's transports are of none of asyncio's.
        self._transport = stream = cast(asyncio.Transport, transport)
        stream.set_write_buffer_limits(high=UNREAD_MAX_BYTES)
        self._connections.add(self)
        if stream.get_extra_info("sslcontext") is None:
            self._fileno = stream.get_extra_info("socket").fileno()

    def data_received(self, data: bytes) -> None:
        self.heard_at, self.pinged_at = self._loop.time(), None
        if self._pongs_only and len(data) == _PONG_BYTES and data.startswith(_PONG):
            return
        # The request ends with an empty line; whatever else comes may end within a frame.
        self._pongs_only = self._listener is None and data.endswith(b"\r\n\r\n")
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._open(event)
            elif isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self._hear(event)
            elif isinstance(event, Frame) and event.opcode is Opcode.PING:
                self._count(pings=1)
        self._pass_on()

    def eof_received(self) -> None:
        self._protocol.receive_eof()
        self._pass_on()

    def pause_writing(self) -> None:
        if self._listener is not None:
            self._listener.sending_since = time.monotonic()

    def resume_writing(self) -> None:
        if self._listener is not None:
            self._listener.sending_since = None
            self.wake()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._closing is not None:
            self._closing.cancel()
        if self._listener is not None:
            self._listener.leave()
            self._fan_out.sockets.discard(self)
            self._listener = None
            metrics.CLIENTS.labels("websocket").dec()

    # --- what we do ---------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """There may be something to say."""
        self._fan_out.add(self)

    def flush(self) -> int:
        """Say what is due, as far as the other side reads; returns how many messages that were."""
        listener, transport = self._listener, self._transport
        if listener is None or transport is None or self._protocol.state is not OPEN:
            return 0
        messages, bits = 0, self._window_bits
        while listener.sending_since is None and (said := listener.take()) is not None:
            self._write(transport, said.frame if bits is None else said.deflated(bits))
            messages += 1
        return messages

    def _write(self, transport: asyncio.Transport, frame: bytes) -> None:
        """To the kernel at once where nothing waits before it: the transport's own way there costs as much again."""
        if self._behind and not transport.get_write_buffer_size():
            self._behind = False
        if not self._behind and self._fileno is not None:
            try:
                sent = os.write(self._fileno, frame)
            except OSError:
                sent = 0  # the kernel takes nothing now, or never again: the transport finds out which
            if sent == len(frame):
                return
            frame = frame[sent:]
        self._behind = True
        transport.write(frame)

    def ping(self, now_s: float) -> None:
        """Ask whether anybody reads."""
        if self._transport is not None and self._protocol.state is OPEN:
            self.pinged_at = now_s
            self._write(self._transport, _PING)

    def evict(self) -> None:
        """Close with 4008 and let go of what was not read."""
        if self._closing is None:
            metrics.EVICTED.inc()
            self._close(SLOW, "does not read")

    def shutdown(self) -> None:
        """The server stops."""
        self._close(RESTARTING, "restarting")

    def _open(self, request: Request) -> None:
        try:
            if parse_qs(urlsplit(request.path).query).get("compress") == ["1"]:
                self._protocol.available_extensions = [_DEFLATE]
            response = self._protocol.accept(request)
            self._window_bits = _window_bits(self._protocol)
            if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
                self._listener = self._opening(request.path)(self, request)
        except Problem as problem:
            response = _refusal(problem)
        except Exception:  # noqa: BLE001 - whatever it was, one asker must not end the server's loop (L11)
            _log.exception("a WebSocket could not be opened")
            response = _refusal(Problem(500, "internal", "This is our fault, and it has been noted."))
        self._protocol.send_response(response)
        if self._listener is not None:
            metrics.CLIENTS.labels("websocket").inc()
            self._fan_out.sockets.add(self)
            self.wake()

    def _opening(self, target: str) -> Opening:
        path = urlsplit(target).path
        for template, opening in self._openings.items():
            if compile_path(template)[0].match(path):
                return opening
        raise not_found("WebSocket", path)

    def _hear(self, frame: Frame) -> None:
        """Take in a frame of a message; the protocol has seen to their order and to the length of the whole."""
        opcode, before = (frame.opcode, b"") if self._begun is None else self._begun
        self._begun = None if frame.fin else (opcode, before + bytes(frame.data))
        self._count(messages=1)
        if not frame.fin or self.hears is None or self._protocol.state is not OPEN:
            return
        answer = self.hears(before + bytes(frame.data) if opcode is Opcode.TEXT else b"")
        if answer is not None and self._transport is not None:
            self._behind = True
            self._transport.write(Said(answer, "").frame)

    def _count(self, *, messages: int = 0, pings: int = 0) -> None:
        if self.heard_at - self._window_at > 60:
            self._window_at, self._messages, self._pings = self.heard_at, 0, 0
        self._messages += messages
        self._pings += pings
        if self._messages > MESSAGES_MAX or self._pings > PINGS_MAX:
            self._close(TOO_MUCH, "talks too much")

    def _close(self, code: int, reason: str) -> None:
        if self._transport is None:
            return
        if self._protocol.state is OPEN:
            self._protocol.send_close(code, reason)
            self._pass_on()
        if self._closing is None:
            # A polite close would wait behind what is not read.
            self._closing = self._loop.call_later(_CLOSING_S, self._transport.abort)

    def _pass_on(self) -> None:
        """Send what the protocol has to say; empty bytes stand for its end."""
        transport = self._transport
        if transport is None:
            return
        for data in self._protocol.data_to_send():
            if data:
                self._behind = True
                transport.write(data)
            elif not transport.is_closing():
                transport.close()


def _window_bits(protocol: ServerProtocol) -> int | None:
    agreed = [one for one in protocol.extensions if isinstance(one, PerMessageDeflate)]
    return agreed[0].local_max_window_bits if agreed else None


def _refusal(problem: Problem) -> Response:
    body = body_of(problem)
    headers = Headers(problem.headers or {})
    headers.update(
        {
            "Content-Type": MEDIA_TYPE,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "Connection": "close",
        }
    )
    return Response(problem.status, HTTPStatus(problem.status).phrase, headers, body)
