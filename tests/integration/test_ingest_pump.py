"""Collecting and storing at the same time: order, and what ends it."""

import threading

import pytest

from firmware_contract.topics import device_topic
from ingest import metrics
from ingest.failures import IngestError
from store.postgres import connect
from tests.support.brokers import Broker
from tests.support.ingesting import config_for, ingesting, publishing, register, rows, state, stored
from tests.support.waiting import eventually


def decoded() -> float:
    return metrics.MESSAGES.labels("state")._value.get()


def test_l1_the_next_batch_is_decoded_while_one_is_stored_and_order_stays(
    database_url: str, broker: Broker
) -> None:
    register(database_url, sensor=["s1"])
    topic, before = device_topic("s1", "state"), decoded()
    config = config_for(database_url, broker.url, batch_max=5, registry_poll_s=60)
    with ingesting(config), publishing(broker.port) as publisher, connect(database_url) as other:
        other.execute("LOCK TABLE device_seen IN SHARE MODE")
        publisher.send(topic, state(0))
        eventually(lambda: decoded() == before + 1)
        publisher.send_all([(topic, state(seq)) for seq in range(1, 12)])
        eventually(lambda: decoded() > before + 1)
        assert stored(database_url) == []
        other.rollback()
        eventually(lambda: len(stored(database_url)) == 12)
    kept = rows(database_url, "SELECT seq FROM reading ORDER BY batch_id, ordinal")
    assert [seq for (seq,) in kept] == list(range(12))


def test_what_cannot_be_stored_ends_ingest_with_its_reason(database_url: str, broker: Broker) -> None:
    register(database_url, sensor=["s1"])

    def ended() -> bool:
        return all(thread.name != "ingest-under-test" for thread in threading.enumerate())

    def feed_without_a_table() -> None:
        with ingesting(config_for(database_url, broker.url)), publishing(broker.port) as publisher:
            with connect(database_url, autocommit=True) as conn:
                conn.execute("DROP TABLE device_seen")
            publisher.send(device_topic("s1", "state"), state(0))
            eventually(ended)

    with pytest.raises(IngestError, match="lacks baycast's tables"):
        feed_without_a_table()
