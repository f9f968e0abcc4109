"""Frames from the broker, and back what is shown."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from baycast.reference_sign.inbox import Arrived, BackOff, Inbox, say
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
            try:
                client.connect(self._place.host, self._place.port, _KEEPALIVE_S)
            except OSError as problem:
                say(f"no broker at {self._place.host}:{self._place.port} yet: {problem}")
            else:
                self._client = client
                client.loop_start()
                self._lost.wait()
                self._client = None
                client.on_disconnect = None
                client.disconnect()
                client.loop_stop()
            self._stop.wait(self._back_off.pause_s())

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
            self._inbox.put(Arrived(bytes(message.payload), time.monotonic(), expires_in_s))

        client.on_connect, client.on_disconnect, client.on_message = connected, lost, came
        client.connect_timeout = 5.0
        if self._place.username is not None:
            client.username_pw_set(self._place.username, self._place.password)
        if self._place.tls:
            client.tls_set(self._place.ca_file, self._place.cert_file, self._place.key_file)
        return client
