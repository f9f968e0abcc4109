"""What the shipped configuration queues for an ingest that is away, where it stops, and what it refuses."""

import contextlib
import dataclasses
import re
import socket

from baycast.embedded.mosquitto import SHARED_CONFIG
from firmware_contract.codec import MAX_PAYLOAD
from firmware_contract.topics import device_topic
from ingest.client import ConnectionConfig
from tests.support.brokers import Broker, running_broker
from tests.support.ingesting import config_for, ingesting, quarantined, register
from tests.support.mqtt_packets import publish
from tests.support.mqtt_peer import Peer
from tests.support.waiting import eventually

OPTIONS = dict(re.findall(r"^(\w+) (\S+)$", SHARED_CONFIG.read_text(encoding="utf-8"), re.MULTILINE))
PAYLOAD = b"x" * 180


def test_the_queue_holds_a_day_of_a_city_and_the_window_fits_ingest() -> None:
    assert int(OPTIONS["max_queued_bytes"]) >= 20 * 86_400 * len(PAYLOAD)
    assert int(OPTIONS["max_queued_messages"]) >= 20 * 86_400
    asked = {field.name: field.default for field in dataclasses.fields(ConnectionConfig)}
    assert int(OPTIONS["max_inflight_messages"]) == asked["in_flight_max"]
    assert MAX_PAYLOAD < int(OPTIONS["max_packet_size"]) <= 64 * 1024


def test_the_queue_is_bounded_by_the_payloads_bytes_and_what_is_dropped_is_counted() -> None:
    limit, sent = 50_000, 1_500
    with running_broker(f"max_queued_bytes {limit}", "sys_interval 1") as broker:
        Peer(broker.port, None, session="away", filters=("q/#",)).close()
        with Peer(broker.port, None) as sender:
            for number in range(sent):
                sender.publish(f"q/{number}", PAYLOAD)
        with Peer(broker.port, None, session="away") as back:
            kept = len(back.received())
        assert limit <= kept * len(PAYLOAD) < limit + 2 * len(PAYLOAD)

        def dropped() -> int:
            with Peer(broker.port, None) as watcher:
                watcher.subscribe("$SYS/broker/publish/messages/dropped")
                return int(watcher.received()[0][1])

        eventually(lambda: dropped() == sent - kept)


def test_l1_the_largest_packet_that_the_broker_takes_comes_through_to_ingest(
    database_url: str, broker: Broker
) -> None:
    register(database_url, sensor=["s1"])
    topic = device_topic("s1", "state")
    limit = int(OPTIONS["max_packet_size"])
    with ingesting(config_for(database_url, broker.url)), Peer(broker.port, None) as sender:
        acknowledged = []
        # What exactly the broker's limit counts is its own affair: up to the first that costs the connection.
        with contextlib.suppress(ConnectionError, EOFError):
            for size in range(limit - len(topic) - 16, limit + 1):
                sender.publish(topic, b"x" * size)
                acknowledged.append(size)
        assert acknowledged
        assert acknowledged[-1] < limit
        eventually(lambda: quarantined(database_url) == {"too_large": len(acknowledged)})


def test_an_absurd_packet_costs_its_sender_the_connection(broker: Broker) -> None:
    with socket.create_connection(("127.0.0.1", broker.port), timeout=10) as vandal:
        vandal.sendall(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00")
        assert vandal.recv(4) == b"\x20\x02\x00\x00"
        # Its length is enough: what it announces is not waited for.
        vandal.sendall(publish(b"t", b"x" * int(OPTIONS["max_packet_size"]), mid=1, flags=2)[:200])
        with contextlib.suppress(ConnectionResetError):
            assert vandal.recv(4) == b""
