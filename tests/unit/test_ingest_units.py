"""The parts of ingest that need no broker and no database."""

import json
import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from firmware_contract.topics import canary_topic, clock_topic, device_topic, gateway_topic
from ingest import metrics
from ingest.batch import Batcher
from ingest.broker_url import parse_broker_url
from ingest.client import ConnectionConfig
from ingest.config import IngestConfig
from ingest.connection import Connection
from ingest.failures import IngestError
from ingest.flood import FloodGate, source_of
from ingest.inbox import Inbox, Received
from ingest.translate import CanaryMark, ClockMark, Item, Translator, Why, refuse_item
from ingest.watchdog import Watchdog
from store.devices import Device, Directory, LinkState
from store.faults import Fault, classify
from store.log import ReadingRow
from store.quarantine import Overflowed, Refused, storable

NOW = datetime(2026, 3, 2, 9, 0, 1, tzinfo=UTC)
DIRECTORY = Directory(
    (1, 1),
    {"s1": Device("cardiff", 3, "sensor"), "g1": Device("cardiff", 0, "gate")},
    {"cardiff": "live", "replayed": "event"},
)
COMMON = {"boot": 1, "seq": 2, "at": "2026-03-02T09:00:00Z"}
STATE = COMMON | {"occupied": True, "cause": "change"}
PASSAGE = COMMON | {"direction": "in"}


def translate(topic: str, body: object) -> object:
    translator = Translator("ingest-1", DIRECTORY)
    (item,) = translator.items(topic, json.dumps(body).encode(), NOW)
    return item


def row(topic: str, body: object) -> ReadingRow:
    item = translate(topic, body)
    assert isinstance(item, ReadingRow)
    return item


def refused(topic: str, body: object) -> Refused:
    item = translate(topic, body)
    assert isinstance(item, Refused)
    return item


def test_a_reading_gets_area_and_incarnation_from_the_directory() -> None:
    reading = row(device_topic("s1", "state"), STATE | {"rssi_dbm": -90.5})
    assert (reading.area, reading.incarnation, reading.boot, reading.seq) == ("cardiff", 3, 1, 2)
    assert (reading.received_at, reading.rssi_dbm, reading.occupied) == (NOW, -90.5, True)


@pytest.mark.parametrize(
    ("kind", "device", "body"),
    [
        ("passage", "s1", PASSAGE),
        ("count", "s1", COMMON | {"occupied": 1}),
        ("state", "g1", STATE),
    ],
)
def test_a_device_sends_what_its_role_allows(kind: str, device: str, body: object) -> None:
    assert refused(device_topic(device, kind), body).reason == Why.WRONG_KIND


@pytest.mark.parametrize("kind", ["health", "boot"])
@pytest.mark.parametrize("device", ["s1", "g1"])
def test_every_device_may_say_how_it_is(kind: str, device: str) -> None:
    assert row(device_topic(device, kind), COMMON).kind == kind


def test_l2_the_meaning_is_not_in_what_differs_between_honest_copies() -> None:
    topic = device_topic("s1", "state")
    first = row(topic, STATE)
    assert first.meaning == row(topic, STATE | {"rssi_dbm": -120, "battery_mv": 3500}).meaning
    assert first.meaning != row(topic, STATE | {"occupied": False}).meaning
    assert first.meaning != row(topic, STATE | {"at": "2026-03-02T09:00:01Z"}).meaning


def test_l10_nothing_of_a_passage_is_kept_beyond_its_fields() -> None:
    token = "Zk3_vQ9xTb7LrW2nYc8-HdE5mJs4GfPa"
    passage = row(device_topic("g1", "passage"), PASSAGE | {"vehicle_token": token, "lane": 4})
    assert passage.raw is None
    assert passage.meaning == row(device_topic("g1", "passage"), PASSAGE).meaning
    assert refuse_item(passage, Why.CONFLICTING, "", NOW).payload is None
    stranger = refused(device_topic("g9", "passage"), PASSAGE | {"vehicle_token": token})
    assert (stranger.reason, stranger.payload) == (Why.UNKNOWN_DEVICE, None)


