"""A server that takes connections and does not answer, locks held for long, threads that hang."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from baycast.chaos.proxy import FaultProxy, Toxics
from baycast.chaos.stack import socket_of
from baycast.embedded.postgres import EmbeddedPostgres
from ingest import canary, connection, health, metrics, watchdog
from ingest.failures import BrokerError
from ingest.health import Health
from ingest.watchdog import Guard
from store import postgres
from tests.support.brokers import Broker, running_broker
from tests.support.databases import own_server
from tests.support.ingesting import (
    config_for,
    expected,
    ingest_process,
    ingesting,
    publishing,
    register,
    rows,
    send_states,
    stored,
)
from tests.support.waiting import eventually


@pytest.fixture
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with own_server(tmp_path_factory.mktemp("pg")) as server:
        yield server


@pytest.fixture
def proxied(own_postgres: EmbeddedPostgres) -> Iterator[tuple[FaultProxy, str]]:
    """A proxy before the server, and the database's URL there."""
    proxy = FaultProxy("database", socket_of(own_postgres.url()))
    proxy.start()
    try:
        yield proxy, f"postgresql://postgres@127.0.0.1:{proxy.port}/baycast"
    finally:
        proxy.stop()


def test_l1_a_database_that_swallows_everything_is_cut_off_and_heals_alone(
    own_postgres: EmbeddedPostgres, proxied: tuple[FaultProxy, str], broker: Broker
) -> None:
    proxy, url = proxied
    direct = own_postgres.url()
    register(direct, sensor=["s1"])
    cuts = metrics.DATABASE_CUTS._value.get()
    config = config_for(url, broker.url, unit_within_s=1.0, in_flight_max=50)
    with ingesting(config), publishing(broker.port) as publisher:
        send_states(publisher, range(100))
        eventually(lambda: stored(direct) == expected(100))
        proxy.set(Toxics(blackhole=True))
        send_states(publisher, range(100, 300))
        eventually(lambda: metrics.DATABASE_CUTS._value.get() > cuts)
        # Not yet acknowledged, so the broker holds it: what is here is bounded (L8).
        assert metrics.BACKLOG._value.get() <= 2 * config.in_flight_max
        # What the proxy held goes through now: a COMMIT that nobody waits for any more, among others (row 23).
        proxy.set(Toxics())
        eventually(lambda: stored(direct) == expected(300), within_s=40)


def test_l1_a_stopped_server_process_is_cut_off_and_its_lock_waited_for(
    own_postgres: EmbeddedPostgres, broker: Broker
) -> None:
    url = own_postgres.url()
    register(url, sensor=["s1"])
    cuts = metrics.DATABASE_CUTS._value.get()
    retries = metrics.DATABASE_RETRIES._value.get()
    with ingesting(config_for(url, broker.url, unit_within_s=1.0)), publishing(broker.port) as publisher:
        query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'baycast ingest ingest-1'"
        ((pid,),) = rows(url, query)
        os.kill(pid, signal.SIGSTOP)
        try:
            send_states(publisher, range(100))
            eventually(lambda: metrics.DATABASE_CUTS._value.get() > cuts)
            # Longer than the time for which a stranger's lock is waited for (1 s here).
            eventually(lambda: metrics.DATABASE_RETRIES._value.get() > retries + 4)
        finally:
            os.kill(pid, signal.SIGCONT)
        eventually(lambda: stored(url) == expected(100), within_s=40)


def test_l1_a_lock_held_for_long_is_waited_for(
    database_url: str, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "LOCK_TIMEOUT_MS", 300)
    register(database_url, sensor=["s1"])
    retries = metrics.DATABASE_RETRIES._value.get()
    config = config_for(database_url, broker.url, in_flight_max=50)
    with ingesting(config), publishing(broker.port) as publisher:
        with psycopg.connect(database_url) as other:
            other.execute("LOCK TABLE reading IN ACCESS EXCLUSIVE MODE")
            send_states(publisher, range(200))
            eventually(lambda: metrics.DATABASE_RETRIES._value.get() >= retries + 2)
            assert metrics.BACKLOG._value.get() <= 2 * config.in_flight_max
        eventually(lambda: stored(database_url) == expected(200), within_s=40)


def test_sigterm_while_the_database_hangs_ends_within_ten_seconds(
    own_postgres: EmbeddedPostgres, proxied: tuple[FaultProxy, str], broker: Broker
) -> None:
    proxy, url = proxied
    register(own_postgres.url(), sensor=["s1"])
    with ingest_process(config_for(url, broker.url)) as process, publishing(broker.port) as publisher:
        process.ready()
        proxy.set(Toxics(blackhole=True))
        send_states(publisher, range(10))
        process.signal(signal.SIGTERM)
        assert process.wait(timeout=10)[0] == 0
        proxy.set(Toxics())
    with ingesting(config_for(own_postgres.url(), broker.url, lock_within_s=20)):
        eventually(lambda: stored(own_postgres.url()) == expected(10))


