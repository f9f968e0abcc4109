"""What ingest makes of a message that was decoded: a row, a mark, or a refusal."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from firmware_contract.topics import canary_topic, clock_topic, device_topic, gateway_topic
from ingest.translate import CanaryMark, ClockMark, Item, Translator, Why, refuse_item
from store.devices import Device, Directory, LinkState
from store.log import ReadingRow
from store.quarantine import Refused

NOW = datetime(2026, 3, 2, 9, 0, 1, tzinfo=UTC)
DIRECTORY = Directory(
    (1, 1),
    {"s1": Device("cardiff", 3, "sensor"), "g1": Device("cardiff", 0, "gate")},
    {"cardiff": "live", "replayed": "event"},
)
COMMON = {"boot": 1, "seq": 2, "at": "2026-03-02T09:00:00Z"}
STATE = COMMON | {"occupied": True, "cause": "change"}
PASSAGE = COMMON | {"direction": "in"}


def translate(topic: str, body: object) -> object:
    translator = Translator("ingest-1", DIRECTORY)
    (item,) = translator.items(topic, json.dumps(body).encode(), NOW)
    return item


def row(topic: str, body: object) -> ReadingRow:
    item = translate(topic, body)
    assert isinstance(item, ReadingRow)
    return item


def refused(topic: str, body: object) -> Refused:
    item = translate(topic, body)
    assert isinstance(item, Refused)
    return item


def test_a_reading_gets_area_and_incarnation_from_the_directory() -> None:
    reading = row(device_topic("s1", "state"), STATE | {"rssi_dbm": -90.5})
    assert (reading.area, reading.incarnation, reading.boot, reading.seq) == ("cardiff", 3, 1, 2)
    assert (reading.received_at, reading.rssi_dbm, reading.occupied) == (NOW, -90.5, True)


@pytest.mark.parametrize(
    ("kind", "device", "body"),
    [
        ("passage", "s1", PASSAGE),
        ("count", "s1", COMMON | {"occupied": 1}),
        ("state", "g1", STATE),
    ],
)
def test_a_device_sends_what_its_role_allows(kind: str, device: str, body: object) -> None:
    assert refused(device_topic(device, kind), body).reason == Why.WRONG_KIND


@pytest.mark.parametrize("kind", ["health", "boot"])
@pytest.mark.parametrize("device", ["s1", "g1"])
def test_every_device_may_say_how_it_is(kind: str, device: str) -> None:
    assert row(device_topic(device, kind), COMMON).kind == kind


def test_l2_the_meaning_is_not_in_what_differs_between_honest_copies() -> None:
    topic = device_topic("s1", "state")
    first = row(topic, STATE)
    assert first.meaning == row(topic, STATE | {"rssi_dbm": -120, "battery_mv": 3500}).meaning
    assert first.meaning != row(topic, STATE | {"occupied": False}).meaning
    assert first.meaning != row(topic, STATE | {"at": "2026-03-02T09:00:01Z"}).meaning


def test_l10_nothing_of_a_passage_is_kept_beyond_its_fields() -> None:
    token = "Zk3_vQ9xTb7LrW2nYc8-HdE5mJs4GfPa"
    passage = row(device_topic("g1", "passage"), PASSAGE | {"vehicle_token": token, "lane": 4})
    assert passage.raw is None
    assert passage.meaning == row(device_topic("g1", "passage"), PASSAGE).meaning
    assert refuse_item(passage, Why.CONFLICTING, "", NOW).payload is None
    stranger = refused(device_topic("g9", "passage"), PASSAGE | {"vehicle_token": token})
    assert (stranger.reason, stranger.payload) == (Why.UNKNOWN_DEVICE, None)


def test_l10_a_rejected_passage_leaves_topic_reason_and_length() -> None:
    plated = PASSAGE | {"CA12ABC": "x"}
    one = refused(device_topic("g1", "passage"), plated)
    assert (one.topic, one.reason, one.detail, one.payload) == (
        device_topic("g1", "passage"),
        "plate",
        "",
        None,
    )
    assert one.size == len(json.dumps(plated))
    # Not even a digest depends on what it said.
    assert one.digest == refused(device_topic("g1", "passage"), PASSAGE | {"CA12ABD": "x"}).digest


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("baycast/v1/dev/KV19XWZ/passage", PASSAGE),
        ("baycast/v1/dev/KV19XWZ/passage", {}),
        ("baycast/v1/dev/kv19xwz/state", STATE),
        ("baycast/v1/dev/kv19xwz/state", {}),
        ("baycast/v1/dev/KV19 XWZ/passage", PASSAGE),
        ("baycast/v1/dev/g1/KV19-XWZ", PASSAGE),
        ("baycast/v1/area/kv19xwz/clock", {"at": COMMON["at"]}),
        ("KV19XWZ/v1/dev/g1/state", STATE),
        ("\uff2b\uff3619XWZ/state", STATE),
        (gateway_topic("KV19XWZ"), [3]),
        (gateway_topic("KV19XWZ"), [{"device_id": "s9", "kind": "state", "body": {}}]),
        (gateway_topic("gw"), [{"device_id": "KV19XWZ", "kind": "passage", "body": PASSAGE}]),
        (gateway_topic("gw"), [{"device_id": "KV19XWZ", "kind": "state", "body": STATE}]),
        (gateway_topic("gw"), [{"device_id": "KV19XWZ", "kind": "KV19XWZ", "body": STATE}]),
        (gateway_topic("gw"), [{"device_id": "KV19 XWZ", "kind": "state", "body": STATE}]),
    ],
)
def test_l10_a_plate_in_place_of_a_name_is_not_kept(topic: str, payload: object) -> None:
    one = refused(topic, payload)
    kept = repr(one).upper()
    assert not any(part in kept for part in ("KV19", "XWZ"))


def test_a_registered_name_that_reads_like_a_plate_is_kept() -> None:
    directory = Directory((1, 1), {"KV19XWZ": Device("cardiff", 3, "sensor")}, {})
    (one,) = Translator("ingest-1", directory).items(device_topic("KV19XWZ", "state"), b"{}", NOW)
    assert isinstance(one, Refused)
    assert one.topic == device_topic("KV19XWZ", "state")


def test_a_refused_item_of_a_batch_is_filed_where_it_can_be_decoded_again() -> None:
    item = {"device_id": "s9", "kind": "state", "body": STATE}
    one = refused(gateway_topic("gw"), [item])
    assert (one.topic, one.reason, one.device_id) == (device_topic("s9", "state"), Why.UNKNOWN_DEVICE, "s9")
    assert json.loads(one.payload or b"") == STATE


def test_a_count_keeps_its_capacity_and_its_bytes() -> None:
    body = COMMON | {"occupied": 41, "capacity": 40}
    reading = row(device_topic("g1", "count"), body)
    assert (reading.count, reading.capacity, reading.occupied) == (41, 40, None)
    assert reading.raw == json.dumps(body).encode()


def test_a_link_is_no_reading() -> None:
    assert translate(device_topic("s1", "link"), {"online": False}) == LinkState("s1", False, None, NOW)


def test_clock_messages_are_for_event_areas() -> None:
    at = {"at": "2025-01-01T00:00:00Z"}
    assert translate(clock_topic("replayed"), at) == ClockMark("replayed", datetime(2025, 1, 1, tzinfo=UTC))
    assert refused(clock_topic("cardiff"), at).reason == Why.WRONG_CLOCK
    assert refused(clock_topic("nowhere"), at).reason == Why.WRONG_CLOCK


def test_l11_an_event_clock_of_the_far_future_is_refused() -> None:
    """It would never be taken back, and every zone would have cells until then."""
    ahead = {"at": f"{NOW.year + 2}-01-01T00:00:00Z"}
    assert refused(clock_topic("replayed"), ahead).reason == Why.WRONG_CLOCK


def test_only_our_own_canary_from_the_past_counts() -> None:
    def canary(at: datetime, worker: str = "ingest-1", topic: str = "ingest-1") -> object:
        return translate(canary_topic(topic), {"worker": worker, "at": at.isoformat()})

    assert canary(NOW) == CanaryMark(NOW)
    assert isinstance(canary(NOW + timedelta(seconds=3)), Refused)
    assert isinstance(canary(NOW, worker="ingest-2"), Refused)
    assert isinstance(canary(NOW, worker="ingest-2", topic="ingest-2"), Refused)


@pytest.mark.parametrize(
    ("item", "topic", "device_id", "payload"),
    [
        (
            row(device_topic("s1", "state"), STATE),
            device_topic("s1", "state"),
            "s1",
            json.dumps(STATE).encode(),
        ),
        (row(device_topic("g1", "passage"), PASSAGE), device_topic("g1", "passage"), "g1", None),
        (LinkState("s1", True, None, NOW), device_topic("s1", "link"), "s1", None),
        (ClockMark("replayed", NOW), clock_topic("replayed"), None, None),
        (CanaryMark(NOW), "canary", None, None),
        (
            Refused(
                topic="w\u0175",
                reason="bad_topic",
                detail="not ours",
                device_id="s1",
                payload=b"{}",
                size=2,
                received_at=NOW,
            ),
            "'w\\u0175'",
            None,
            b"{}",
        ),
    ],
)
def test_l11_any_item_the_database_would_not_take_can_be_refused_alone(
    item: Item, topic: str, device_id: str | None, payload: bytes | None
) -> None:
    one = refuse_item(item, Why.STORE_REJECTED, "22P05", NOW)
    assert (one.topic, one.device_id, one.payload) == (topic, device_id, payload)
    assert (one.reason, one.detail, one.received_at) == (Why.STORE_REJECTED, "22P05", NOW)
    assert one.size == len(payload or b"")