def test_l10_a_rejected_passage_leaves_topic_reason_and_length() -> None:
    plated = PASSAGE | {"CA12ABC": "x"}
    one = refused(device_topic("g1", "passage"), plated)
    assert (one.topic, one.reason, one.detail, one.payload) == (
        device_topic("g1", "passage"),
        "plate",
        "",
        None,
    )
    assert one.size == len(json.dumps(plated))
    # Not even a digest depends on what it said.
    assert one.digest == refused(device_topic("g1", "passage"), PASSAGE | {"CA12ABD": "x"}).digest


def test_a_refused_item_of_a_batch_is_filed_where_it_can_be_decoded_again() -> None:
    item = {"device_id": "s9", "kind": "state", "body": STATE}
    one = refused(gateway_topic("gw"), [item])
    assert (one.topic, one.reason, one.device_id) == (device_topic("s9", "state"), Why.UNKNOWN_DEVICE, "s9")
    assert json.loads(one.payload or b"") == STATE


def test_a_count_keeps_its_capacity_and_its_bytes() -> None:
    body = COMMON | {"occupied": 41, "capacity": 40}
    reading = row(device_topic("g1", "count"), body)
    assert (reading.count, reading.capacity, reading.occupied) == (41, 40, None)
    assert reading.raw == json.dumps(body).encode()


def test_a_link_is_no_reading() -> None:
    assert translate(device_topic("s1", "link"), {"online": False}) == LinkState("s1", False, None, NOW)


def test_clock_messages_are_for_event_areas() -> None:
    at = {"at": "2025-01-01T00:00:00Z"}
    assert translate(clock_topic("replayed"), at) == ClockMark("replayed", datetime(2025, 1, 1, tzinfo=UTC))
    assert refused(clock_topic("cardiff"), at).reason == Why.WRONG_CLOCK
    assert refused(clock_topic("nowhere"), at).reason == Why.WRONG_CLOCK


def test_l11_an_event_clock_of_the_far_future_is_refused() -> None:
    """It would never be taken back, and every zone would have cells until then."""
    ahead = {"at": f"{NOW.year + 2}-01-01T00:00:00Z"}
    assert refused(clock_topic("replayed"), ahead).reason == Why.WRONG_CLOCK


def test_only_our_own_canary_from_the_past_counts() -> None:
    def canary(at: datetime, worker: str = "ingest-1", topic: str = "ingest-1") -> object:
        return translate(canary_topic(topic), {"worker": worker, "at": at.isoformat()})

    assert canary(NOW) == CanaryMark(NOW)
    assert isinstance(canary(NOW + timedelta(seconds=3)), Refused)
    assert isinstance(canary(NOW, worker="ingest-2"), Refused)
    assert isinstance(canary(NOW, worker="ingest-2", topic="ingest-2"), Refused)


@pytest.mark.parametrize(
    ("item", "topic", "device_id", "payload"),
    [
        (
            row(device_topic("s1", "state"), STATE),
            device_topic("s1", "state"),
            "s1",
            json.dumps(STATE).encode(),
        ),
        (row(device_topic("g1", "passage"), PASSAGE), device_topic("g1", "passage"), "g1", None),
        (LinkState("s1", True, None, NOW), device_topic("s1", "link"), "s1", None),
        (ClockMark("replayed", NOW), clock_topic("replayed"), None, None),
        (CanaryMark(NOW), "canary", None, None),
        (
            Refused(
                topic="w\u0175",
                reason="bad_topic",
                detail="not ours",
                device_id="s1",
                payload=b"{}",
                size=2,
                received_at=NOW,
            ),
            "'w\\u0175'",
            None,
            b"{}",
        ),
    ],
)
def test_l11_any_item_the_database_would_not_take_can_be_refused_alone(
    item: Item, topic: str, device_id: str | None, payload: bytes | None
) -> None:
    one = refuse_item(item, Why.STORE_REJECTED, "22P05", NOW)
    assert (one.topic, one.device_id, one.payload) == (topic, device_id, payload)
    assert (one.reason, one.detail, one.received_at) == (Why.STORE_REJECTED, "22P05", NOW)
    assert one.size == len(payload or b"")


