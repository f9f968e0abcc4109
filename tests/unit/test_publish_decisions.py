"""What the publisher decides, without a broker or a database."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from firmware_contract.topics import live_zone_topic, sign_frame_topic
from occupancy.model import (
    Area,
    AreaId,
    BayType,
    Clock,
    Counts,
    Group,
    Name,
    Sign,
    SignId,
    Source,
    Zone,
    ZoneAvailability,
    ZoneId,
    ZoneKind,
)
from occupancy.registry import Registry
from publish.config import PublishConfig, address
from publish.freshness import is_fresh
from publish.outbox import Message, Outbox
from publish.signs import KEEP_EVERY_S, Signs
from publish.view import Moment, fresh_areas
from publish.zones import Zones
from store.feed import AreaLive, ZoneLive
from store.frames import Recorded

NOW = datetime(2026, 10, 3, 12, tzinfo=UTC)
CARDIFF = AreaId("cardiff")
LIVE = frozenset({CARDIFF})
CONFIG = PublishConfig(database_url="postgresql://x", mqtt_url="mqtt://localhost")


def at(seconds: float) -> Moment:
    return Moment(NOW + timedelta(seconds=seconds), 1000.0 + seconds)


class Known:
    """A feed that was told everything by the test."""

    def __init__(self, *, zone_area: str = "cardiff") -> None:
        area = Area(
            area_id=CARDIFF,
            name=Name(en="Cardiff"),
            time_zone="Europe/London",
            languages=("cy", "en"),
            clock=Clock.LIVE,
        )
        self.areas = {CARDIFF: AreaLive(area, 1, 1, NOW)}
        self.zone = Zone(
            zone_id=ZoneId("z"),
            area_id=AreaId(zone_area),
            kind=ZoneKind.CAR_PARK,
            name=Name(en="Z"),
            lat=0,
            lon=0,
            capacity=10,
        )
        self.sign = Sign(
            sign_id=SignId("s"),
            area_id=CARDIFF,
            name=Name(en="S"),
            zone_ids=(ZoneId("z"),),
            lat=0,
            lon=0,
            min_dwell_s=0,
        )
        registry = Registry()
        registry.area = area
        registry.signs[SignId("s")] = self.sign
        self.registries = {CARDIFF: registry}
        self.zones: dict[ZoneId, ZoneLive] = {}
        self.followed_s: float | None = 0.1
        self.free(2)

    def free(self, free: int) -> None:
        counts = Counts(free=free, occupied=10 - free)
        group = Group(bay_type=BayType.STANDARD, access=frozenset({"general"}), counts=counts)
        answer = ZoneAvailability(
            zone_id=ZoneId("z"),
            groups=(group,),
            free_min=free,
            free_max=free,
            as_of=NOW,
            source=Source.COUNT,
            confidence=1.0,
            coverage=1.0,
            counts=counts,
        )
        self.zones[ZoneId("z")] = ZoneLive(self.zone, answer, free)


def message(topic: str = "t", payload: bytes = b"1", *, kind: str = "zone", made_s: float = 0) -> Message:
    return Message(topic=topic, payload=payload, kind=kind, made_s=made_s, life_s=10)


# --- waiting for the broker (L8) --------------------------------------------------------------------------


def test_l8_the_latest_of_a_topic_waits_and_keeps_its_turn() -> None:
    outbox = Outbox()
    for number in range(1000):
        outbox.put(message("a", str(number).encode(), made_s=number / 1000))
        outbox.put(message("b", str(number).encode(), made_s=number / 1000))
    assert len(outbox) == 2
    first = outbox.take(1.0, busy=())
    assert first is not None
    assert (first.message.topic, first.message.payload, first.since_s) == ("a", b"999", 0.0)


def test_frames_go_before_zones_and_a_busy_topic_waits() -> None:
    outbox = Outbox()
    for each in (message("zone"), message("one", kind="frame"), message("two", kind="frame")):
        outbox.put(each)
    order = []
    while (taken := outbox.take(0.0, busy={"one"})) is not None:
        order.append(taken.message.topic)
    assert order == ["two", "zone"]
    assert len(outbox) == 1


def test_l6_a_frame_past_its_life_is_never_sent() -> None:
    outbox = Outbox()
    outbox.put(message(kind="frame", made_s=0.0))
    assert outbox.take(9.5, busy=()) is None
    assert len(outbox) == 0


def test_an_unacknowledged_message_gives_way_to_a_newer_one() -> None:
    outbox = Outbox()
    outbox.put(message(payload=b"old"))
    old = outbox.take(0.0, busy=())
    assert old is not None
    outbox.put(message(payload=b"new"))
    outbox.put_back(old)
    newer = outbox.take(0.0, busy=())
    assert newer is not None
    assert newer.message.payload == b"new"
    outbox.put_back(newer)
    assert outbox.take(0.0, busy=()) == newer


# --- freshness ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clock", "age_s", "followed_s", "fresh"),
    [
        (Clock.LIVE, 0, 0.0, True),
        (Clock.LIVE, 30, 5.0, True),
        (Clock.LIVE, 31, 0.0, False),
        (Clock.LIVE, -31, 0.0, False),
        (Clock.LIVE, 0, 5.1, False),
        (Clock.LIVE, 0, None, False),
        (Clock.LIVE, None, 0.0, False),
        (Clock.EVENT, 10**8, 0.0, True),
        (Clock.EVENT, None, 0.0, False),
        (Clock.EVENT, 0, 5.1, False),
    ],
)
def test_l6_what_is_not_known_to_be_alive_is_not_fresh(
    clock: Clock, age_s: int | None, followed_s: float | None, fresh: bool
) -> None:
    watermark = None if age_s is None else NOW - timedelta(seconds=age_s)
    stale_after = timedelta(seconds=30)
    assert fresh == is_fresh(
        clock, watermark, now=NOW, stale_after=stale_after, followed_s=followed_s, follow_within_s=5.0
    )


def test_fresh_areas_are_those_the_feed_still_follows() -> None:
    view = Known()
    assert fresh_areas(view, CONFIG, at(0)) == LIVE
    assert fresh_areas(view, CONFIG, at(31)) == frozenset()
    view.followed_s = 60.0
    assert fresh_areas(view, CONFIG, at(0)) == frozenset()


# --- zones --------------------------------------------------------------------------------------------------


def body(message: Message) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(message.payload)
    return found


def test_zones_are_told_on_change_when_freshness_turns_and_again_before_they_expire() -> None:
    view, zones = Known(), Zones(expiry_s=300)
    assert [body(each)["version"] for each in zones.due(view, LIVE, at(0))] == ["1.2"]
    assert zones.due(view, LIVE, at(1)) == []
    view.free(3)
    assert [body(each)["free"] for each in zones.due(view, LIVE, at(2))] == [3]
    withheld = body(zones.due(view, frozenset(), at(3))[0])
    assert (withheld["free"], withheld["unknown"], withheld["confidence"]) == (0, 10, 0)
    assert [body(each)["free"] for each in zones.due(view, LIVE, at(4))] == [3]
    assert zones.due(view, LIVE, at(78)) == []
    assert len(zones.due(view, LIVE, at(79))) == 1
    zones.forget()
    assert len(zones.due(view, LIVE, at(80))) == 1
    assert zones.due(view, LIVE, at(81)) == []


def test_a_new_generation_is_told() -> None:
    view, zones = Known(), Zones(expiry_s=300)
    zones.due(view, LIVE, at(0))
    view.areas[CARDIFF] = replace(view.areas[CARDIFF], generation=2)
    assert [body(each)["version"] for each in zones.due(view, LIVE, at(1))] == ["2.2"]


def test_a_removed_zone_is_cleared_once() -> None:
    view, zones = Known(), Zones(expiry_s=300)
    zones.due(view, LIVE, at(0))
    view.zones.clear()
    assert [each.payload for each in zones.due(view, LIVE, at(1))] == [b""]
    assert zones.due(view, LIVE, at(2)) == []
    assert zones.last_words(at(3)) == []


def test_l4_a_zone_that_moves_to_another_area_leaves_nothing_behind() -> None:
    view, zones = Known(), Zones(expiry_s=300)
    zones.due(view, LIVE, at(0))
    newport = AreaId("newport")
    view.areas[newport] = view.areas[CARDIFF]
    view.zones[ZoneId("z")] = replace(view.zones[ZoneId("z")], zone=replace(view.zone, area_id=newport))
    told = {each.topic: each.payload for each in zones.due(view, LIVE, at(1))}
    assert told[live_zone_topic("cardiff", "z")] == b""
    assert json.loads(told[live_zone_topic("newport", "z")])["area"] == "newport"
    assert len(told) == 2


# --- signs --------------------------------------------------------------------------------------------------


def tell(signs: Signs, view: Known, moment: Moment, fresh: frozenset[AreaId] = LIVE) -> list[dict[str, Any]]:
    return [body(each) for each in signs.told(signs.due(view, fresh, moment), moment)]


def test_a_sign_is_told_on_change_and_again_before_a_third_of_its_ttl() -> None:
    view, signs = Known(), Signs()
    first = tell(signs, view, at(0))
    assert [page["lines"] for page in first[0]["pages"]] == [["2 LLE"], ["2 SPACES"]]
    assert signs.wait_s(at(0).now_s) == 15.0
    assert tell(signs, view, at(14)) == []
    assert len(tell(signs, view, at(15))) == 1
    view.free(0)
    assert [each["state"] for each in tell(signs, view, at(16))] == ["FULL"]
    assert [each["state"] for each in tell(signs, view, at(17), frozenset())] == ["UNKNOWN"]
    signs.forget()
    assert len(tell(signs, view, at(18))) == 1
    assert tell(signs, view, at(19)) != first


def test_l6_the_sequence_grows_whatever_the_clock_does() -> None:
    view, signs = Known(), Signs()
    far = int(NOW.timestamp() * 1000) + 5_000_000
    assert signs.unseeded(view) == [SignId("s")]
    signs.seed({SignId("s"): Recorded(far)}, [SignId("s")], at(0).now_s)
    assert signs.unseeded(view) == []
    sequences = []
    for moment in (at(0), Moment(NOW - timedelta(days=400), 1020.0), at(60), at(10_000)):
        sequences += [each["sequence"] for each in tell(signs, view, moment)]
    assert sequences[:3] == [far + 1, far + 2, far + 3]
    assert sequences[3] == int(at(10_000).now.timestamp() * 1000)


def test_the_record_keeps_the_first_and_the_newest_frame_of_a_content() -> None:
    view, signs = Known(), Signs()
    kept: list[int] = []
    for quarter in range(0, int(KEEP_EVERY_S) + 61, 15):
        due = signs.due(view, LIVE, at(quarter))
        for each in due:
            if each.sent.replaces is not None:
                kept.remove(each.sent.replaces)
            kept.append(each.frame.sequence)
        signs.told(due, at(quarter))
    begin = int(NOW.timestamp() * 1000)
    assert [sequence - begin for sequence in kept] == [0, 3_585_000, 3_600_000, 3_660_000]


def test_a_sign_that_leaves_the_registry_is_blanked_once() -> None:
    view, signs = Known(), Signs()
    tell(signs, view, at(0))
    del view.registries[CARDIFF].signs[SignId("s")]
    assert [each["state"] for each in tell(signs, view, at(1))] == ["UNKNOWN"]
    assert tell(signs, view, at(2)) == []
    assert signs.frames() == {}


def test_last_words_blank_what_shows_something_and_nothing_else() -> None:
    view, signs = Known(), Signs()
    tell(signs, view, at(0))
    words = signs.last_words(at(1))
    assert [due.frame.pages for due in words] == [()]
    assert [each.topic for each in signs.told(words, at(1))] == [sign_frame_topic("s")]
    assert signs.last_words(at(2)) == []


def test_l6_a_zone_of_another_area_has_another_freshness_and_blanks_the_sign() -> None:
    assert [each["state"] for each in tell(Signs(), Known(zone_area="newport"), at(0))] == ["UNKNOWN"]


# --- configuration ----------------------------------------------------------------------------------------


def test_addresses() -> None:
    plain = address("mqtt://broker")
    assert (plain.host, plain.port, plain.tls, plain.username) == ("broker", 1883, False, None)
    secret = address("mqtts://me:p%40ss@broker:8884?ca=/etc/ca.pem&protocol=5")
    assert (secret.port, secret.password, secret.ca_file, secret.tls) == (8884, "p@ss", "/etc/ca.pem", True)
    assert "p@ss" not in repr(secret)


@pytest.mark.parametrize(
    "url", ["", "http://x", "mqtt://", "mqtt://u:secret@h:99999999", "mqtt://u:secret@[::1"]
)
def test_a_wrong_address_is_refused_without_its_secret(url: str) -> None:
    with pytest.raises(ValueError, match="URL") as refused:
        address(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "wrong", [{"stale_after_s": 0}, {"max_in_flight": 0}, {"zone_expiry_s": 1}, {"stop_within_s": -1}]
)
def test_a_configuration_that_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="publish"):
        PublishConfig(database_url="postgresql://x", mqtt_url="mqtt://localhost", **wrong)
