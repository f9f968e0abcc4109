"""The MQTT shell: one thread that owns the paho client, fills the inbox and sends the acknowledgements.

Everything that touches the client happens on that one thread (paho's external-loop interface), so an
acknowledgement can never slip from one connection into the next: packet ids start anew there, and a late
PUBACK would make the broker drop somebody else's message. The thread never dies silently: `check()` raises
what ended it.
"""

from __future__ import annotations

import contextlib
import logging
import random
import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from ingest import metrics
from ingest.canary import Canaries, utc_now
from ingest.client import ConnectionConfig, make_client, open_connection, subscribe, subscribe_to_condition
from ingest.failures import BrokerError
from ingest.inbox import Inbox
from ingest.intake import BrokerSays, Intake, no_ear
from ingest.packets import Publish
from ingest.watchdog import HANGS_AFTER_S, Watchdog

log = logging.getLogger(__name__)

_SUBSCRIBED_WITHIN_S = 30.0
"""A broker that saves a long queue answers late; to give up and come again would only add to its work."""
_BACKOFF_S = (0.1, 5.0)
_LEAVE_WITHIN_S = 1.0
_STEADY_AFTER_S = 5.0  # a connection that lasted this long was a good one: the next reconnect is quick again
_CPU_RECEIVE = metrics.CPU_SECONDS.labels("receive")
_CPU_ACK = metrics.CPU_SECONDS.labels("ack")