def test_batch_by_size_by_age_and_by_quiet() -> None:
    batcher: Batcher[int] = Batcher(max_items=3, max_age_s=1.0, quiet_s=0.25)
    assert batcher.wait(0.0) is None
    batcher.add([1], 10.0)
    assert batcher.wait(10.0) == 0.25
    batcher.add([2], 10.2)
    batcher.add([], 10.3)
    assert not batcher.due(10.4)
    assert batcher.due(10.45)
    batcher.add([3], 10.4)
    assert batcher.due(10.4)
    with pytest.raises(ValueError, match="more than 3"):
        batcher.add([4], 10.4)
    assert batcher.take() == [1, 2, 3]
    batcher.add([5], 20.0)
    for step in range(4):
        batcher.add([], 20.0 + step * 0.2)
    assert batcher.take() == [5]
    assert batcher.wait(30.0) is None


def received(n: int, qos: int = 1) -> Received:
    return Received(1, n, qos, "t", b"", False, NOW)


def test_l8_the_inbox_has_a_bound_and_keeps_order() -> None:
    inbox = Inbox(2)
    assert inbox.put([received(1), received(2, qos=0), received(3)], 0) == 2
    assert inbox.put([received(3)], 0) == 0
    assert [item.mid for item in inbox.take(1, 0)] == [1]
    assert inbox.put([received(3)], 0) == 1
    assert inbox.forget_acknowledgeable(0) == 1
    assert [item.mid for item in inbox.take(9, 0)] == [2]
    assert inbox.take(9, 0) == []


def test_l1_what_an_earlier_session_left_is_not_forgotten_with_what_comes_again() -> None:
    inbox = Inbox(9)
    lost_session = Received(1, 1, 1, "t", b"", False, NOW)
    inbox.put([lost_session, Received(3, 1, 1, "t", b"", False, NOW)], 0)
    assert inbox.forget_acknowledgeable(2) == 1
    assert inbox.take(9, 0) == [lost_session]


def test_l8_what_finds_no_room_is_dropped_only_without_a_promise() -> None:
    inbox = Inbox(2)
    config = ConnectionConfig(
        broker=parse_broker_url("mqtt://nowhere"), client_id="c", subscriptions=[], canary_topic="canary"
    )
    connection = Connection(config, inbox, lambda _at: b"", Watchdog())
    before = metrics.UNACKNOWLEDGED._value.get()
    freed = threading.Timer(0.3, lambda: inbox.take(1, 0))
    freed.start()
    connection._take_in([(0, 0, "t", b"%d" % n, False) for n in range(4)] + [(7, 1, "t", b"kept", False)])
    freed.join()
    connection.stop(0)
    assert metrics.UNACKNOWLEDGED._value.get() == before + 2
    assert [item.payload for item in inbox.take(9, 0)] == [b"1", b"kept"]


def bad(n: int, hour: int = 9) -> Refused:
    return Refused(
        topic="t", reason="not_json", detail="", device_id=None, payload=b"%d" % n, size=1,
        received_at=NOW.replace(hour=hour),
    )  # fmt: skip


def test_l1_a_flood_is_capped_per_source_and_hour() -> None:
    gate = FloodGate(per_source=2)
    assert [isinstance(gate.admit(bad(n), "dev/a"), Refused) for n in range(4)] == [True, True, False, False]
    assert isinstance(gate.admit(bad(1), "dev/b"), Refused)
    over = gate.admit(bad(5), "dev/a")
    assert isinstance(over, Overflowed)
    assert (over.source, over.hour, over.sample) == ("dev/a", NOW.replace(minute=0, second=0), b"5")
    assert isinstance(gate.admit(bad(6, hour=10), "dev/a"), Refused)


