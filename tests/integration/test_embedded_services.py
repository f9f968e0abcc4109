import contextlib
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from baycast.embedded import mosquitto_install
from baycast.embedded.postgres import EmbeddedPostgres, running_url
from baycast.embedded.service_account import account_for
from baycast.settings import UsageError
from tests.support.brokers import Broker


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not tmp_path: pytest closes it for other accounts, and as root the services run as another one."""
    path = Path(tempfile.mkdtemp(prefix="baycast-test-services-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def test_each_test_gets_a_migrated_database(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        row = conn.execute("SELECT count(*) FROM schema_migration").fetchone()
    assert row is not None
    assert row[0] > 0


def test_committed_data_survive_a_kill_of_the_embedded_postgres(folder: Path) -> None:
    server = EmbeddedPostgres(folder / "pg")
    server.start()
    try:
        server.create_database()
        assert running_url(folder / "pg") == server.url()
        with psycopg.connect(server.url()) as conn:
            assert conn.execute("SHOW fsync").fetchone() == ("on",)
            assert conn.execute("SHOW synchronous_commit").fetchone() == ("on",)
            conn.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        assert server.process is not None
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        server.start()
        server.create_database()
        with psycopg.connect(server.url()) as conn:
            assert conn.execute("SELECT answer FROM kept").fetchone() == (42,)
    finally:
        server.stop()
    assert running_url(folder / "pg") is None


def test_a_long_data_folder_gets_a_short_socket_path(folder: Path) -> None:
    with EmbeddedPostgres(folder / ("long" * 25) / "pg", durable=False) as server:
        server.create_database()
        psycopg.connect(server.url()).close()


def test_an_interrupted_initialisation_is_done_again(folder: Path) -> None:
    unfinished = folder / "pg" / "pgdata.new"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(folder / "pg", durable=False) as server:
        psycopg.connect(server.url("postgres")).close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to act as somebody else")
def test_root_serves_the_data_of_the_folders_owner_as_that_owner(folder: Path) -> None:
    os.chown(folder, 65534, 65534)
    account = account_for(folder)
    assert account is not None
    assert account.uid == 65534
    with EmbeddedPostgres(folder, durable=False) as server:
        assert server.process is not None
        assert Path(f"/proc/{server.process.pid}").stat().st_uid == 65534
        assert server.pgdata.stat().st_uid == 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to act as somebody else")
def test_an_ordinary_user_is_told_whose_folder_it_is(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False):
        pass
    child = os.fork()
    if child == 0:
        os.setgid(65534)
        os.setuid(65534)
        with contextlib.suppress(UsageError):
            EmbeddedPostgres(folder, durable=False).start()
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_broker_keeps_sessions_queues_and_port_over_a_restart(broker: Broker) -> None:
    """FAULTS: stock settings keep 1,000 queued messages and lose all of them at a restart."""
    sleeper = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="sleeper", clean_session=False)
    subscribed = threading.Event()
    sleeper.on_connect = lambda client, *_: client.subscribe("t", qos=1)
    sleeper.on_subscribe = lambda *_: subscribed.set()
    sleeper.connect("127.0.0.1", broker.port)
    sleeper.loop_start()
    assert subscribed.wait(10)
    sleeper.disconnect()
    sleeper.loop_stop()

    sender = mqtt.Client(CallbackAPIVersion.VERSION2)
    sender.max_queued_messages_set(0)
    sender.connect("127.0.0.1", broker.port)
    sender.loop_start()
    messages = [sender.publish("t", str(number), qos=1) for number in range(1500)]
    for message in messages:
        message.wait_for_publish(20)
    sender.disconnect()
    sender.loop_stop()

    broker.stop()
    broker.start()

    received: list[int] = []
    complete = threading.Event()

    def on_message(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        received.append(int(message.payload))
        if len(received) == 1500:
            complete.set()

    woken = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="sleeper", clean_session=False)
    woken.on_message = on_message
    woken.connect("127.0.0.1", broker.port)
    woken.loop_start()
    assert complete.wait(20)
    woken.disconnect()
    woken.loop_stop()
    assert received == list(range(1500))


def test_mosquitto_is_found_where_it_was_unpacked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mosquitto_install, "_SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", "")
    assert mosquitto_install.find(folder) is None
    program = folder / "usr" / "sbin" / "mosquitto"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    library = folder / "usr" / "lib" / "machine" / "libwebsockets.so.17"
    library.parent.mkdir(parents=True)
    library.touch()
    found = mosquitto_install.find(folder)
    assert found is not None
    assert found.command == (str(program),)
    assert found.env["LD_LIBRARY_PATH"] == str(library.parent)


def test_without_any_way_to_get_mosquitto_one_line_says_how(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mosquitto_install, "_SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(UsageError, match="apt install mosquitto") as caught:
        mosquitto_install.find_or_install(folder / "packages")
    assert "\n" not in str(caught.value)
