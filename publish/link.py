"""The connection to the broker: MQTT 5, QoS 1, retained, with our own waiting and reconnecting.

Every connection is a new paho client with a clean session, and everything retained is told anew on it. paho
would otherwise play its unacknowledged messages again after an outage, old sign frames with a fresh expiry
among them. Its threads only hand over what happened; decisions are made in the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from firmware_contract.topics import SHOWN_SUBSCRIPTION
from publish import metrics
from publish.config import PublishConfig, address
from publish.outbox import Message, Outbox, Waiting

_log = logging.getLogger("baycast.publish")
_BACK_OFF_S = (0.2, 10.0)
_CONNECT_S = 5.0
_KEEPALIVE_S = 15


class LinkError(Exception):
    """The broker could not be reached, refused us, or stopped answering; the text says which."""


@dataclass(slots=True)
class _InFlight:
    waiting: Waiting
    sent_s: float


@dataclass(slots=True)
class _Session:
    """One connection from its beginning to its end."""

    client: mqtt.Client
    window: int
    """Messages that may be unacknowledged: what we want, or less where the broker takes less."""
    accepted: asyncio.Event = field(default_factory=asyncio.Event)
    lost: str | None = None
    in_flight: dict[int, _InFlight] = field(default_factory=dict)

    @property
    def busy(self) -> set[str]:
        return {each.waiting.message.topic for each in self.in_flight.values()}


class Link:
    """Sends what is put into it while `run` runs. `on_up` is called at the start of each connection.

    `on_shown` is called in paho's thread, with the topic and the payload of what a sign says it shows.
    """

    def __init__(
        self, config: PublishConfig, on_up: Callable[[], None], on_shown: Callable[[str, bytes], None]
    ) -> None:
        self._config = config
        self._on_shown = on_shown
        self._address = address(config.mqtt_url)
        self._on_up = on_up
        self._outbox = Outbox()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._session: _Session | None = None
        self._loop = asyncio.get_running_loop()

    def put(self, messages: list[Message]) -> None:
        """Queue the messages; the latest of a topic wins."""
        for message in messages:
            self._outbox.put(message)
        if messages:
            self._idle.clear()
            self._wake.set()
        metrics.QUEUE.set(len(self._outbox))

    async def drained(self, within_s: float) -> bool:
        """Wait until all that was put is acknowledged; False when that takes longer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._idle.wait()
        return self._idle.is_set()

    async def run(self) -> None:
        """Connect, send, and connect again after a jittered back-off, until cancelled."""
        back_off_s = _BACK_OFF_S[0]
        while True:
            session = self._session = _Session(self._client(), self._config.max_in_flight)
            clean = False
            try:
                await self._open(session)
                back_off_s = _BACK_OFF_S[0]
                metrics.CONNECTED.set(1)
                self._on_up()
                await self._pump(session)
            except (OSError, ValueError, LinkError) as problem:
                _log.warning("broker lost, next try within %.1f s: %s", back_off_s, problem)
            except asyncio.CancelledError:
                clean = True
                raise
            finally:
                metrics.CONNECTED.set(0)
                for each in session.in_flight.values():
                    self._outbox.put_back(each.waiting)
                self._session = None
                await self._close(session, clean=clean)
            await asyncio.sleep(back_off_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads reconnects
            back_off_s = min(back_off_s * 2, _BACK_OFF_S[1])

    # --- one connection -----------------------------------------------------------------------------------

    def _client(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"baycast-publish-{secrets.token_hex(4)}",
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = _CONNECT_S
        client.max_inflight_messages_set(self._config.max_in_flight)
        if self._address.username is not None:
            client.username_pw_set(self._address.username, self._address.password)
        if self._address.tls:
            client.tls_set(self._address.ca_file, self._address.cert_file, self._address.key_file)
        return client

    async def _open(self, session: _Session) -> None:
        client = session.client

        def connected(own: Any, _data: Any, _flags: Any, reason: Any, properties: Any) -> None:
            takes = getattr(properties, "ReceiveMaximum", session.window)
            refused = f"refused: {reason}" if reason.is_failure else None
            if refused is None:
                own.subscribe(SHOWN_SUBSCRIPTION, qos=1)
            self._hand_over(self._connected, session, refused, takes)

        def disconnected(_client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            self._hand_over(self._lost, session, str(reason))

        def published(_client: Any, _data: Any, mid: int, reason: Any, _properties: Any) -> None:
            self._hand_over(self._acknowledged, session, mid, str(reason) if reason.is_failure else None)

        def subscribed(_client: Any, _data: Any, _mid: int, reasons: Any, _properties: Any) -> None:
            if any(reason.is_failure for reason in reasons):
                _log.error("the broker does not let us hear what signs show: %s", reasons[0])

        def came(_client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
            if not message.retain:  # what a sign showed once is no news
                self._on_shown(message.topic, bytes(message.payload))

        client.on_connect = connected
        client.on_subscribe = subscribed
        client.on_message = came
        client.on_disconnect = disconnected
        client.on_publish = published
        await asyncio.to_thread(client.connect, self._address.host, self._address.port, _KEEPALIVE_S)
        client.loop_start()
        try:
            async with asyncio.timeout(_CONNECT_S):
                await session.accepted.wait()
        except TimeoutError:
            raise LinkError("no answer to our connect") from None
        if session.lost is not None:
            raise LinkError(session.lost)

    async def _pump(self, session: _Session) -> None:
        while True:
            self._wake.clear()
            now_s = time.monotonic()
            while session.lost is None and len(session.in_flight) < session.window:
                waiting = self._outbox.take(now_s, session.busy)
                if waiting is None:
                    break
                self._send(session, waiting, now_s)
            metrics.QUEUE.set(len(self._outbox))
            if session.lost is not None:
                raise LinkError(session.lost)
            if not session.in_flight and not len(self._outbox):
                self._idle.set()
            oldest_s = min((each.sent_s for each in session.in_flight.values()), default=now_s)
            if now_s - oldest_s > self._config.ack_within_s:
                raise LinkError(f"nothing acknowledged for {now_s - oldest_s:.0f} s")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._wake.wait()

    def _send(self, session: _Session, waiting: Waiting, now_s: float) -> None:
        message = waiting.message
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho leaves it untyped
        properties.MessageExpiryInterval = message.left_s(now_s)
        sent = session.client.publish(
            message.topic, message.payload, qos=1, retain=True, properties=properties
        )
        session.in_flight[sent.mid] = _InFlight(waiting, now_s)
        if sent.rc != mqtt.MQTT_ERR_SUCCESS and session.lost is None:
            session.lost = mqtt.error_string(sent.rc)

    async def _close(self, session: _Session, *, clean: bool) -> None:
        client = session.client
        if clean:
            client.disconnect()
        else:
            # A half-open connection never ends by itself, and paho waits for its last bytes to leave.
            self._cut(client)
        stopping = asyncio.ensure_future(asyncio.to_thread(client.loop_stop))
        done, _ = await asyncio.wait({stopping}, timeout=2.0)
        if not done:
            self._cut(client)
            await stopping
        # They hold the session, and it the client: without them its sockets close now, not when cycles are collected.
        client.on_connect = client.on_subscribe = client.on_message = None
        client.on_disconnect = client.on_publish = None

    @staticmethod
    def _cut(client: mqtt.Client) -> None:
        held = client.socket()
        if isinstance(held, socket.socket):
            with contextlib.suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)

    # --- what paho's thread reports -----------------------------------------------------------------------

    def _hand_over(self, callback: Callable[..., None], *args: object) -> None:
        # An exception here would kill paho's thread; after the end of the loop there is no one to tell.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *args)

    def _connected(self, session: _Session, refused: str | None, takes: int) -> None:
        # A broker may cut off a client that keeps more unacknowledged than it said it takes.
        session.window = min(session.window, takes)
        session.lost = session.lost or refused
        session.accepted.set()

    def _lost(self, session: _Session, reason: str) -> None:
        session.lost = session.lost or reason
        session.accepted.set()
        self._wake.set()

    def _acknowledged(self, session: _Session, mid: int, refused: str | None) -> None:
        each = session.in_flight.pop(mid, None)
        if each is None or session is not self._session:
            return
        kind = each.waiting.message.kind
        if refused is None:
            metrics.MESSAGES.labels(kind).inc()
            metrics.LAG.observe(time.monotonic() - each.waiting.since_s)
        else:
            metrics.REFUSED.labels(kind).inc()
            _log.error("the broker refused %s: %s", each.waiting.message.topic, refused)
        self._wake.set()
