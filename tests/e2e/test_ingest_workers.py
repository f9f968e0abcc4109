"""Several ingest workers on one machine, more of them and fewer, as processes on a real broker and database."""

import os
import signal
import time
from pathlib import Path

import pytest

from baycast.ingest_fleet import PORT_STEP
from tests.support.brokers import Broker
from tests.support.ingest_command import get, heard, ingest_command, wait_for_workers
from tests.support.ingesting import publishing, register, rows, send_states, stored
from tests.support.ports import free_port
from tests.support.waiting import eventually


def expected(*numbers: int) -> list[tuple[str, int, int]]:
    return [("s1", 1, seq) for seq in numbers]


def filters(database_url: str) -> list[str]:
    """What the sessions of all workers may be subscribed to."""
    return [text for (texts,) in rows(database_url, "SELECT filters FROM ingest_worker") for text in texts]


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_l2_workers_share_the_feed_and_one_that_is_killed_is_restarted(
    database_url: str, broker: Broker
) -> None:
    register(database_url, sensor=["s1"])
    port = free_port(and_after=PORT_STEP)
    with (
        ingest_command(
            database_url, broker.url, "--workers", "2", BAYCAST_INGEST_METRICS_PORT=str(port)
        ) as command,
        publishing(broker.port) as publisher,
    ):
        wait_for_workers(database_url, "ingest-1", "ingest-1-2")
        send_states(publisher, range(200))
        eventually(lambda: stored(database_url) == expected(*range(200)))
        shares = []
        for worker_port in (port, port + PORT_STEP):
            lines = get(f"http://127.0.0.1:{worker_port}/metrics")[1].splitlines()
            shares += [
                float(line.split()[1]) for line in lines if line.startswith("baycast_ingest_stored_total ")
            ]
            assert get(f"http://127.0.0.1:{worker_port}/readyz")[0] == 200
        assert sum(shares) == 200
        assert min(shares) > 0
        # Killed, its share waits in its session, and is stored once when it is back.
        killed = command.children()["ingest-1-2"]
        os.kill(killed, signal.SIGKILL)
        send_states(publisher, range(200, 400))
        eventually(lambda: stored(database_url) == expected(*range(400)), within_s=40)
        eventually(lambda: command.children().get("ingest-1-2") not in {None, killed})
        began = time.monotonic()
        command.terminate()
        assert command.wait(10) == 0
        assert time.monotonic() - began < 10
    assert rows(database_url, "SELECT count(*) FROM ingest_worker WHERE stopped_at IS NULL") == [(0,)]


def test_no_worker_outlives_a_killed_parent(database_url: str, broker: Broker) -> None:
    register(database_url)
    with ingest_command(database_url, broker.url, "--workers", "2") as command:
        wait_for_workers(database_url, "ingest-1", "ingest-1-2")
        workers = command.children().values()
        command.process.kill()
        eventually(lambda: all(is_gone(pid) for pid in workers))


def test_l1_from_three_workers_to_one_and_back_nothing_is_left_with_the_retired(
    database_url: str, broker: Broker
) -> None:
    register(database_url, sensor=["s1"])
    with ingest_command(database_url, broker.url, "--workers", "3"):
        wait_for_workers(database_url, "ingest-1", "ingest-1-2", "ingest-1-3")
    # While all are away the broker deals to each of their sessions.
    with publishing(broker.port) as publisher:
        send_states(publisher, range(90))
        with ingest_command(database_url, broker.url) as command:
            wait_for_workers(database_url, "ingest-1")
            eventually(lambda: stored(database_url) == expected(*range(90)))
            known = "SELECT worker_id FROM ingest_worker"
            eventually(lambda: rows(database_url, known) == [("ingest-1",)], within_s=30)
            eventually(lambda: set(command.children()) == {"ingest-1"})
            send_states(publisher, range(90, 180))
            eventually(lambda: stored(database_url) == expected(*range(180)))
        # The one that is left has the whole feed, and no share beside it.
        assert [text for text in filters(database_url) if text.startswith("$share/")] == []
        send_states(publisher, range(180, 270))
        with ingest_command(database_url, broker.url, "--workers", "2"):
            wait_for_workers(database_url, "ingest-1", "ingest-1-2")
            eventually(lambda: stored(database_url) == expected(*range(270)))
    allowed = ("$share/baycast/", "baycast/v1/canary/")
    assert [text for text in filters(database_url) if not text.startswith(allowed)] == []
    assert rows(database_url, "SELECT count(*) FROM quarantine") == [(0,)]


def test_a_worker_id_in_use_is_refused_in_one_line_and_its_holder_undisturbed(
    database_url: str, broker: Broker
) -> None:
    register(database_url)
    port = free_port(and_after=PORT_STEP)
    holder = {"BAYCAST_INGEST_METRICS_PORT": str(port), "BAYCAST_WORKER_ID": "ingest-1-2"}
    with ingest_command(database_url, broker.url, **holder):
        wait_for_workers(database_url, "ingest-1-2")
        with ingest_command(database_url, broker.url, "--workers", "2") as second:
            assert second.wait(40) == 2
            last = second.text.splitlines()[-2:]
        assert "another ingest process runs as 'ingest-1-2'" in last[0]
        assert last[1] == "baycast: ingest: worker ingest-1-2 cannot run, so none does; its reason is above"
        assert heard(database_url) == {"ingest-1-2"}
        assert "\nbaycast_ingest_connects_total 1.0\n" in get(f"http://127.0.0.1:{port}/metrics")[1]


@pytest.mark.parametrize("arguments", [("--workers", "0"), ("--workers", "33")])
def test_a_number_of_workers_that_makes_no_sense_is_one_line(
    database_url: str, broker: Broker, arguments: tuple[str, str]
) -> None:
    with ingest_command(database_url, broker.url, *arguments) as command:
        assert command.wait() == 2
        assert command.text.count("\n") == 1
