"""A worker that is not coming back, and one whose share of the feed changes: nothing is lost, nothing left behind."""

import threading
from dataclasses import replace

import psycopg
import pytest

from ingest import metrics
from ingest.failures import IngestError, WorkerIdTaken
from ingest.run import run
from tests.support.brokers import Broker
from tests.support.ingesting import (
    config_for,
    expected,
    ingesting,
    publishing,
    register,
    rows,
    send_states,
    stored,
)
from tests.support.waiting import eventually


@pytest.mark.parametrize("group", ["g", None])
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_l1_a_drained_session_gave_all_it_held_and_is_gone(
    database_url: str, broker: Broker, protocol: str, group: str | None
) -> None:
    register(database_url, sensor=["s1"])
    url = f"{broker.url}?protocol={protocol}"
    gone = config_for(database_url, url, worker_id="gone", shared_group=group, in_flight_max=20)
    with ingesting(gone):
        pass
    with publishing(broker.port) as publisher:
        send_states(publisher, range(100))
        run(config_for(database_url, url, worker_id="gone", drain=True, in_flight_max=20), threading.Event())
        assert stored(database_url) == expected(100)
        assert rows(database_url, "SELECT * FROM ingest_worker") == []
        # A session that were still there would be dealt these.
        send_states(publisher, range(100, 150))
    with ingesting(config_for(database_url, url, worker_id="gone", shared_group="other")):
        pass
    assert stored(database_url) == expected(100)


def test_l1_a_drain_is_not_misled_by_the_clock_of_the_worker_that_is_gone(
    database_url: str, broker: Broker
) -> None:
    register(database_url, sensor=["s1"])
    gone = config_for(database_url, broker.url, worker_id="gone", in_flight_max=5, batch_max=5)
    with ingesting(gone):
        pass
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE ingest_worker SET canary_at = clock_timestamp() + interval '10 minutes'")
    with publishing(broker.port) as publisher:
        send_states(publisher, range(500))
    run(replace(gone, drain=True), threading.Event())
    assert stored(database_url) == expected(500)


@pytest.mark.parametrize(("before", "after"), [(None, "g"), ("g", None), ("g", "h")])
def test_l2_a_worker_whose_share_changes_has_the_new_one_only(
    database_url: str, broker: Broker, before: str | None, after: str | None
) -> None:
    register(database_url, sensor=["s1"])
    with ingesting(config_for(database_url, broker.url, shared_group=before)):
        pass
    with publishing(broker.port) as publisher:
        send_states(publisher, range(50))
        with ingesting(config_for(database_url, broker.url, shared_group=after)):
            eventually(lambda: stored(database_url) == expected(50))
            duplicates = metrics.DUPLICATES._value.get()
            send_states(publisher, range(50, 100))
            eventually(lambda: stored(database_url) == expected(100))
            assert metrics.DUPLICATES._value.get() == duplicates
    filters = rows(database_url, "SELECT unnest(filters) FROM ingest_worker WHERE worker_id = 'ingest-1'")
    groups = {text.split("/")[1] for (text,) in filters if text.startswith("$share/")}
    assert groups == ({after} if after else set())


def test_a_worker_that_never_was_cannot_be_drained(database_url: str, broker: Broker) -> None:
    register(database_url)
    with ingesting(config_for(database_url, broker.url)):
        pass
    with pytest.raises(IngestError, match="no such worker; known are: ingest-1"):
        run(config_for(database_url, broker.url, worker_id="ingets-1", drain=True), threading.Event())
    assert rows(database_url, "SELECT worker_id FROM ingest_worker") == [("ingest-1",)]


def test_a_live_worker_is_not_drained(database_url: str, broker: Broker) -> None:
    register(database_url)
    config = config_for(database_url, broker.url)
    with ingesting(config), pytest.raises(WorkerIdTaken):
        run(config_for(database_url, broker.url, drain=True), threading.Event())
