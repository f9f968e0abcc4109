"""The reference sign as people start it: a process, a broker, and frames that stop coming."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from firmware_contract.topics import sign_frame_topic
from occupancy.model import SignId
from signs.document import encode
from signs.frame import Frame, Page
from signs.words import FrameState
from tests.support.brokers import Broker, connected
from tests.support.sign_process import WAIT_S, SignProcess, sign_process

NOW = datetime(2026, 10, 3, 12, tzinfo=UTC)


@pytest.fixture
def publisher(broker: Broker) -> Iterator[mqtt.Client]:
    with connected(broker) as client:
        yield client


@pytest.fixture
def sign(broker: Broker) -> Iterator[SignProcess]:
    with sign_process("vms-1", BAYCAST_MQTT_URL=broker.url) as process:
        yield process


def send(client: mqtt.Client, sequence: int, word: str, ttl_s: int, expiry_s: int | None = None) -> None:
    pages = (Page(language="cy", lines=(word,)),)
    made = Frame(
        sign_id=SignId("vms-1"),
        sequence=sequence,
        issued_at=NOW,
        ttl_s=ttl_s,
        state=FrameState.FULL,
        pages=pages,
    )
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho leaves it untyped
    if expiry_s is not None:
        properties.MessageExpiryInterval = expiry_s
    sent = client.publish(sign_frame_topic("vms-1"), encode(made), qos=1, retain=True, properties=properties)
    sent.wait_for_publish(WAIT_S)


def test_l6_the_sign_shows_a_frame_for_its_ttl_and_refuses_a_replay(
    publisher: mqtt.Client, sign: SignProcess
) -> None:
    assert sign.line() == "(blank)"
    send(publisher, 5, "LLAWN", ttl_s=1)
    assert sign.line() == "cy: LLAWN"
    shown_s = time.monotonic()
    assert sign.line() == "(blank)"
    assert time.monotonic() - shown_s < 5.0
    send(publisher, 5, "AR GAU", ttl_s=60)
    send(publisher, 4, "AR GAU", ttl_s=60)
    send(publisher, 6, "LLAWN", ttl_s=60)
    assert sign.line() == "cy: LLAWN"


def test_l6_the_sign_goes_dark_when_the_broker_dies(
    broker: Broker, publisher: mqtt.Client, sign: SignProcess
) -> None:
    assert sign.line() == "(blank)"
    send(publisher, 5, "LLAWN", ttl_s=2)
    assert sign.line() == "cy: LLAWN"
    broker.kill()
    assert sign.line() == "(blank)"


def test_l6_the_message_expiry_shortens_what_the_frame_says(
    publisher: mqtt.Client, sign: SignProcess
) -> None:
    assert sign.line() == "(blank)"
    send(publisher, 5, "LLAWN", ttl_s=600, expiry_s=1)
    assert sign.line() == "cy: LLAWN"
    assert sign.line() == "(blank)"


def test_l11_what_is_no_frame_changes_nothing(publisher: mqtt.Client, sign: SignProcess) -> None:
    assert sign.line() == "(blank)"
    for payload in (b"", b"{}", b"\xff", b"[" * 5000):
        publisher.publish(sign_frame_topic("vms-1"), payload, qos=1).wait_for_publish(WAIT_S)
    send(publisher, 5, "A WORD THAT IS TOO LONG", ttl_s=60)
    send(publisher, 6, "LLAWN", ttl_s=60)
    assert sign.line() == "cy: LLAWN"


def test_stopping_it_is_no_fault(broker: Broker) -> None:
    process = SignProcess("vms-1", BAYCAST_MQTT_URL=broker.url)
    assert process.line() == "(blank)"
    assert process.stop() == (0, "")


def test_a_wrong_sign_id_is_one_clear_line(broker: Broker) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "baycast", "sign", "a/#"],
        env={**os.environ, "BAYCAST_MQTT_URL": broker.url},
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_S,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("baycast: SIGN_ID: ")
    assert ended.stderr.count("\n") == 1
