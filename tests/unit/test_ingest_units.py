"""The parts of ingest that need no broker and no database."""

import threading
from datetime import UTC, datetime

import psycopg
import pytest

from ingest import metrics
from ingest.batch import Batcher
from ingest.broker_url import parse_broker_url
from ingest.client import ConnectionConfig
from ingest.config import IngestConfig
from ingest.connection import Connection
from ingest.failures import IngestError
from ingest.flood import FloodGate, source_of
from ingest.inbox import Inbox, Received
from ingest.watchdog import Watchdog
from store.faults import Fault, classify
from store.quarantine import Overflowed, Refused, storable

NOW = datetime(2026, 3, 2, 9, 0, 1, tzinfo=UTC)


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