class Connection:
    """`start()`, then `check()` often, at last `stop()`. `canary` makes a canary's body from the time; `broker_says`
    gets what the broker publishes about itself; `watchdog` notices a thread that hangs."""

    def __init__(
        self,
        config: ConnectionConfig,
        inbox: Inbox,
        canary: Callable[[datetime], bytes],
        watchdog: Watchdog,
        broker_says: BrokerSays = no_ear,
        crash_point: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._config = config
        self._inbox = inbox
        self._alive = watchdog.guard(lambda: HANGS_AFTER_S, self._give_up)
        self.settled = False
        """Whether the session has the wanted subscriptions and no others."""
        self._generation = 0
        self._session_began = 0
        """The generation that found no session at the broker: what came before it is not delivered again."""
        self._ever_subscribed = False
        self._problem: str | None = None
        self._acks: deque[tuple[int, int]] = deque()
        self._stopping = threading.Event()
        self._intake = Intake(inbox, self._alive, self._stopping.is_set, broker_says, crash_point)
        self._failure: BaseException | None = None
        self._subscribe_mid: int | None = None
        self._client = make_client(config, self._take_in)
        self.canaries = Canaries(self._client, config.canary_topic, config.canary_every_s, canary)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_unsubscribe = lambda *_: self._settled()
        self._client.on_disconnect = self._on_disconnect
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="ingest-mqtt", daemon=True)

    # --- called from the writer's thread ---

    def start(self) -> None:
        self._thread.start()

    def check(self) -> None:
        """Raise `BrokerError` when the receiving thread has ended: nothing would arrive any more."""
        if isinstance(self._failure, BrokerError):
            raise self._failure
        if self._failure is not None:
            reason = str(self._failure) or type(self._failure).__name__
            raise BrokerError(f"the MQTT thread ended: {reason}") from self._failure
        if self._thread.ident is not None and not self._thread.is_alive() and not self._stopping.is_set():
            raise BrokerError("the MQTT thread ended without a reason")

    def acknowledge(self, tokens: Iterable[tuple[int, int]]) -> None:
        """Queue PUBACKs for (generation, packet id) pairs, in order of receipt. Stale ones are dropped."""
        self._acks.extend(tokens)
        self._wake()

    def stop(self, timeout: float) -> None:
        """Send what is queued, disconnect (the session stays with the broker) and end the thread."""
        self._stopping.set()
        self._wake()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        else:
            self._close_wake()

    def _give_up(self) -> None:  # from the watchdog's thread; `check()` says so
        self._failure = BrokerError(f"the MQTT thread has hung for {HANGS_AFTER_S:.0f} s")
        self._inbox.wake()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # a wake-up is waiting already, or the thread has ended
            self._wake_write.send(b"w")

    def _close_wake(self) -> None:
        self._wake_read.close()
        self._wake_write.close()

    # --- the thread ---

    def _run(self) -> None:
        try:
            with self._alive:
                self._connect_again_and_again()
        except BaseException as error:  # noqa: BLE001 - kept for check(), which ends the process with it
            self._failure = error
        finally:
            self._disconnected()
            self._close_wake()
            self._inbox.wake()

    def _connect_again_and_again(self) -> None:
        started = time.monotonic()
        delay = _BACKOFF_S[0]
        while not self._stopping.is_set():
            opened = time.monotonic()
            problem = self._connect() or self._serve()
            steady = self.settled and time.monotonic() - opened > _STEADY_AFTER_S
            if self.settled and not steady:  # mosquitto 2.0 throws us out for another one without a word
                problem += f", soon after it began: does another client call itself {self._config.client_id}?"
            self._disconnected()
            if self._stopping.is_set():
                return
            if not self._ever_subscribed and time.monotonic() - started > self._config.first_connect_within_s:
                raise BrokerError(f"cannot use the broker at {self._config.broker}: {problem}")
            delay = _BACKOFF_S[0] if steady else min(delay * 2, _BACKOFF_S[1])
            log.warning("broker %s: %s; trying again", self._config.broker, problem)
            self._stopping.wait(delay * random.uniform(0.5, 1.0))  # noqa: S311 - spreads reconnects, no secret

    def _connect(self) -> str | None:
        """Open the socket and send CONNECT; the reason when that was not possible."""
        self._alive.beat()
        self._problem = None
        try:
            open_connection(self._client, self._config)
        except OSError as error:  # refused, timed out, no such host, TLS
            return str(error) or type(error).__name__
        return None

    def _serve(self) -> str:
        """Drive one connection to its end and say what ended it."""
        client = self._client
        subscribed_by = time.monotonic() + _SUBSCRIBED_WITHIN_S
        rc = MQTTErrorCode.MQTT_ERR_SUCCESS
        while rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
            sock = client.socket()
            if sock is None:
                break
            rc = self._turn(sock)
            if self._problem is not None:
                return self._problem
            if not self.settled and time.monotonic() > subscribed_by:
                return "no answer to CONNECT or SUBSCRIBE"
            # Every canary is answered. paho's own pings would take twice the keepalive to notice.
            if self.settled and (silent := client.silent_s()) > self._config.keepalive_s:
                return f"the broker has been silent for {silent:.0f} s"
            if self._stopping.is_set() and not self._acks and not client.want_write():
                client.leave(_LEAVE_WITHIN_S)
                return "stopping"
        return self._problem or mqtt.error_string(rc)

    def _turn(self, sock: Any) -> MQTTErrorCode:
        """Wait for the socket, an acknowledgement or the next canary, and handle what there is."""
        self._alive.beat()
        client = self._client
        timeout = 0.5
        if self.settled:
            timeout = min(timeout, self.canaries.wait_s())
        if isinstance(sock, ssl.SSLSocket) and sock.pending():
            timeout = 0.0
        readable, _, _ = select.select(
            [sock, self._wake_read], [sock] if client.want_write() else [], [], timeout
        )
        if self._wake_read in readable:
            self._wake_read.recv(4096)
        rc = MQTTErrorCode.MQTT_ERR_SUCCESS
        began = time.thread_time()
        # While stopping nothing more is taken in: what is not acknowledged stays with the broker.
        if (sock in readable or timeout == 0.0) and not self._stopping.is_set():
            rc = client.loop_read()
        read = time.thread_time()
        _CPU_RECEIVE.inc(read - began)
        if rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._send_acks()
            if self.settled and not self._stopping.is_set():
                self.canaries.send_when_due()
            rc = client.loop_write() if client.want_write() else rc
        _CPU_ACK.inc(time.thread_time() - read)
        return client.loop_misc() if rc == MQTTErrorCode.MQTT_ERR_SUCCESS else rc

    def _send_acks(self) -> None:
        """Queue what is due as one packet, so that it leaves in one system call."""
        mids: list[int] = []
        stale = 0
        while self._acks:
            generation, mid = self._acks.popleft()
            if generation == self._generation:
                mids.append(mid)
            else:
                stale += 1
        self._client.acknowledge(mids)
        if stale:
            metrics.STALE_ACKS.inc(stale)

    def _disconnected(self) -> None:
        self._generation += 1  # from now on every acknowledgement in flight is stale
        self.settled = False
        self.canaries.end()
        metrics.CONNECTED.set(0)

    # --- paho's callbacks, all on the thread; what they raise ends it and with it the process ---

    def _on_connect(
        self, client: mqtt.Client, _data: Any, flags: mqtt.ConnectFlags, reason: ReasonCode, _properties: Any
    ) -> None:
        if reason.is_failure:
            self._problem = f"refused: {reason}"
            return
        self._generation += 1
        metrics.CONNECTS.inc()
        if flags.session_present:
            # The broker delivers these again; storing them twice would only cost time.
            self._inbox.forget_acknowledgeable(self._session_began)
        else:
            self._session_began = self._generation
            if self._config.expects_session or self._ever_subscribed:
                metrics.SESSION_LOST.inc()
                log.error("broker %s lost our session: messages queued there are gone", self._config.broker)
        self._subscribe_mid = subscribe(client, self._config)

    def _on_subscribe(
        self, client: mqtt.Client, _data: Any, mid: int, reasons: list[ReasonCode], _properties: Any
    ) -> None:
        if mid != self._subscribe_mid:
            return  # about the broker itself: where it has no such topics or keeps them, we do without
        denied = [
            f"{subscription.topic} ({reason})"
            for subscription, reason in zip(self._config.subscriptions, reasons, strict=False)
            if reason.is_failure
        ]
        if denied:
            self._problem = f"subscription refused: {', '.join(denied)}"
        elif self._config.stale_filters:
            # Only now: the feed never lacks a subscriber, and what comes twice meanwhile is stored once.
            client.unsubscribe(list(self._config.stale_filters))
        else:
            self._settled()

    def _settled(self) -> None:
        """The session has the subscriptions that it should have. The canary begins: what it passes came before."""
        self._ever_subscribed = True
        self.settled = True
        self.canaries.begin()
        metrics.CONNECTED.set(1)
        log.info("subscribed at %s as %s", self._config.broker, self._config.client_id)
        subscribe_to_condition(self._client)

    def _on_disconnect(
        self, _client: mqtt.Client, _data: Any, flags: mqtt.DisconnectFlags, reason: ReasonCode, _p: Any
    ) -> None:
        if not flags.is_disconnect_packet_from_server:
            return
        if reason == "Session taken over":  # to come back would throw out the other one, without end
            raise BrokerError(
                f"another client took our place as {self._config.client_id} at {self._config.broker}: an ingest process"
                " with another database, perhaps; give each its own worker id"
            )
        self._problem = f"disconnected by the broker: {reason}"

    def _take_in(self, publishes: Sequence[Publish]) -> None:
        self._intake.take(self._generation, utc_now(), publishes)
