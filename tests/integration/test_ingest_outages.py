"""Nothing is lost or stored twice: ingest killed, database away, broker away (L1, L2)."""

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from baycast.embedded.postgres import EmbeddedPostgres
from ingest import metrics
from ingest.failures import BrokerError, IngestError
from ingest.run import run
from tests.support.brokers import Broker
from tests.support.databases import own_server
from tests.support.ingesting import (
    config_for,
    expected,
    forbid_everything,
    ingest_process,
    ingesting,
    publishing,
    quarantined,
    register,
    rows,
    send_states,
    stored,
)
from tests.support.ports import free_port
from tests.support.waiting import eventually


@pytest.mark.parametrize("point", ["received", "before_commit", "committed"])
def test_l1_killed_before_or_after_the_commit_nothing_is_lost_or_doubled(
    database_url: str, broker: Broker, point: str
) -> None:
    register(database_url, sensor=["s1"])
    config = config_for(database_url, broker.url)
    with ingesting(config), publishing(broker.port) as publisher:
        send_states(publisher, range(10))
    # The broker keeps the session: what comes now waits there.
    with publishing(broker.port) as publisher:
        send_states(publisher, range(10, 20))
    duplicates = metrics.DUPLICATES._value.get()
    with ingest_process(config_for(database_url, broker.url, crash_point=point)) as process:
        status, _ = process.wait()
        assert status == -signal.SIGKILL
    committed = 20 if point == "committed" else 10
    assert len(stored(database_url)) <= committed
    with ingesting(config):
        eventually(lambda: stored(database_url) == expected(20))
    if point == "committed":
        assert metrics.DUPLICATES._value.get() > duplicates  # it had not been acknowledged


def test_l1_what_is_acknowledged_is_not_delivered_again(database_url: str, broker: Broker) -> None:
    register(database_url, sensor=["s1"])
    config = config_for(database_url, broker.url)
    with ingesting(config), publishing(broker.port) as publisher:
        send_states(publisher, range(50))
        eventually(lambda: stored(database_url) == expected(50))
    duplicates = metrics.DUPLICATES._value.get()
    with ingesting(config), publishing(broker.port) as publisher:
        send_states(publisher, range(50, 60))
        eventually(lambda: stored(database_url) == expected(60))
    assert metrics.DUPLICATES._value.get() == duplicates


def test_sigterm_finishes_what_is_in_hand_within_four_seconds(database_url: str, broker: Broker) -> None:
    register(database_url, sensor=["s1"])
    with (
        publishing(broker.port) as publisher,
        ingest_process(config_for(database_url, broker.url)) as process,
    ):
        process.ready()
        send_states(publisher, range(200))
        process.signal(signal.SIGTERM)
        assert process.wait(timeout=4)[0] == 0
    assert rows(database_url, "SELECT stopped_at IS NOT NULL FROM ingest_worker") == [(True,)]
    with ingesting(config_for(database_url, broker.url)):
        eventually(lambda: stored(database_url) == expected(200))


def test_a_second_process_with_the_same_worker_id_gives_up_in_one_line(
    database_url: str, broker: Broker
) -> None:
    config = config_for(database_url, broker.url)
    connects = metrics.CONNECTS._value.get()
    with ingesting(config):
        with ingest_process(config) as second:
            status, errors = second.wait()
        assert status == 1
        assert "another ingest process runs as 'ingest-1'" in errors
        assert "Traceback" not in errors
        assert metrics.CONNECTS._value.get() == connects + 1


@pytest.fixture
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with own_server(tmp_path_factory.mktemp("pg")) as server:
        yield server


def test_l1_a_database_restart_in_the_middle_loses_nothing(
    own_postgres: EmbeddedPostgres, broker: Broker
) -> None:
    url = own_postgres.url()
    register(url, sensor=["s1"])
    with ingesting(config_for(url, broker.url)), publishing(broker.port) as publisher:
        send_states(publisher, range(300))
        own_postgres.stop()
        send_states(publisher, range(300, 600))
        own_postgres.start()
        send_states(publisher, range(600, 700))
        eventually(lambda: stored(url) == expected(700), within_s=30)
    assert quarantined(url) == {}


def test_l1_a_session_cut_by_the_server_heals_alone(database_url: str, broker: Broker) -> None:
    register(database_url, sensor=["s1"])
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'baycast ingest%' AND datname = current_database()"
    )
    with ingesting(config_for(database_url, broker.url)), publishing(broker.port) as publisher:
        for part in range(5):
            send_states(publisher, range(part * 100, part * 100 + 100))
            eventually(lambda: rows(database_url, cut))
        eventually(lambda: stored(database_url) == expected(500), within_s=30)


def test_l1_a_clean_broker_restart_loses_nothing(database_url: str, broker: Broker) -> None:
    register(database_url, sensor=["s1"])
    with ingesting(config_for(database_url, broker.url)):
        with publishing(broker.port) as publisher:
            send_states(publisher, range(100))
        broker.stop()
        broker.start()
        with publishing(broker.port) as publisher:
            send_states(publisher, range(100, 200))
        eventually(lambda: stored(database_url) == expected(200))


def test_a_session_lost_by_the_broker_is_counted_and_subscribed_anew(
    database_url: str, broker: Broker
) -> None:
    register(database_url, sensor=["s1"])
    lost = metrics.SESSION_LOST._value.get()
    with ingesting(config_for(database_url, broker.url)):
        broker.kill()
        for file in Path(broker.folder).rglob("mosquitto.db"):
            file.unlink()
        broker.start()
        eventually(lambda: metrics.SESSION_LOST._value.get() == lost + 1)
        eventually(lambda: metrics.CONNECTED._value.get() == 1)
        with publishing(broker.port) as publisher:
            send_states(publisher, range(10))
        eventually(lambda: stored(database_url) == expected(10))


def test_a_broker_that_is_not_there_ends_the_start_in_one_line(database_url: str) -> None:
    config = config_for(database_url, f"mqtt://127.0.0.1:{free_port()}", start_within_s=0.3)
    with pytest.raises(BrokerError, match="cannot use the broker"):
        run(config, threading.Event())


def test_a_database_without_our_tables_ends_the_start_in_one_line(
    empty_database_url: str, broker: Broker
) -> None:
    with pytest.raises(IngestError, match="baycast migrate"):
        run(config_for(empty_database_url, broker.url), threading.Event())


def test_a_database_url_that_cannot_be_read_ends_the_start_without_showing_it(broker: Broker) -> None:
    with pytest.raises(IngestError, match="database URL") as caught:
        run(config_for("postgresql//u:secret@h", broker.url), threading.Event())
    assert "secret" not in str(caught.value)


def test_a_database_of_before_or_one_that_refuses_us_ends_the_start_in_one_line(
    database_url: str, broker: Broker
) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute("ALTER TABLE ingest_worker RENAME COLUMN filters TO of_before")
    with pytest.raises(IngestError, match="run `baycast migrate`"):
        run(config_for(database_url, broker.url), threading.Event())
    with psycopg.connect(database_url) as conn:
        conn.execute("ALTER TABLE ingest_worker RENAME COLUMN of_before TO filters")
    forbid_everything(database_url)
    with pytest.raises(IngestError, match="permission denied for table"):
        run(config_for(database_url, broker.url), threading.Event())


def test_a_database_that_is_not_there_ends_the_start_in_one_line(broker: Broker) -> None:
    url = f"postgresql://u:secret@127.0.0.1:{free_port()}/x"
    with pytest.raises(IngestError, match="cannot use the database") as caught:
        run(config_for(url, broker.url, start_within_s=0.3), threading.Event())
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
