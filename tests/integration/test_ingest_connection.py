"""The MQTT shell alone, against a real broker: who acknowledges what, and when."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from paho.mqtt.client import DisconnectFlags
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from ingest import metrics
from ingest.broker_url import parse_broker_url
from ingest.client import ConnectionConfig, Subscription
from ingest.connection import Connection
from ingest.failures import BrokerError
from ingest.inbox import Inbox, Received
from ingest.watchdog import Watchdog
from tests.support.brokers import Broker, running_broker
from tests.support.ingesting import publishing
from tests.support.ports import free_port
from tests.support.waiting import eventually

TOPIC = "baycast/v1/dev/s1/state"


@contextmanager
def connected(broker: Broker, inbox: Inbox, url: str | None = None, **more: object) -> Iterator[Connection]:
    config = ConnectionConfig(
        broker=parse_broker_url(url or broker.url),
        client_id="under-test",
        subscriptions=[Subscription(topic=TOPIC)],
        canary_topic="canary",
        **more,  # type: ignore[arg-type]
    )
    connection = Connection(config, inbox, lambda _at: b"", Watchdog())
    connection.start()
    try:
        eventually(lambda: metrics.CONNECTED._value.get() == 1)
        yield connection
    finally:
        connection.stop(5)


def receive(inbox: Inbox, count: int) -> list[Received]:
    got: list[Received] = []

    def enough() -> bool:
        got.extend(inbox.take(count - len(got), 0.1))
        return len(got) == count

    eventually(enough)
    return got


def test_l1_a_late_ack_of_an_old_connection_acknowledges_nobody_elses_message(broker: Broker) -> None:
    inbox = Inbox(100)
    with connected(broker, inbox) as connection:
        with publishing(broker.port) as publisher:
            publisher.send(TOPIC, b"A")
        (first,) = receive(inbox, 1)
        broker.kill()
        for file in Path(broker.folder).rglob("mosquitto.db"):
            file.unlink()  # the session is lost, so packet ids start anew
        eventually(lambda: metrics.CONNECTED._value.get() == 0)
        broker.start()
        eventually(lambda: metrics.CONNECTED._value.get() == 1)
        with publishing(broker.port) as publisher:
            publisher.send(TOPIC, b"B")
        (second,) = receive(inbox, 1)
        assert second.mid == first.mid
        assert second.generation > first.generation
        stale = metrics.STALE_ACKS._value.get()
        connection.acknowledge([(first.generation, first.mid)])
        eventually(lambda: metrics.STALE_ACKS._value.get() == stale + 1)
    with connected(broker, inbox):
        (again,) = receive(inbox, 1)
        assert again.payload == b"B"


def test_l1_not_acknowledged_is_delivered_again_and_acknowledged_is_not(broker: Broker) -> None:
    inbox = Inbox(100)
    with connected(broker, inbox) as connection, publishing(broker.port) as publisher:
        for payload in (b"A", b"B", b"C"):
            publisher.send(TOPIC, payload)
        got = receive(inbox, 3)
        connection.acknowledge([(got[0].generation, got[0].mid)])
    with connected(broker, inbox):
        assert [message.payload for message in receive(inbox, 2)] == [b"B", b"C"]


def test_l1_what_a_lost_session_left_is_kept_when_its_successor_is_resumed(broker: Broker) -> None:
    inbox = Inbox(100)
    with connected(broker, inbox):
        with publishing(broker.port) as publisher:
            publisher.send(TOPIC, b"A")
        eventually(lambda: len(inbox) == 1)
        broker.kill()
        for file in Path(broker.folder).rglob("mosquitto.db"):
            file.unlink()  # the session is lost, and with it what we have not acknowledged
        for _ in "new", "resumed":
            eventually(lambda: metrics.CONNECTED._value.get() == 0)
            broker.start()
            eventually(lambda: metrics.CONNECTED._value.get() == 1)
            broker.stop()
        assert [message.payload for message in receive(inbox, 1)] == [b"A"]


def test_whom_the_broker_throws_out_for_another_with_its_id_ends_and_says_so(broker: Broker) -> None:
    with connected(broker, Inbox(10)) as connection:
        taken_over = ReasonCode(PacketTypes.DISCONNECT, identifier=0x8E)
        with pytest.raises(BrokerError, match="another client took our place as under-test"):
            connection._on_disconnect(
                connection._client,
                None,
                DisconnectFlags(is_disconnect_packet_from_server=True),
                taken_over,
                None,
            )


def test_two_clients_with_one_id_suspect_each_other_where_the_broker_says_nothing(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    with connected(broker, Inbox(10)), connected(broker, Inbox(10)):
        eventually(lambda: "does another client call itself under-test?" in caplog.text)


@pytest.fixture(scope="module")
def certificate() -> Iterator[Path]:
    """A folder with `cert.pem` for 127.0.0.1 and `key.pem`, open to the account that the broker runs as."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = Path(tempfile.mkdtemp(prefix="baycast-test-tls-"))
    folder.chmod(0o755)
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=broker"
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(["openssl", *request.split(), *files], cwd=folder, check=True, capture_output=True)
    (folder / "key.pem").chmod(0o644)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_certificate_of_our_own_is_shown_where_the_broker_wants_one(
    certificate: Path, protocol: str
) -> None:
    port = free_port()
    wants = (f"cafile {certificate}/cert.pem", "require_certificate true")
    files = (f"certfile {certificate}/cert.pem", f"keyfile {certificate}/key.pem")
    with running_broker(f"listener {port} 127.0.0.1", *files, *wants) as broker:
        url = f"mqtts://127.0.0.1:{port}?protocol={protocol}&ca={certificate}/cert.pem"
        ours = f"&cert={certificate}/cert.pem&key={certificate}/key.pem"
        inbox = Inbox(10)
        with connected(broker, inbox, url + ours), publishing(broker.port) as publisher:
            publisher.send(TOPIC, b"over TLS")
            assert [message.payload for message in receive(inbox, 1)] == [b"over TLS"]
        without = ConnectionConfig(
            broker=parse_broker_url(url),
            client_id="without",
            subscriptions=[Subscription(topic=TOPIC)],
            canary_topic="canary",
            first_connect_within_s=0.5,
        )
        connection = Connection(without, inbox, lambda _at: b"", Watchdog())
        connection.start()
        try:
            with pytest.raises(BrokerError, match="cannot use the broker"):
                eventually(connection.check)
        finally:
            connection.stop(5)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("ca=/nowhere/ca.pem", "ca=/nowhere/ca.pem: No such file"),
        ("cert={folder}/cert.pem&key=/nowhere/key.pem", "key=/nowhere/key.pem: No such file"),
        ("cert={folder}/key.pem", "certificate files cannot be used"),
    ],
)
def test_certificate_files_that_cannot_be_used_are_one_line(
    certificate: Path, options: str, problem: str
) -> None:
    url = f"mqtts://127.0.0.1:1?{options.format(folder=certificate)}"
    config = ConnectionConfig(
        broker=parse_broker_url(url), client_id="x", subscriptions=[], canary_topic="canary"
    )
    with pytest.raises(BrokerError, match=problem):
        Connection(config, Inbox(1), lambda _at: b"", Watchdog())


