"""What the broker says of itself: dropped messages are told loudly, within seconds (a real mosquitto, small queue)."""

import logging

import pytest
from prometheus_client import REGISTRY

from firmware_contract.topics import device_topic
from tests.support.brokers import running_broker
from tests.support.ingesting import config_for, ingesting, publishing, register, rows, state
from tests.support.waiting import eventually


def test_l1_what_the_broker_dropped_while_ingest_was_away_is_told(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    register(database_url, sensor=["s1"])
    small = ("sys_interval 1", "max_inflight_messages 10", "max_queued_messages 20", "max_queued_bytes 0")
    with running_broker(*small) as broker:
        name = f"mqtt://127.0.0.1:{broker.port}"
        config = config_for(database_url, broker.url)
        with ingesting(config):
            eventually(lambda: rows(database_url, "SELECT counter, dropped FROM broker_drops") == [(0, 0)])
        with publishing(broker.port) as publisher:
            publisher.send_all([(device_topic("s1", "state"), state(seq)) for seq in range(100)])
        with ingesting(config), caplog.at_level(logging.ERROR, "ingest.broker_condition"):
            noted = eventually(
                lambda: rows(database_url, "SELECT broker, dropped FROM broker_drops WHERE dropped > 0")
            )
            told = f"broker {name} DROPPED {noted[0][1]} messages"
            eventually(lambda: any(told in message for message in caplog.messages))
        stored = rows(database_url, "SELECT count(*) FROM reading")[0][0]
        assert noted == [(name, 100 - stored)]
        assert REGISTRY.get_sample_value("baycast_broker_messages_dropped", {"broker": name}) == 100 - stored
        assert REGISTRY.get_sample_value("baycast_broker_clients_connected", {"broker": name}) is not None


def test_a_broker_that_says_nothing_of_itself_is_no_error(database_url: str) -> None:
    register(database_url, sensor=["s1"])
    with running_broker("sys_interval 0") as silent, ingesting(config_for(database_url, silent.url)):
        name = f"mqtt://127.0.0.1:{silent.port}"
        assert REGISTRY.get_sample_value("baycast_broker_messages_dropped", {"broker": name}) is None
