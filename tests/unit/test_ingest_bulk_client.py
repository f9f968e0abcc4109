"""The bulk path of the MQTT client, packet by packet, on a socket pair."""

import logging
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from paho.mqtt.enums import MQTTErrorCode

from ingest.packets import parse, read_number
from tests.support.mqtt_packets import PINGRESP, V3, V5, Bench, bulk_bench, number, packet, publish, text
from tests.support.waiting import eventually

TOPIC = b"baycast/v1/dev/s1/state"
EXPIRY = b"\x02\x00\x00\x00\x3c"


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = bulk_bench(V5)
    yield bench
    bench.close()


def one(data: bytes, *, version5: bool = True) -> tuple[int, int, str, bytes, bool] | None:
    """The one message in `data`, None when it is left to paho."""
    parsed = parse(data, 0, version5=version5, largest=1000)
    assert parsed.end == (0 if parsed.unusual else len(data))
    return None if parsed.unusual else parsed.publishes[0]


def test_the_silence_of_the_broker_is_counted_from_what_it_said_last(bench: Bench) -> None:
    began = time.monotonic()
    silent = bench.client.silent_s()
    assert silent >= 0
    eventually(lambda: bench.client.silent_s() > silent + 0.05)
    bench.feed(PINGRESP)
    assert bench.client.silent_s() <= time.monotonic() - began - 0.05


def test_qos_retain_and_id_are_read_in_both_versions() -> None:
    assert one(publish(b"a/b", b"x", flags=1), version5=False) == (0, 0, "a/b", b"x", True)
    assert one(publish(b"a/b", b"", mid=0x1234, flags=2), version5=False) == (0x1234, 1, "a/b", b"", False)
    assert one(publish(b"a", b"x" * 500, mid=7, flags=11, properties=b"")) == (7, 1, "a", b"x" * 500, True)


@pytest.mark.parametrize(
    "properties",
    [
        EXPIRY,
        b"\x01\x01",
        b"\x03" + text(b"application/json"),
        b"\x08" + text(b"answers/here"),
        b"\x09" + text(b"\x00\xff"),
        b"\x0b\x81\x01",
        b"\x0b\x01\x0b\x02",
        b"\x26" + text(b"k") + text(b"v") + b"\x26" + text(b"k") + text(b""),
        EXPIRY + b"\x26" + text(b"k") + text(b"v" * 200),
    ],
)
def test_properties_of_mqtt_5_are_skipped(properties: bytes) -> None:
    assert one(publish(b"t", b"body", mid=1, flags=2, properties=properties)) == (1, 1, "t", b"body", False)


@pytest.mark.parametrize(
    "properties",
    [
        EXPIRY + EXPIRY,  # only once
        EXPIRY[:3],  # cut short
        b"\x01\x02",
        b"\x01",
        b"\x03" + text(b"text\x00"),
        b"\x03" + text("ü".encode()),
        b"\x03\x00",
        b"\x03\x00\x09short",
        b"\x09\x00",
        b"\x09\x00\x09short",
        b"\x0b\x00",
        b"\x0b\x80",
        b"\x11\x00\x00\x00\x00",  # none of a PUBLISH
        b"\x23\x00\x01",
        b"\x26" + text(b"k"),
    ],
)
def test_properties_that_are_not_plainly_right_are_left_to_paho(properties: bytes) -> None:
    assert one(publish(b"t", b"body", mid=1, flags=2, properties=properties)) is None


@pytest.mark.parametrize(
    "data",
    [
        PINGRESP,
        publish(b"t", b"", mid=1, flags=4, properties=b""),
        publish(b"t", b"", mid=1, flags=6, properties=b""),
        publish(b"", b"x", mid=1, flags=2, properties=b""),
        publish(b"\xff", b"x", mid=1, flags=2, properties=b""),
        packet(0x30, b""),
        packet(0x30, b"\x00\x05abc"),
        packet(0x30, b"\x00\x01t"),  # no properties
        packet(0x32, b"\x00\x01t\x01"),  # half a packet id
        packet(0x30, b"\x00\x01t\x05\x02"),  # properties beyond the packet
        publish(b"t", b"x" * 1000, properties=b""),
        b"\x30\xff\xff\xff\xff",
    ],
)
def test_the_unusual_is_left_to_paho_untouched(data: bytes) -> None:
    assert one(data) is None


