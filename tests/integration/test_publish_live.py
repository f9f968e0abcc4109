"""Publish on a real broker and a real database: what subscribers and signs get, and when they get nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from publish.config import PublishConfig
from publish.link import Link
from publish.outbox import Message
from tests.support.brokers import Broker, running_broker
from tests.support.published_city import (
    CASTLE,
    FRAMES,
    GREYFRIARS,
    SIGN,
    City,
    Listener,
    listening,
    publishing,
    utc_now,
    zone_topic,
)
from tests.support.waiting import eventually


@pytest.fixture
def city(database_url: str) -> Iterator[City]:
    made = City(database_url)
    with made.connection:
        yield made


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    with listening(broker.port) as made:
        yield made


def test_zones_and_frames_are_retained_for_who_comes_later(city: City, broker: Broker) -> None:
    version = city.zone(free=12, occupied=8)
    with publishing(city.url, broker.url):
        with listening(broker.port) as early:
            early.frame("12 LLE", "12 SPACES")
            early.zone(GREYFRIARS, lambda zone: zone["version"] == version)
            early.zone(CASTLE, lambda zone: zone["unknown"] == 4)
        with listening(broker.port) as late:
            frame = late.frame("12 LLE", "12 SPACES")
            zone = late.zone(GREYFRIARS, lambda zone: True)
    assert zone.body["name"] == {"en": "Greyfriars Road", "cy": "Heol y Brodyr Llwydion"}
    assert (zone.body["free"], zone.body["usable"]["free"], zone.body["capacity"]) == (12, 12, 20)
    assert frame.retained
    assert frame.expiry_s is not None
    assert 0 < frame.expiry_s <= 60
    assert frame.body["state"] == "SPACES"
    assert frame.body["versions"] == {GREYFRIARS: version}


def test_a_change_is_told_with_its_version_and_a_greater_sequence(
    city: City, broker: Broker, listener: Listener
) -> None:
    city.zone(free=2, occupied=18)
    with publishing(city.url, broker.url):
        first = listener.frame("2 LLE", "2 SPACES")
        version = city.zone(free=0, occupied=20)
        second = listener.frame("LLAWN", "FULL")
    assert second.body["versions"] == {GREYFRIARS: version}
    assert second.body["sequence"] > first.body["sequence"]


def test_l6_a_clean_stop_blanks_the_sign_and_withholds_the_zones(
    city: City, broker: Broker, listener: Listener
) -> None:
    city.zone(free=2, occupied=18)
    with publishing(city.url, broker.url):
        listener.frame("2 LLE", "2 SPACES")
    listener.frame()
    listener.zone(GREYFRIARS, lambda zone: zone["free"] == 0 and zone["unknown"] == 20)


def test_l6_an_old_watermark_blanks_the_sign_and_a_new_one_brings_it_back(
    city: City, broker: Broker, listener: Listener
) -> None:
    city.zone(free=2, occupied=18)
    with publishing(city.url, broker.url):
        listener.frame("2 LLE", "2 SPACES")
        city.watermark(timedelta(seconds=31))
        listener.frame()
        listener.zone(GREYFRIARS, lambda zone: zone["unknown"] == 20)
        city.watermark(timedelta(0))
        listener.zone(GREYFRIARS, lambda zone: zone["free"] == 2)
        listener.frame("2 LLE", "2 SPACES")


def test_l6_a_watermark_from_the_future_is_no_evidence(
    city: City, broker: Broker, listener: Listener
) -> None:
    city.zone(free=2, occupied=18)
    city.watermark(timedelta(minutes=-5))
    with publishing(city.url, broker.url):
        listener.frame()


def test_an_event_areas_watermark_has_no_age(database_url: str, broker: Broker, listener: Listener) -> None:
    city = City(database_url, clock="event")
    with city.connection:
        city.zone(free=2, occupied=18)
        city.watermark(timedelta(days=3650))
        with publishing(city.url, broker.url):
            listener.frame("2 LLE", "2 SPACES")


def test_l6_without_the_database_the_sign_is_blanked_once_and_then_left_alone(
    database_url: str, broker: Broker, listener: Listener
) -> None:
    city = City(database_url, ttl_s=6)
    with city.connection:
        city.zone(free=2, occupied=18)
        with publishing(city.url, broker.url):
            listener.frame("2 LLE", "2 SPACES")
            city.cut()
            blank = listener.frame()
            with pytest.raises(AssertionError, match="not heard"):
                listener.wait(FRAMES, lambda heard: True, within_s=3.0)
            city.mend()
            back = listener.frame("2 LLE", "2 SPACES")
        assert back.body["sequence"] > blank.body["sequence"]


def test_l6_a_frame_that_cannot_be_recorded_is_not_sent(
    city: City, broker: Broker, listener: Listener
) -> None:
    city.zone(free=2, occupied=18)
    with publishing(city.url, broker.url):
        listener.frame("2 LLE", "2 SPACES")
        city.execute("ALTER TABLE sign_frame RENAME TO sign_frame_away")
        city.zone(free=3, occupied=17)
        listener.frame()
        city.execute("ALTER TABLE sign_frame_away RENAME TO sign_frame")
        listener.frame("3 LLE", "3 SPACES")
    assert [heard.says for heard in listener.all if heard.topic.endswith("/frame")][1] == []


def test_frames_are_sent_again_before_a_third_of_their_ttl(
    database_url: str, broker: Broker, listener: Listener
) -> None:
    city = City(database_url, ttl_s=5)
    with city.connection:
        city.zone(free=2, occupied=18)
        with publishing(city.url, broker.url):
            heard = [listener.frame("2 LLE", "2 SPACES") for _ in range(5)]
        gaps_s = [after.at_s - before.at_s for before, after in pairwise(heard)]
        assert max(gaps_s) < 3.0, gaps_s  # the promise is 5/3; a busy machine is given the rest
        assert sorted(gaps_s)[len(gaps_s) // 2] < 5 / 3, gaps_s
        sequences = [each.body["sequence"] for each in heard]
        assert sequences == sorted(set(sequences))
        rows = city.execute("SELECT sequence, state FROM sign_frame ORDER BY sequence")
        # The first and the newest of the content, then the blank of the clean stop.
        assert [state for _, state in rows] == ["SPACES", "SPACES", "UNKNOWN"]
        assert rows[0][0] == sequences[0]
        assert rows[1][0] >= sequences[-1]


def test_l6_the_sequence_grows_across_restarts_and_clocks(
    city: City, broker: Broker, listener: Listener
) -> None:
    far = int(utc_now().timestamp() * 1000) + 10**9
    city.execute(
        "INSERT INTO sign_frame (sign_id, sequence, issued_at, ttl_s, state, pages, versions)"
        " VALUES (%s, %s, now(), 60, 'FULL', '[]', '{}')",
        SIGN,
        far,
    )
    city.zone(free=2, occupied=18)
    with publishing(city.url, broker.url):
        first = listener.frame("2 LLE", "2 SPACES")
    assert first.body["sequence"] > far
    stopped = listener.frame()
    with publishing(city.url, broker.url):
        again = listener.frame("2 LLE", "2 SPACES")
    assert again.body["sequence"] > stopped.body["sequence"] > first.body["sequence"]


def test_a_restart_takes_up_the_word_that_stood(city: City, broker: Broker, listener: Listener) -> None:
    city.document("sign", SIGN, {**city.sign, "full_until": 4})
    city.zone(free=0, occupied=20)
    with publishing(city.url, broker.url):
        listener.frame("LLAWN", "FULL")
    listener.frame()
    city.zone(free=3, occupied=17)
    with publishing(city.url, broker.url):
        assert listener.wait(FRAMES, lambda heard: bool(heard.body["pages"])).says == ["LLAWN", "FULL"]
        city.zone(free=4, occupied=16)
        listener.frame("4 LLE", "4 SPACES")


def test_after_a_broker_crash_everything_retained_is_told_again(city: City, broker: Broker) -> None:
    city.zone(free=2, occupied=18)
    with publishing(city.url, broker.url):
        with listening(broker.port) as before:
            before.frame("2 LLE", "2 SPACES")
        broker.kill()
        city.zone(free=1, occupied=19)
        broker.start()
        with listening(broker.port) as after:
            after.frame("1 LLE", "1 SPACE")
            after.zone(GREYFRIARS, lambda zone: zone["free"] == 1)
            after.zone(CASTLE, lambda zone: zone["unknown"] == 4)


def test_l6_who_lost_the_record_to_another_process_says_nothing(
    city: City, broker: Broker, listener: Listener
) -> None:
    city.zone(free=2, occupied=18)
    with publishing(city.url, broker.url):
        listener.frame("2 LLE", "2 SPACES")
        listener.zone(GREYFRIARS, lambda zone: zone["free"] == 2)
        city.cut()  # and whoever gets in first when it is back holds the record
        listener.frame()
        listener.zone(GREYFRIARS, lambda zone: zone["unknown"] == 20)
        (held,) = city.execute("SELECT pg_try_advisory_lock(%s)", int.from_bytes(b"publ", "big"))
        assert held == (True,)
        city.mend()
        city.zone(free=3, occupied=17)
        for topic in (FRAMES, zone_topic(GREYFRIARS)):
            with pytest.raises(AssertionError, match="not heard"):
                listener.wait(topic, lambda heard: bool(heard.body), within_s=2.5)
        city.execute("SELECT pg_advisory_unlock_all()")
        listener.frame("3 LLE", "3 SPACES")
        listener.zone(GREYFRIARS, lambda zone: zone["free"] == 3)
    listener.frame()


def test_publish_waits_for_a_broker_that_is_not_there_yet(city: City, broker: Broker) -> None:
    city.zone(free=2, occupied=18)
    broker.stop()
    with publishing(city.url, broker.url):
        broker.start()
        with listening(broker.port) as late:
            late.frame("2 LLE", "2 SPACES")


def test_registry_changes_reach_signs_and_zones(city: City, broker: Broker, listener: Listener) -> None:
    city.zone(free=2, occupied=18)
    with publishing(city.url, broker.url):
        listener.frame("2 LLE", "2 SPACES")
        city.document("sign", SIGN, {**city.sign, "full_below": 3})
        listener.frame("LLAWN", "FULL")
        city.document("sign", SIGN, None)
        listener.frame()
        city.document("zone", CASTLE, None)
        listener.wait(zone_topic(CASTLE), lambda heard: not heard.payload)


def test_l11_a_zone_row_that_does_not_add_up_harms_itself_only(
    city: City, broker: Broker, listener: Listener
) -> None:
    city.zone(free=2, occupied=18)
    city.execute("UPDATE zone_state SET groups = '[]' WHERE zone_id = %s", CASTLE)
    with publishing(city.url, broker.url):
        listener.frame("2 LLE", "2 SPACES")
        listener.zone(GREYFRIARS, lambda zone: zone["free"] == 2)


def test_publish_stops_at_once_without_a_broker(city: City, broker: Broker) -> None:
    broker.stop()
    city.zone(free=2, occupied=18)
    with publishing(city.url, broker.url, stop_within_s=0.2) as stop:
        stop.set()  # the end of the block fails when this is not followed


@contextmanager
def frozen(broker: Broker) -> Iterator[None]:
    """The broker's process stands still: its connections stay open and nothing is ever answered."""
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(broker.pid, signal.SIGCONT)


