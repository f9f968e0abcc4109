"""One bad message harms itself only (L11): the poisons of the fault list, and the feed goes on."""

import contextlib
import socket
import struct

import psycopg
import pytest

from firmware_contract.topics import device_topic, gateway_topic
from tests.support.brokers import Broker
from tests.support.ingesting import (
    config_for,
    ingesting,
    publishing,
    quarantined,
    register,
    rows,
    state,
    stored,
)
from tests.support.waiting import eventually

GOOD = state(1)
# Fault list, rows 33 and 34.
POISON = {
    "json": b'{"boot": 1,',
    "utf8": b'{"boot": "\xff\xfe"}',
    "bom": b"\xef\xbb\xbf" + GOOD,
    "empty": b"",
    "nested": b"[" * 8000 + b"]" * 8000,
    "digits": b'{"boot": ' + b"9" * 5000 + b"}",
    "nan": GOOD.replace(b'"seq": 1', b'"seq": NaN'),
    "infinity": GOOD.replace(b'"seq": 1', b'"seq": Infinity'),
    "overflow": GOOD.replace(b'"seq": 1', b'"seq": -1e400'),
    "negative": state(-1),
    "huge": state(2**70),
    "text": GOOD.replace(b'"seq": 1', b'"seq": "1"'),
    "nul": state(1, faults=["a\x00b"]),
    "surrogate": GOOD.replace(b"}", b', "faults": ["\\ud800"]}'),
    "bidi": state(1, faults=["a\u202eb"]),
    "zero-width": state(1, faults=["a\u200bb"]),
    "too-large": state(1, padding="x" * 20_000),
    "array": b"[]",
    "number": b"1",
}


def test_l11_poison_is_quarantined_with_its_bytes_and_the_feed_goes_on(
    database_url: str, broker: Broker
) -> None:
    register(database_url, sensor=["s1"])
    messages = []
    for seq, poison in enumerate(POISON.values()):
        messages.append((device_topic("s1", "state"), state(seq)))
        messages.append((device_topic("s1", "state"), poison))
        item = b'[{"device_id": "s1", "kind": "state", "body": ' + poison + b"}]"
        messages.append((gateway_topic("gw"), item))
        messages.append((device_topic("s1", "health"), poison))
    with ingesting(config_for(database_url, broker.url)), publishing(broker.port) as publisher:
        publisher.send_all(messages)
        publisher.send(device_topic("s1", "state"), state(1000))
        eventually(lambda: ("s1", 1, 1000) in stored(database_url))
    assert stored(database_url) == [("s1", 1, seq) for seq in (*range(len(POISON)), 1000)]
    assert sum(quarantined(database_url).values()) == 3 * len(POISON)
    kept = {bytes(payload) for (payload,) in rows(database_url, "SELECT payload FROM quarantine") if payload}
    assert all(poison[: 16 * 1024] in kept for poison in POISON.values() if poison)


# Fault list, row 37: within the subscriptions, and outside of them.
@pytest.mark.parametrize(
    "topic",
    [
        "baycast/v1/dev/-not-an-id/state",
        "baycast/v1/dev/sp ace/state",
        "baycast/v1/dev/Zürich\u202e/state",
        "baycast/v1/dev//state",
        "baycast/v1/gw/-/batch",
        "baycast/v1/area/Not Known/clock",
        "baycast/v1/dev/" + "x" * 30_000 + "/state",
    ],
)
def test_l11_wrong_topics_are_quarantined(database_url: str, broker: Broker, topic: str) -> None:
    register(database_url, sensor=["s1"])
    with ingesting(config_for(database_url, broker.url)), publishing(broker.port) as publisher:
        publisher.send(topic, GOOD)
        publisher.send(device_topic("s1", "state"), GOOD)
        eventually(lambda: stored(database_url) == [("s1", 1, 1)])
        eventually(lambda: quarantined(database_url) == {"bad_topic": 1})


def test_l11_topics_of_others_and_of_the_broker_change_nothing(database_url: str, broker: Broker) -> None:
    register(database_url, sensor=["s1"])
    with ingesting(config_for(database_url, broker.url)):
        for topic in ("$SYS/broker/uptime", "elsewhere", "baycast/v2/dev/s1/state", "/".join("a" * 250)):
            with publishing(broker.port) as stranger:
                stranger.attempt(topic, GOOD)
        with publishing(broker.port) as publisher:
            publisher.send(device_topic("s1", "state"), GOOD)
        eventually(lambda: stored(database_url) == [("s1", 1, 1)])
    assert quarantined(database_url) == {}


def test_l11_an_absurdly_large_packet_costs_its_sender_the_connection(
    database_url: str, broker: Broker
) -> None:
    """Fault list, row 36: the broker reads the length and closes; nobody receives 256 MB."""
    register(database_url, sensor=["s1"])
    with (
        ingesting(config_for(database_url, broker.url)),
        publishing(broker.port) as publisher,
        socket.create_connection(("127.0.0.1", broker.port), timeout=10) as raw,
    ):
        raw.sendall(b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02zz")
        assert raw.recv(4)[:1] == b"\x20"
        topic = device_topic("s1", "state").encode()
        raw.sendall(b"\x32\xff\xff\xff\x7f" + struct.pack("!H", len(topic)) + topic + b"\x00\x01{")
        with contextlib.suppress(ConnectionResetError):
            assert raw.recv(1) == b""
        publisher.send(device_topic("s1", "state"), GOOD)
        eventually(lambda: stored(database_url) == [("s1", 1, 1)])


def test_l11_a_row_that_the_database_refuses_is_quarantined_alone(database_url: str, broker: Broker) -> None:
    register(database_url, sensor=["s1"])
    with psycopg.connect(database_url) as conn:
        conn.execute("ALTER TABLE reading ADD CHECK (battery_mv <> 666)")
    refused = (7, 47, 87)
    bodies = [state(seq, battery_mv=666 if seq in refused else 3600) for seq in range(100)]
    slow = config_for(database_url, broker.url, batch_quiet_s=0.5, batch_age_s=0.5)
    with ingesting(slow), publishing(broker.port) as publisher:
        publisher.send_all([(device_topic("s1", "state"), body) for body in bodies])
        eventually(lambda: quarantined(database_url) == {"store_rejected": 3})
        eventually(lambda: len(stored(database_url)) == 97)
    kept = rows(database_url, "SELECT payload FROM quarantine ORDER BY id")
    assert kept == [(bodies[seq],) for seq in refused]


def test_l1_a_flooding_device_keeps_its_allowance_then_a_count_and_a_sample(
    database_url: str, broker: Broker
) -> None:
    register(database_url, sensor=["s1", "s2"])
    with (
        ingesting(config_for(database_url, broker.url, quarantine_per_hour=10)),
        publishing(broker.port) as publisher,
    ):
        publisher.send_all([(device_topic("s1", "state"), b"bad %d" % n) for n in range(50)])
        publisher.send(device_topic("s2", "state"), b"bad")
        publisher.send(device_topic("s2", "state"), GOOD)
        eventually(lambda: stored(database_url) == [("s2", 1, 1)])
    assert quarantined(database_url) == {"not_json": 11}
    assert rows(database_url, "SELECT source, reason, count, sample FROM quarantine_overflow") == [
        ("dev/s1", "not_json", 40, b"bad 10")
    ]
