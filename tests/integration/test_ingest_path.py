"""From PUBLISH to a committed row, through a real broker and a real database."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from prometheus_client import generate_latest

from firmware_contract.topics import canary_topic, clock_topic, device_topic, gateway_topic
from store.postgres import connect
from store.quarantine_decisions import Choice, Decided, Decision, decide
from tests.support.brokers import Broker
from tests.support.ingesting import (
    config_for,
    ingesting,
    publishing,
    quarantined,
    register,
    rows,
    state,
    stored,
)
from tests.support.waiting import eventually


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_reading_is_stored_with_its_area_and_its_bytes(
    database_url: str, broker: Broker, protocol: str
) -> None:
    register(database_url, sensor=["s1"])
    body = state(7, occupied=None, faults=["drift"], maker_field=3)
    with (
        ingesting(config_for(database_url, f"{broker.url}?protocol={protocol}")),
        publishing(broker.port) as publisher,
    ):
        publisher.send(device_topic("s1", "state"), body)
        eventually(lambda: stored(database_url) == [("s1", 1, 7)])
    assert rows(database_url, "SELECT area, kind, occupied, cause, faults, raw FROM reading") == [
        ("cardiff", "state", None, "change", ["drift"], body)
    ]


def test_l2_copies_by_redelivery_and_by_two_gateways_are_stored_once(
    database_url: str, broker: Broker
) -> None:
    register(database_url, sensor=["s1"])
    heard_far = {"device_id": "s1", "kind": "state", "body": json.loads(state(1, rssi_dbm=-118))}
    with ingesting(config_for(database_url, broker.url)), publishing(broker.port) as publisher:
        publisher.send(device_topic("s1", "state"), state(1, rssi_dbm=-60))
        publisher.send(device_topic("s1", "state"), state(1, rssi_dbm=-60))
        publisher.send(gateway_topic("gw-a"), json.dumps([heard_far]).encode())
        publisher.send(gateway_topic("gw-b"), json.dumps([heard_far]).encode())
        publisher.send(device_topic("s1", "state"), state(2))
        eventually(lambda: ("s1", 1, 2) in stored(database_url))
    assert stored(database_url) == [("s1", 1, 1), ("s1", 1, 2)]
    assert quarantined(database_url) == {}


def test_l2_the_same_key_with_another_meaning_is_quarantined_and_the_first_stays(
    database_url: str, broker: Broker
) -> None:
    register(database_url, sensor=["s1"])
    with ingesting(config_for(database_url, broker.url)), publishing(broker.port) as publisher:
        publisher.send(device_topic("s1", "state"), state(1, occupied=True))
        eventually(lambda: stored(database_url))
        publisher.send(device_topic("s1", "state"), state(1, occupied=False))
        eventually(lambda: quarantined(database_url) == {"conflicting": 1})
    assert rows(database_url, "SELECT occupied FROM reading") == [(True,)]
    assert rows(database_url, "SELECT payload FROM quarantine") == [(state(1, occupied=False),)]


def test_l11_a_gateways_batch_with_one_bad_item_keeps_the_others(database_url: str, broker: Broker) -> None:
    register(database_url, sensor=["s1", "s2", "s3"])
    items = [{"device_id": f"s{n}", "kind": "state", "body": json.loads(state(n))} for n in (1, 2, 3)]
    items[1]["body"]["seq"] = "2"
    with ingesting(config_for(database_url, broker.url)), publishing(broker.port) as publisher:
        publisher.send(gateway_topic("gw-a"), json.dumps(items).encode())
        eventually(lambda: quarantined(database_url) == {"bad_type": 1})
    assert stored(database_url) == [("s1", 1, 1), ("s3", 1, 3)]


def test_an_unknown_device_is_quarantined_and_replayed_after_registration(
    database_url: str, broker: Broker
) -> None:
    register(database_url, sensor=["s1"])
    with ingesting(config_for(database_url, broker.url)), publishing(broker.port) as publisher:
        publisher.send_all([(device_topic("late", "state"), state(n)) for n in range(5)])
        item = {"device_id": "late", "kind": "state", "body": json.loads(state(9))}
        publisher.send(gateway_topic("gw-a"), json.dumps([item]).encode())
        eventually(lambda: quarantined(database_url) == {"unknown_device": 6})
        before = datetime.now(UTC)
        register(database_url, sensor=["late"])
        eventually(lambda: stored(database_url) == [("late", 1, n) for n in (0, 1, 2, 3, 4, 9)])
        # The original time of receipt, not that of the replay.
        assert rows(database_url, "SELECT max(received_at) < %s FROM reading", before) == [(True,)]
        eventually(
            lambda: rows(database_url, "SELECT count(*) FROM quarantine WHERE replayed_at IS NULL") == [(0,)]
        )
        publisher.send(device_topic("late", "state"), state(10))
        eventually(lambda: ("late", 1, 10) in stored(database_url))


def test_what_a_device_of_this_kind_does_not_send_is_quarantined(database_url: str, broker: Broker) -> None:
    register(database_url, sensor=["s1"], gate=["g1"])
    count = json.dumps({"boot": 1, "seq": 1, "at": "2026-03-02T09:00:00Z", "occupied": 3}).encode()
    with ingesting(config_for(database_url, broker.url)), publishing(broker.port) as publisher:
        publisher.send(device_topic("g1", "state"), state(1))
        publisher.send(device_topic("s1", "count"), count)
        publisher.send(device_topic("g1", "count"), count)
        eventually(lambda: stored(database_url) == [("g1", 1, 1)])
        eventually(lambda: quarantined(database_url) == {"wrong_kind": 2})


def ask_replay(url: str, reason: str) -> Decided:
    with connect(url) as conn:
        choice = Choice(reason=reason)
        return decide(conn, Decision.REPLAY, choice, why="", who="test", at=datetime.now(UTC))


def test_l2_what_an_admin_has_replayed_becomes_a_reading_once(database_url: str, broker: Broker) -> None:
    register(database_url, gate=["g1"])
    tried = (
        "SELECT replayed_at IS NOT NULL, replay_asked_at IS NOT NULL, replay_refused_at IS NOT NULL, count "
        "FROM quarantine"
    )
    with ingesting(config_for(database_url, broker.url)), publishing(broker.port) as publisher:
        publisher.send(device_topic("g1", "state"), state(1))
        eventually(lambda: quarantined(database_url) == {"wrong_kind": 1})
        assert len(ask_replay(database_url, "wrong_kind").ids) == 1
        eventually(lambda: rows(database_url, tried) == [(False, False, True, 1)])  # nothing has changed
        with connect(database_url) as conn:
            conn.execute("UPDATE registry SET kind = 'sensor' WHERE id = 'g1'")
        register(database_url, sensor=["other"])  # so that ingest looks at the registry again
        assert len(ask_replay(database_url, "wrong_kind").ids) == 1
        eventually(lambda: stored(database_url) == [("g1", 1, 1)])
        assert rows(database_url, tried) == [(True, False, True, 1)]
        assert ask_replay(database_url, "wrong_kind").ids == []
        publisher.send(device_topic("g1", "state"), state(1))
        publisher.send(device_topic("g1", "state"), state(2))
        eventually(lambda: stored(database_url) == [("g1", 1, 1), ("g1", 1, 2)])


def test_what_conflicts_still_is_not_counted_as_another_message(database_url: str, broker: Broker) -> None:
    register(database_url, sensor=["s1"])
    with ingesting(config_for(database_url, broker.url)), publishing(broker.port) as publisher:
        publisher.send(device_topic("s1", "state"), state(1))
        eventually(lambda: stored(database_url) == [("s1", 1, 1)])
        publisher.send(device_topic("s1", "state"), state(1, occupied=False))
        eventually(lambda: quarantined(database_url) == {"conflicting": 1})
        assert len(ask_replay(database_url, "conflicting").ids) == 1
        outcome = "SELECT replayed_at, replay_asked_at, replay_refused_at IS NOT NULL, count FROM quarantine"
        eventually(lambda: rows(database_url, outcome) == [(None, None, True, 1)])
        assert stored(database_url) == [("s1", 1, 1)]


def test_l10_a_plate_in_a_passage_leaves_no_payload_anywhere(database_url: str, broker: Broker) -> None:
    register(database_url, gate=["g1"])
    passage = {"boot": 1, "seq": 1, "at": "2026-03-02T09:00:00Z", "direction": "in"}
    plated = passage | {"seq": 2, "numberPlate": "CA12ABC"}
    item = {"device_id": "g1", "kind": "passage", "body": plated | {"seq": 3}}
    stranger = passage | {"vehicle_token": "CA12ABC" * 6}
    with ingesting(config_for(database_url, broker.url)), publishing(broker.port) as publisher:
        publisher.send(device_topic("g1", "passage"), json.dumps(plated).encode())
        publisher.send(gateway_topic("gw-a"), json.dumps([item]).encode())
        publisher.send(gateway_topic("gw-a"), json.dumps([item]).encode()[:-1])
        publisher.send(device_topic("nobody", "passage"), json.dumps(stranger).encode())
        publisher.send(device_topic("g1", "passage"), json.dumps(passage).encode())
        eventually(lambda: stored(database_url) == [("g1", 1, 1)])
        eventually(lambda: sum(quarantined(database_url).values()) == 4)
    assert rows(database_url, "SELECT raw FROM reading") == [(None,)]
    assert rows(database_url, "SELECT payload FROM quarantine WHERE payload IS NOT NULL") == []
    everything = rows(
        database_url, "SELECT q::text FROM quarantine q UNION ALL SELECT o::text FROM quarantine_overflow o"
    )
    assert not any("CA12ABC" in text or "43413132414243" in text for (text,) in everything)


def test_a_link_is_a_state_of_the_device_and_not_a_reading(database_url: str, broker: Broker) -> None:
    register(database_url, sensor=["s1"])
    with publishing(broker.port) as publisher:
        publisher.send(device_topic("s1", "link"), b'{"online": true}', retain=True)
        with ingesting(config_for(database_url, broker.url)):
            eventually(
                lambda: rows(database_url, "SELECT device_id, online FROM device_link") == [("s1", True)]
            )
            publisher.send(device_topic("s1", "link"), b'{"online": false}', retain=True)
            eventually(lambda: rows(database_url, "SELECT online FROM device_link") == [(False,)])
    assert stored(database_url) == []


def test_a_retained_reading_is_not_a_new_event(database_url: str, broker: Broker) -> None:
    register(database_url, sensor=["s1"])
    with publishing(broker.port) as publisher:
        publisher.send(device_topic("s1", "state"), state(1), retain=True)
        with ingesting(config_for(database_url, broker.url)):
            publisher.send(device_topic("s1", "state"), state(2))
            eventually(lambda: stored(database_url) == [("s1", 1, 2)])


def test_the_canary_moves_the_watermark_of_live_areas_only(database_url: str, broker: Broker) -> None:
    register(database_url, "cardiff", sensor=["s1"])
    register(database_url, "replayed", clock="event", sensor=["s2"])

    def mark(area: str) -> datetime | None:
        ((watermark,),) = rows(database_url, "SELECT watermark FROM log_head WHERE area = %s", area)
        assert watermark is None or isinstance(watermark, datetime)
        return watermark

    with ingesting(config_for(database_url, broker.url)), publishing(broker.port) as publisher:
        first = eventually(lambda: mark("cardiff"))
        assert first is not None
        eventually(lambda: (mark("cardiff") or first) > first)
        assert mark("replayed") is None
        publisher.send(clock_topic("replayed"), b'{"at": "2025-01-01T00:00:00Z"}')
        publisher.send(clock_topic("cardiff"), b'{"at": "2099-01-01T00:00:00Z"}')
        eventually(lambda: mark("replayed") == datetime(2025, 1, 1, tzinfo=UTC))
        eventually(lambda: quarantined(database_url) == {"wrong_clock": 1})
        publisher.send(clock_topic("replayed"), b'{"at": "2024-01-01T00:00:00Z"}')
        publisher.send(device_topic("s2", "state"), state(1))
        eventually(lambda: stored(database_url))
        assert mark("replayed") == datetime(2025, 1, 1, tzinfo=UTC)
        assert (mark("cardiff") or first) < first + timedelta(hours=1)
    positions = rows(database_url, "SELECT area, position FROM log_batch ORDER BY 1, 2")
    for area in ("cardiff", "replayed"):
        assert [p for a, p in positions if a == area] == list(
            range(1, 1 + sum(a == area for a, _ in positions))
        )
    assert rows(database_url, "SELECT stopped_at IS NOT NULL FROM ingest_worker") == [(True,)]


def test_health_is_told_by_metrics_and_each_is_documented(database_url: str, broker: Broker) -> None:
    register(database_url, sensor=["s1"])
    documented = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    with ingesting(config_for(database_url, broker.url)), publishing(broker.port) as publisher:
        publisher.send(device_topic("s1", "state"), state(1))
        publisher.send(device_topic("s1", "state"), b"?")
        eventually(lambda: quarantined(database_url) and stored(database_url))
        text = generate_latest().decode()
    assert 'baycast_watermark_age_seconds{area="cardiff"}' in text
    assert "baycast_ingest_last_commit_age_seconds" in text
    lines = [line.split() for line in text.splitlines() if line.startswith("# TYPE baycast_")]
    ours = {
        words[2]
        for words in lines
        if words[2].startswith(("baycast_ingest", "baycast_quar", "baycast_water"))
    }
    undocumented = {name for name in ours if not name.endswith("_created") and f"`{name}" not in documented}
    assert undocumented == set()


def test_a_forged_canary_from_the_future_does_not_move_the_watermark(
    database_url: str, broker: Broker
) -> None:
    register(database_url, sensor=["s1"])
    with ingesting(config_for(database_url, broker.url)), publishing(broker.port) as publisher:
        publisher.send(canary_topic("ingest-1"), b'{"worker": "ingest-1", "at": "2099-01-01T00:00:00Z"}')
        eventually(lambda: quarantined(database_url) == {"wrong_clock": 1})
    assert rows(database_url, "SELECT watermark < '2090-01-01' FROM log_head") == [(True,)]


def test_l11_a_row_that_the_database_refuses_does_not_hold_up_the_replay(
    database_url: str, broker: Broker
) -> None:
    register(database_url, sensor=["s1"])
    with psycopg.connect(database_url) as conn:
        conn.execute("ALTER TABLE reading ADD CHECK (battery_mv <> 666)")
    bodies = [state(seq, battery_mv=666 if seq == 4 else 3600) for seq in range(9)]
    with ingesting(config_for(database_url, broker.url)), publishing(broker.port) as publisher:
        publisher.send_all([(device_topic("late", "state"), body) for body in bodies])
        eventually(lambda: quarantined(database_url) == {"unknown_device": 9})
        register(database_url, sensor=["late"])
        eventually(lambda: len(stored(database_url)) == 8)
        eventually(lambda: quarantined(database_url) == {"unknown_device": 9, "store_rejected": 1})
    query = "SELECT payload FROM quarantine WHERE reason = 'store_rejected' OR replayed_at IS NULL"
    assert rows(database_url, query) == [(bodies[4],)]


def test_the_least_canary_counts_until_its_worker_stops(database_url: str, broker: Broker) -> None:
    register(database_url)
    behind = datetime(2026, 1, 1, tzinfo=UTC)
    with psycopg.connect(database_url) as conn:
        conn.execute("INSERT INTO ingest_worker VALUES ('other', %s, now() + interval '1 hour')", (behind,))

    def canary() -> datetime:
        ((at,),) = rows(database_url, "SELECT canary_at FROM ingest_worker WHERE worker_id = 'ingest-1'")
        assert isinstance(at, datetime)
        return at

    with ingesting(config_for(database_url, broker.url)):
        first = canary()
        eventually(lambda: canary() > first)
        assert rows(database_url, "SELECT watermark FROM log_head") == [(behind,)]
        with psycopg.connect(database_url) as conn:
            conn.execute("UPDATE ingest_worker SET stopped_at = now() WHERE worker_id = 'other'")
        eventually(lambda: rows(database_url, "SELECT 1 FROM log_head WHERE watermark >= %s", first))