def test_l8_a_broker_that_acknowledges_nothing_is_left_and_the_latest_wins(
    city: City, broker: Broker, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    city.zone(free=2, occupied=18)
    with publishing(city.url, broker.url, ack_within_s=1.0):
        listener.frame("2 LLE", "2 SPACES")
        with frozen(broker):
            for free in range(20, 2, -1):
                city.zone(free=free, occupied=20 - free)
            eventually(lambda: "nothing acknowledged" in caplog.text)
        listener.frame("3 LLE", "3 SPACES")
    shown = [heard.says[1] for heard in listener.all if heard.topic == FRAMES and heard.body["pages"]]
    after = shown[shown.index("3 SPACES") :]
    assert set(after) == {"3 SPACES"}, shown


def test_publish_stops_in_time_while_the_broker_answers_nothing(
    city: City, broker: Broker, listener: Listener
) -> None:
    city.zone(free=2, occupied=18)
    with publishing(city.url, broker.url, stop_within_s=0.5) as stop:
        listener.frame("2 LLE", "2 SPACES")
        with frozen(broker):
            began_s = time.monotonic()
            stop.set()
            eventually(lambda: all(thread.name != "publish" for thread in threading.enumerate()))
    assert time.monotonic() - began_s < 5.0


def test_a_broker_that_takes_few_at_a_time_is_not_overrun() -> None:
    most: list[int] = []

    class Watched(Link):
        def _send(self, session: Any, waiting: Any, now_s: float) -> None:
            super()._send(session, waiting, now_s)
            most.append(len(session.in_flight))

    async def scene(url: str) -> None:
        link = Watched(
            PublishConfig(database_url="postgresql://unused", mqtt_url=url), lambda: None, lambda *_: None
        )
        made_s = time.monotonic()
        link.put(
            [
                Message(
                    topic=f"baycast/v1/live/a/zone/z{n}", payload=b"1", kind="zone", made_s=made_s, life_s=60
                )
                for n in range(40)
            ]
        )
        running = asyncio.create_task(link.run())
        assert await link.drained(15)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    with running_broker("max_inflight_messages 3") as few:
        asyncio.run(scene(few.url))
    assert (len(most), max(most)) == (40, 3)