def test_l8_many_sources_together_are_capped_too_and_counted_as_one() -> None:
    gate = FloodGate(per_source=1)
    admitted = [gate.admit(bad(n), f"dev/{n}") for n in range(50)]
    assert sum(isinstance(one, Refused) for one in admitted) == 20
    assert {one.source for one in admitted if isinstance(one, Overflowed)} == {"all"}


@pytest.mark.parametrize(
    ("topic", "source"),
    [
        ("baycast/v1/dev/s1/state", "dev/s1"),
        ("baycast/v1/gw/gw-a/batch", "gw/gw-a"),
        ("baycast/v1/area/cardiff/clock", "area/cardiff"),
        ("baycast/v1/canary/x", "other"),
        ("", "other"),
    ],
)
def test_who_answers_for_a_topic(topic: str, source: str) -> None:
    assert source_of(topic) == source


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (psycopg.errors.NumericValueOutOfRange(), Fault.DATA),
        (psycopg.errors.CheckViolation(), Fault.DATA),
        (psycopg.DataError("text fields cannot contain NUL"), Fault.DATA),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogate"), Fault.DATA),
        (psycopg.OperationalError("connection refused"), Fault.OUTAGE),
        (psycopg.InterfaceError("the connection is closed"), Fault.OUTAGE),
        (psycopg.errors.AdminShutdown(), Fault.OUTAGE),
        (psycopg.errors.DiskFull(), Fault.OUTAGE),
        (psycopg.errors.TooManyConnections(), Fault.OUTAGE),
        (psycopg.errors.ReadOnlySqlTransaction(), Fault.OUTAGE),
        (psycopg.errors.DeadlockDetected(), Fault.BUSY),
        (psycopg.errors.SerializationFailure(), Fault.BUSY),
        (psycopg.errors.LockNotAvailable(), Fault.BUSY),
        (psycopg.errors.QueryCanceled(), Fault.BUSY),
        (psycopg.errors.UndefinedTable(), Fault.BUG),
        (TypeError("a bug"), Fault.BUG),
    ],
)
def test_what_a_failure_means(error: Exception, fault: Fault) -> None:
    assert classify(error) is fault


def test_broker_urls() -> None:
    broker = parse_broker_url("mqtts://us%40er:pa%2Fss@broker.example?protocol=3.1.1&ca=/etc/ca.pem")
    assert (broker.host, broker.port, broker.tls, broker.protocol) == ("broker.example", 8883, True, "3.1.1")
    assert (broker.username, broker.password, broker.ca_file) == ("us@er", "pa/ss", "/etc/ca.pem")
    assert "pa/ss" not in f"{broker} {broker!r}"
    assert parse_broker_url("mqtt://localhost").port == 1883


@pytest.mark.parametrize(
    "url",
    [
        "http://u:hush@localhost",
        "mqtt://u:hush@",
        "mqtt://u:hush@host:99999",
        "mqtt://u:hush@host:x",
        "mqtt://u:hush@host?protocol=4",
        "mqtt://u:hush@host?tls=1",
    ],
)
def test_a_wrong_broker_url_gives_one_line_without_the_password(url: str) -> None:
    with pytest.raises(IngestError, match=r"^MQTT URL: [^\n]+$") as caught:
        parse_broker_url(url)
    assert "hush" not in str(caught.value)


def test_the_config_does_not_show_passwords() -> None:
    config = IngestConfig(database_url="postgresql://u:hush@h/d", mqtt_url="mqtt://u:hush@h")
    assert "hush" not in repr(config)


def test_text_is_made_storable_visibly() -> None:
    assert storable("a\x00b\ud800c\N{BULLET}") == "a\\x00b\\ud800c\N{BULLET}"
