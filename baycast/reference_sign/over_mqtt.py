"""Frames from the broker, and back what is shown.

A frame counts from the last of our questions that the broker answered before it in the same stream, or from our
connecting: as over WebSocket, bytes that were held up on the way are not believed for longer than they are true. The
question is to let go of a topic that we never had: paho sends no ping when one wants it, and this changes nothing.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from baycast.reference_sign.inbox import ASK_S, Arrived, BackOff, Inbox, ask_after_s, say
from firmware_contract.topics import sign_frame_topic, sign_shown_topic

if TYPE_CHECKING:
    import paho.mqtt.client as mqtt

    from publish.config import Address

_KEEPALIVE_S = 15


class OverMqtt:
    """A client of its own per connection, in a thread, until stopped: paho's own would keep what it could not send."""

    def __init__(self, sign_id: str, place: Address, inbox: Inbox) -> None:
        self._frames, self._shown = sign_frame_topic(sign_id), sign_shown_topic(sign_id)
        self._place = place
        self._inbox = inbox
        self._stop = threading.Event()
        self._client: mqtt.Client | None = None
        self._lost = threading.Event()
        self._back_off = BackOff()
        self._ask_s = ASK_S[0]
        self._sure_s = 0.0
        self._asked_s: float | None = None
        """When the question was asked that is not answered yet."""
        self._thread = threading.Thread(target=self._run, name="frames over MQTT", daemon=True)

    def start(self) -> None:
        """Begin. Raises `OSError` where the files for TLS cannot be read."""
        self._made()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._lost.set()
        self._thread.join(5)

    def report(self, payload: bytes) -> None:
        """Say what is shown; without a connection nobody is told, and later it would be no news."""
        client = self._client
        if client is not None and client.is_connected():
            client.publish(self._shown, payload, qos=1)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._lost.clear()
            client = self._made()
            self._asked_s, self._sure_s = None, time.monotonic()
            try:
                client.connect(self._place.host, self._place.port, _KEEPALIVE_S)
            except OSError as problem:
                say(f"no broker at {self._place.host}:{self._place.port} yet: {problem}")
            else:
                self._client = client
                client.loop_start()
                while not self._lost.wait(self._ask_s):
                    self._ask(client)
                self._client = None
                client.on_disconnect = None
                client.disconnect()
                client.loop_stop()
            self._stop.wait(self._back_off.pause_s())

    def _ask(self, client: mqtt.Client) -> None:
        """One question at a time: whoever does not answer is not asked again."""
        if self._asked_s is None and client.is_connected():
            self._asked_s = time.monotonic()
            client.unsubscribe(f"{self._frames}/asked")

    def _made(self) -> mqtt.Client:
        import paho.mqtt.client as mqtt
        from paho.mqtt.enums import CallbackAPIVersion

        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, reconnect_on_failure=False)

        def connected(_client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            if reason.is_failure:
                say(f"the broker refused us: {reason}")
                self._lost.set()
            else:
                self._back_off.reset()
                client.subscribe(self._frames, qos=1)

        def lost(*_: Any) -> None:
            say("the broker is gone; what is shown lives to the end of its ttl")
            self._lost.set()

        def came(_client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
            expires_in_s = getattr(message.properties, "MessageExpiryInterval", None)
            if expires_in_s is not None:
                self._ask_s = ask_after_s(expires_in_s)
            self._inbox.put(Arrived(bytes(message.payload), self._sure_s, expires_in_s))

        def answered(*_: Any) -> None:
            if self._asked_s is not None:
                self._sure_s, self._asked_s = self._asked_s, None

        client.on_connect, client.on_disconnect, client.on_message = connected, lost, came
        client.on_unsubscribe = answered
        client.connect_timeout = 5.0
        if self._place.username is not None:
            client.username_pw_set(self._place.username, self._place.password)
        if self._place.tls:
            client.tls_set(self._place.ca_file, self._place.cert_file, self._place.key_file)
        return client