def test_numbers() -> None:
    for value in (0, 127, 128, 16_383, 16_384, 268_435_455):
        encoded = number(value)
        assert read_number(encoded, 0, len(encoded)) == (value, len(encoded))
        assert read_number(encoded, 0, len(encoded) - 1) == (0, 0)
    assert read_number(b"\x80" * 5, 0, 5) == (0, 0)


def test_messages_come_in_order_around_what_paho_handles(bench: Bench) -> None:
    large = publish(b"large", b"x" * 100_000, mid=2, flags=2, properties=b"")
    stream = (
        publish(b"t", b"1", mid=1, flags=2, properties=b"")
        + PINGRESP
        + large
        + publish(b"t", b"3", mid=3, flags=2, properties=EXPIRY)
    )
    bench.client._ping_t = 1.0
    for at in range(0, len(stream), 9_999):
        assert bench.feed(stream[at : at + 9_999]) == MQTTErrorCode.MQTT_ERR_SUCCESS
    assert [(mid, len(payload)) for mid, _, _, payload, _ in bench.messages] == [(1, 1), (2, 100_000), (3, 1)]
    assert bench.client._ping_t == 0.0


def test_a_topic_alias_ends_the_connection_with_a_reason(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        rc = bench.feed(publish(b"", b"x", mid=1, flags=2, properties=b"\x23\x00\x01"))
    assert rc == MQTTErrorCode.MQTT_ERR_PROTOCOL
    assert bench.client.socket() is None
    assert bench.messages == []
    assert "topic alias" in caplog.text


def test_a_malformed_packet_ends_the_connection_and_the_next_one_starts_clean(bench: Bench) -> None:
    good = publish(b"t", b"1", mid=1, flags=2, properties=b"")
    assert bench.feed(good + packet(0x30, b"\x00\x09t") + good) == MQTTErrorCode.MQTT_ERR_PROTOCOL
    assert len(bench.messages) == 1
    with socket.create_server(("127.0.0.1", 0)) as server:
        bench.client.connect("127.0.0.1", server.getsockname()[1])
    assert (bench.client._received, bench.client._at) == (b"", 0)  # type: ignore[attr-defined]


def test_the_end_of_the_stream_is_a_lost_connection(bench: Bench) -> None:
    bench._ours.close()
    assert bench.client.loop_read() == MQTTErrorCode.MQTT_ERR_CONN_LOST
    assert bench.client.loop_read() == MQTTErrorCode.MQTT_ERR_NO_CONN


def test_nothing_to_read_is_no_error(bench: Bench) -> None:
    assert bench.client.loop_read() == MQTTErrorCode.MQTT_ERR_SUCCESS


def test_reading_counts_for_the_keepalive(bench: Bench) -> None:
    before = time.monotonic()
    client = bench.client
    client._last_bytes_received = 0.0
    bench.feed(publish(b"t", b"1", mid=1, flags=2, properties=b""))
    assert client._last_bytes_received >= before


def test_l1_acknowledgements_are_one_write_in_order_behind_what_is_queued_already(bench: Bench) -> None:
    client = bench.client
    client.acknowledge([])  # type: ignore[attr-defined]
    assert not client.want_write()
    client.publish("canary", b"", qos=0)
    client.acknowledge([1, 0x1234, 65535])  # type: ignore[attr-defined]
    assert len(client._out_packet) == 2
    client.loop_write()
    assert bench.read().endswith(bytes.fromhex("40020001 40021234 4002ffff"))
    assert not client.want_write()


def test_l1_a_partial_send_goes_on_where_it_stopped() -> None:
    bench = bulk_bench(V3)
    client = bench.client
    sock = client.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # type: ignore[union-attr]
    mids = list(range(1, 60_001))
    client.acknowledge(mids)  # type: ignore[attr-defined]
    client.publish("canary", b"!", qos=0)
    written = b""
    client.loop_write()
    assert client.want_write()
    while client.want_write():
        written += bench.read()
        client.loop_write()
    while more := bench.read():
        written += more
    assert written[: 4 * len(mids)] == b"".join(b"\x40\x02" + mid.to_bytes(2, "big") for mid in mids)
    assert written[4 * len(mids) :] == publish(b"canary", b"!")
    bench.close()


def test_a_packet_that_has_not_wholly_arrived_is_waited_for() -> None:
    whole = publish(b"a/b", b"x" * 300, mid=1, flags=2, properties=EXPIRY)
    for arrived in range(len(whole)):
        assert parse(whole[:arrived], 0, version5=True, largest=1000) == ([], 0, False)


def test_a_reset_is_a_lost_connection(bench: Bench) -> None:
    bench.client.acknowledge([1])  # type: ignore[attr-defined]
    bench.client.loop_write()
    bench._ours.close()  # with what was sent unread
    assert bench.client.loop_read() == MQTTErrorCode.MQTT_ERR_CONN_LOST
    assert bench.client.socket() is None


def test_a_topic_that_is_not_utf_8_is_handed_on_as_such(bench: Bench) -> None:
    assert bench.feed(publish(b"\xff", b"x", mid=5, flags=2, properties=b"")) == 0
    assert bench.messages == [(5, 1, "(topic is not UTF-8)", b"x", False)]


def test_an_error_of_ours_is_no_malformed_packet(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where paho's parser took the message: it must end the thread with its reason, not the connection."""

    def fail(_publishes: object) -> None:
        raise ValueError("as if the inbox had a bug")

    monkeypatch.setattr(bench.client, "_on_publishes", fail)
    with pytest.raises(ValueError, match="as if the inbox had a bug"):
        bench.feed(publish(b"\xff", b"x", mid=5, flags=2, properties=b""))


def test_l1_leaving_waits_until_the_other_side_has_read_everything(bench: Bench) -> None:
    client = bench.client
    bench._ours.sendall(PINGRESP)  # unread by us: closing at once would be a reset
    client.acknowledge([1])  # type: ignore[attr-defined]
    leaving = threading.Thread(target=client.leave, args=(5.0,))  # type: ignore[attr-defined]
    leaving.start()
    eventually(lambda: client._state.name == "MQTT_CS_DISCONNECTING")
    bench._ours.setblocking(True)
    assert bench._ours.recv(100, socket.MSG_WAITALL).startswith(b"\x40\x02\x00\x01\xe0")
    assert leaving.is_alive()
    bench._ours.shutdown(socket.SHUT_WR)
    leaving.join(5)
    assert not leaving.is_alive()
    assert client.socket() is None


def test_l8_leaving_waits_no_longer_than_it_may(bench: Bench) -> None:
    began = time.monotonic()
    bench.client.leave(0.05)  # type: ignore[attr-defined]
    assert 0.05 <= time.monotonic() - began < 5
    assert bench.client.socket() is None


def test_leaving_a_connection_that_has_no_time_left_only_closes_it(bench: Bench) -> None:
    bench.client.leave(0.0)  # type: ignore[attr-defined]
    assert bench.client.socket() is None


def test_after_the_brokers_goodbye_nothing_is_read_any_more(bench: Bench) -> None:
    goodbye = packet(0xE0, b"\x8b")
    bench.feed(goodbye + publish(b"t", b"1", mid=1, flags=2, properties=b""))
    assert bench.client.socket() is None
    assert bench.messages == []