@pytest.mark.parametrize("scheme", ["mqtt", "mqtts"])
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_l1_messages_of_all_sizes_come_in_order_and_are_acknowledged_together(
    certificate: Path, scheme: str, protocol: str
) -> None:
    tls_port = free_port()
    files = f"certfile {certificate}/cert.pem", f"keyfile {certificate}/key.pem"
    sizes = [n * 97 % 3000 for n in range(300)] + [60_000, 1, 20_000, 2]
    payloads = [b"%d " % number + b"x" * size for number, size in enumerate(sizes)]
    with running_broker(f"listener {tls_port} 127.0.0.1", *files) as broker:
        port = tls_port if scheme == "mqtts" else broker.port
        url = f"{scheme}://127.0.0.1:{port}?protocol={protocol}"
        url += f"&ca={certificate}/cert.pem" if scheme == "mqtts" else ""
        inbox = Inbox(1000)
        with connected(broker, inbox, url) as connection, publishing(broker.port) as publisher:
            publisher.send_all([(TOPIC, payload) for payload in payloads])
            got = receive(inbox, len(payloads))
            assert [message.payload for message in got] == payloads
            connection.acknowledge([(message.generation, message.mid) for message in got])
        with connected(broker, inbox, url), publishing(broker.port) as publisher:
            publisher.send(TOPIC, b"next")
            assert [message.payload for message in receive(inbox, 1)] == [b"next"]


def test_l8_the_broker_keeps_back_what_exceeds_the_window(broker: Broker) -> None:
    inbox = Inbox(20)
    with connected(broker, inbox, in_flight_max=5) as connection, publishing(broker.port) as publisher:
        publisher.send_all([(TOPIC, b"%d" % n) for n in range(12)])
        first = receive(inbox, 5)
        assert inbox.take(1, 0.3) == []
        connection.acknowledge([(message.generation, message.mid) for message in first])
        assert [message.payload for message in receive(inbox, 5)] == [b"%d" % n for n in range(5, 10)]


def test_l11_a_failing_callback_ends_with_a_reason_and_not_with_a_dead_thread(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = Inbox(10)

    def fail(*_: object, **__: object) -> None:
        raise ArithmeticError("as if the callback had a bug")

    with connected(broker, inbox) as connection, publishing(broker.port) as publisher:
        monkeypatch.setattr(inbox, "put", fail)
        publisher.send(TOPIC, b"A")
        with pytest.raises(BrokerError, match="as if the callback had a bug"):
            eventually(connection.check)