def test_health_is_red_while_the_database_or_the_broker_is_away_and_green_again(
    own_postgres: EmbeddedPostgres,
    proxied: tuple[FaultProxy, str],
    broker: Broker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert health.LATE_AFTER_S <= 30
    monkeypatch.setattr(health, "LATE_AFTER_S", 1.0)
    proxy, url = proxied
    register(own_postgres.url(), sensor=["s1"])
    told = Health()
    assert told.problem() == "nothing was committed yet"
    with ingesting(config_for(url, broker.url, unit_within_s=1.5), told):
        eventually(lambda: told.problem() is None)
        proxy.set(Toxics(blackhole=True))
        eventually(told.problem)
        proxy.set(Toxics())
        eventually(lambda: told.problem() is None, within_s=40)
        broker.stop()
        assert "nothing was committed for" in str(eventually(told.problem))
        broker.start()
        eventually(lambda: told.problem() is None, within_s=40)


def test_a_receiving_thread_that_hangs_ends_the_process_with_a_reason(
    database_url: str, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HANGS_AFTER_S", 1.0)
    hang, over = threading.Event(), threading.Event()
    send_when_due = canary.Canaries.send_when_due

    def hanging(self: canary.Canaries) -> None:
        if hang.is_set():
            over.wait(60)
        send_when_due(self)

    monkeypatch.setattr(canary.Canaries, "send_when_due", hanging)
    register(database_url)

    def work_until_it_hangs() -> None:
        with ingesting(config_for(database_url, broker.url)):
            hang.set()
            eventually(lambda: not [t for t in threading.enumerate() if t.name == "ingest-under-test"])

    try:
        with pytest.raises(BrokerError, match="the MQTT thread has hung for 1 s"):
            work_until_it_hangs()
    finally:
        over.set()
        eventually(lambda: not [t for t in threading.enumerate() if t.name == "ingest-mqtt"])


def test_a_guard_acts_once_and_only_on_what_is_not_over() -> None:
    acted: list[int] = []
    guard = Guard(lambda: watchdog.TICK_S * 2, lambda: acted.append(1))
    turns = [guard.turn() for _ in range(9)]
    assert acted == []
    with guard:
        for _ in turns:
            guard.turn()
            guard.beat()
        assert acted == []
        for _ in turns:
            guard.turn()
        assert acted == [1]
    for _ in turns:
        guard.turn()
    assert acted == [1]


def test_a_writer_that_hangs_ends_the_process_and_shows_where() -> None:
    program = "from ingest.watchdog import end_process\nend_process('the writer')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the writer has hung" in done.stderr
    assert "in end_process" in done.stderr


def test_a_writer_that_hangs_ends_the_process_even_where_nobody_reads_its_log() -> None:
    program = """
import os
from ingest.watchdog import end_process
os.set_blocking(2, False)
try:
    while True:
        os.write(2, bytes(4096))
except BlockingIOError:
    os.set_blocking(2, True)
end_process('the writer')
"""
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) as hanging:
        try:
            assert hanging.wait(20) == -signal.SIGALRM
        finally:
            hanging.kill()


def test_l1_a_process_stopped_for_longer_than_the_keepalive_goes_on(database_url: str) -> None:
    register(database_url, sensor=["s1"])
    with (
        running_broker("connection_messages true") as broker,
        ingest_process(config_for(database_url, broker.url, keepalive_s=2)) as process,
        publishing(broker.port) as publisher,
    ):
        process.ready()
        send_states(publisher, range(100))
        process.signal(signal.SIGSTOP)
        send_states(publisher, range(100, 200))
        eventually(lambda: "has exceeded timeout" in broker.log.read_text(), within_s=30)
        process.signal(signal.SIGCONT)
        eventually(lambda: stored(database_url) == expected(200))
        process.signal(signal.SIGTERM)
        assert process.wait()[0] == 0


def test_l1_a_half_open_connection_is_noticed_within_one_and_a_half_keepalives(
    database_url: str, broker: Broker
) -> None:
    register(database_url, sensor=["s1"])
    proxy = FaultProxy("broker", broker.port)
    proxy.start()
    try:
        url = f"mqtt://127.0.0.1:{proxy.port}"
        with ingesting(config_for(database_url, url, keepalive_s=4)), publishing(broker.port) as publisher:
            proxy.set(Toxics(blackhole=True))
            began = time.monotonic()
            eventually(lambda: metrics.CONNECTED._value.get() == 0)
            assert time.monotonic() - began <= 1.5 * 4
            send_states(publisher, range(50))
            proxy.set(Toxics())
            eventually(lambda: stored(database_url) == expected(50), within_s=40)
    finally:
        proxy.stop()
