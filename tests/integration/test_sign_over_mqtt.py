"""From when on a reference sign counts what the broker brings: never later than it was sent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import paho.mqtt.client as mqtt
import pytest

from baycast.chaos.proxy import FaultProxy, Toxics
from baycast.reference_sign.inbox import Inbox
from baycast.reference_sign.over_mqtt import OverMqtt
from firmware_contract.topics import sign_frame_topic
from publish.config import address
from tests.support.brokers import Broker, connected
from tests.support.waiting import eventually

WAIT_S = 20.0


@pytest.fixture
def proxy(broker: Broker) -> Iterator[FaultProxy]:
    between = FaultProxy("sign to broker", broker.port)
    between.start()
    yield between
    between.stop()


@pytest.fixture
def publisher(broker: Broker) -> Iterator[mqtt.Client]:
    with connected(broker) as client:
        yield client


@contextmanager
def wire(proxy: FaultProxy) -> Iterator[Inbox]:
    """What comes to a sign behind the proxy."""
    inbox = Inbox()
    over = OverMqtt("vms-1", address(f"mqtt://127.0.0.1:{proxy.port}"), inbox)
    over.start()
    try:
        yield inbox
    finally:
        over.stop()


def say(client: mqtt.Client, payload: bytes) -> None:
    """The broker has it, and has sent it on, when this returns."""
    client.publish(sign_frame_topic("vms-1"), payload, qos=1, retain=True).wait_for_publish(WAIT_S)


def test_l6_a_frame_that_was_held_up_counts_from_before_it_was_sent(
    proxy: FaultProxy, publisher: mqtt.Client
) -> None:
    with wire(proxy) as inbox:
        say(publisher, b"first")
        eventually(lambda: bool(inbox.arrived))
        proxy.set(Toxics(blackhole=True))
        held_s = time.monotonic()
        say(publisher, b"held")
        # Long enough that the sign asks again, and is not answered.
        eventually(lambda: time.monotonic() - held_s > 1.0)
        proxy.set(Toxics())
        eventually(lambda: inbox.arrived[-1].payload == b"held")
        assert inbox.arrived[-1].since_s <= held_s + 0.5


def test_a_frame_that_was_not_held_up_counts_from_now(proxy: FaultProxy, publisher: mqtt.Client) -> None:
    with wire(proxy) as inbox:
        say(publisher, b"first")
        eventually(lambda: bool(inbox.arrived))
        came_s = time.monotonic()

        def counts_from_after_the_first() -> bool:
            say(publisher, b"again")
            return inbox.arrived[-1].since_s > came_s

        eventually(counts_from_after_the_first)
