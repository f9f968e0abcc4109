"""What signs say they show: over the broker to publish, by POST to the API; the record, the alarm, the doctor."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client import REGISTRY

from api.config import ApiConfig
from baycast.doctor.signs import examine_signs
from firmware_contract.topics import sign_shown_topic
from store import doctor
from store.postgres import connect as database
from tests.support.api_server import ApiServer, running_api
from tests.support.brokers import Broker
from tests.support.keyed import bearer
from tests.support.published_city import SIGN, City, Listener, listening, publishing
from tests.support.sign_process import sign_process
from tests.support.waiting import eventually

ROWS = "SELECT verdict, state, sequence, readbacks, via, pages, faults FROM sign_shown ORDER BY first_at"
NUL = {"state": "FULL", "sequence": 1, "pages": [{"language": "en", "lines": ["\0"]}]}
"""What no database takes as text."""


@pytest.fixture
def city(database_url: str) -> Iterator[City]:
    made = City(database_url)
    with made.connection:
        made.zone(free=2, occupied=18)
        yield made


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    with listening(broker.port) as made:
        yield made


class Voice:
    """Speaks as a sign."""

    def __init__(self, broker: Broker) -> None:
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()

    def say(self, body: object, *, sign_id: str = SIGN, retain: bool = False) -> None:
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._client.publish(sign_shown_topic(sign_id), payload, qos=1, retain=retain).wait_for_publish(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def voice_on(broker: Broker) -> Iterator[Voice]:
    voice = Voice(broker)
    try:
        yield voice
    finally:
        voice.close()


def rows(city: City, wanted: int) -> list[tuple[Any, ...]]:
    """The record, when it has so many rows."""
    return eventually(lambda: found if len(found := city.execute(ROWS)) == wanted else None) or []


def metric(verdict: str) -> float | None:
    return REGISTRY.get_sample_value("baycast_sign_reported", {"sign": SIGN, "verdict": verdict})


def test_what_a_sign_says_is_judged_and_recorded_in_runs(
    city: City, broker: Broker, listener: Listener
) -> None:
    with publishing(city.url, broker.url), voice_on(broker) as voice:
        frame = listener.frame("2 LLE", "2 SPACES").body
        shows = {"sequence": frame["sequence"], "state": "SPACES", "pages": frame["pages"]}
        voice.say({**shows, "at": "1999-01-01T00:00:00Z"})
        assert [row[:3] for row in rows(city, 1)] == [("agrees", "SPACES", frame["sequence"])]
        voice.say(shows)
        eventually(lambda: city.execute(ROWS)[0][3] == 2)
        voice.say({**shows, "faults": ["lamp-3"]})
        assert rows(city, 2)[1][6] == ["lamp-3"]
        voice.say({"dark": True})
        assert rows(city, 3)[2][:3] == ("dark", None, None)
        eventually(lambda: metric("dark") == 1)
        assert metric("agrees") == 0


def test_l6_a_sign_that_shows_what_it_was_not_told_raises_an_alarm(
    city: City, broker: Broker, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "baycast.signs")
    with publishing(city.url, broker.url), voice_on(broker) as voice:
        frame = listener.frame("2 LLE", "2 SPACES").body
        voice.say({"sequence": frame["sequence"], "state": "FULL"})
        assert rows(city, 1)[0][0] == "unsent"
        eventually(lambda: metric("unsent") == 1)
    assert f"sign {SIGN} shows FULL of frame {frame['sequence']}, which is unsent" in caplog.text
    with database(city.url) as conn:
        findings = list(examine_signs(doctor.readbacks(conn)))
    assert findings[0].state == "WRONG"
    assert "unsent" in findings[0].says


def test_l6_a_sign_stuck_on_an_old_frame_raises_an_alarm(city: City, broker: Broker) -> None:
    sequence = time.time_ns() // 1_000_000 - 70_000
    city.execute(
        "INSERT INTO sign_frame (sign_id, sequence, issued_at, ttl_s, state, pages, versions)"
        " VALUES (%s, %s, now() - interval '70 seconds', 60, 'FULL', '[]', '{}')",
        SIGN,
        sequence,
    )
    with publishing(city.url, broker.url), voice_on(broker) as voice:
        eventually(lambda: city.execute("SELECT count(*) FROM sign_frame")[0][0] > 1)
        voice.say({"sequence": sequence, "state": "FULL"})
        assert rows(city, 1)[0][0] == "expired"
        eventually(lambda: metric("expired") == 1)


def test_a_sign_that_falls_silent_raises_an_alarm_and_its_next_word_ends_it(
    city: City, broker: Broker, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "baycast.signs")
    with publishing(city.url, broker.url, silent_after_ttls=0.02), voice_on(broker) as voice:
        listener.frame("2 LLE", "2 SPACES")
        voice.say({"dark": True})
        eventually(lambda: metric("silent") == 1)
        with database(city.url) as conn:
            [finding, _] = examine_signs(doctor.readbacks(conn))
        assert (finding.state, finding.says[:12]) == ("WRONG", "silent since")
        voice.say({"dark": True})
        assert len(rows(city, 2)) == 2  # a silence ends a run
    assert f"sign {SIGN} is silent" in caplog.text


def test_l11_what_cannot_be_read_harms_nobody(city: City, broker: Broker, listener: Listener) -> None:
    with publishing(city.url, broker.url), voice_on(broker) as voice:
        listener.frame("2 LLE", "2 SPACES")
        voice.say({"dark": True}, retain=True)
        rows(city, 1)
        for body in (b"", b"\xff", b"[" * 5000, b"x" * 20_000, {"state": "FULL"}, NUL):
            voice.say(body)
        voice.say({"dark": True}, sign_id="nobodys-sign")
        voice.say({"dark": True, "faults": ["last"]})
        assert rows(city, 2)[1][6] == ["last"]
        city.zone(free=0, occupied=20)
        listener.frame("LLAWN", "FULL")
    with publishing(city.url, broker.url):  # what the broker kept is no news to the next publisher
        listener.frame("LLAWN", "FULL")
        assert len(city.execute(ROWS)) == 2
    voices = [heard for heard in listener.all if heard.topic == sign_shown_topic(SIGN) and heard.retained]
    assert voices == []


def test_l8_a_flood_of_one_sign_delays_no_frame(city: City, broker: Broker, listener: Listener) -> None:
    with publishing(city.url, broker.url), voice_on(broker) as voice:
        listener.frame("2 LLE", "2 SPACES")
        for number in range(2000):
            voice._client.publish(
                sign_shown_topic(SIGN), json.dumps({"dark": True, "sequence": number}), qos=1
            )
        city.zone(free=0, occupied=20)
        listener.frame("LLAWN", "FULL", within_s=10)
        voice.say({"dark": True, "faults": ["last"]})
        eventually(lambda: city.execute(ROWS)[-1][6] == ["last"])


def test_the_reference_sign_says_what_it_shows_over_the_broker(city: City, broker: Broker) -> None:
    with publishing(city.url, broker.url):
        with sign_process(SIGN, BAYCAST_MQTT_URL=broker.url) as sign:
            sign.until("cy: 2 LLE | en: 2 SPACES")
            eventually(lambda: [row[1] for row in city.execute(ROWS)][-1:] == ["SPACES"])
            city.zone(free=0, occupied=20)
            sign.until("cy: LLAWN | en: FULL")
            eventually(lambda: [row[1] for row in city.execute(ROWS)][-1:] == ["FULL"])
        with sign_process(SIGN, "--width", "3", BAYCAST_MQTT_URL=broker.url):
            eventually(lambda: city.execute(ROWS)[-1][6] == ["does-not-fit"])
    assert {row[0] for row in city.execute(ROWS)} <= {"agrees", "dark"}


@pytest.fixture
def api(city: City) -> Iterator[ApiServer]:
    secret = city.sign_key()
    with running_api(ApiConfig(database_url=city.url)) as running:
        running.until(f"/v1/signs/{SIGN}", lambda answer: answer.status_code == 200)
        running.secret = secret  # type: ignore[attr-defined]
        yield running


def post(api: ApiServer, body: object, sign_id: str = SIGN) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = bearer(api.secret)  # type: ignore[attr-defined]
    return httpx.post(f"{api.url}/v1/signs/{sign_id}/shown", content=content, headers=headers, timeout=10)


def test_a_sign_says_what_it_shows_by_post(city: City, api: ApiServer) -> None:
    assert api.get(f"/v1/signs/{SIGN}").json()["reported"] is None
    assert post(api, {"sequence": 5, "state": "FULL", "faults": ["door-open"]}).json() == {
        "sign_id": SIGN,
        "verdict": "unsent",
    }
    told = api.until(f"/v1/signs/{SIGN}", lambda answer: answer.json()["reported"] is not None)
    reported = told.json()["reported"]
    assert (reported["verdict"], reported["state"], reported["sequence"]) == ("unsent", "FULL", 5)
    assert (reported["pages"], reported["faults"]) == (None, ["door-open"])
    assert city.execute(ROWS)[0][4] == "http"


@pytest.mark.parametrize(
    ("body", "field"),
    [(b"{", "not a JSON document"), ({"state": "FULL"}, "sequence"), ({"dark": True, "at": "noon"}, "at")],
)
def test_what_cannot_be_read_is_a_problem_with_its_field(
    api: ApiServer, city: City, body: object, field: str
) -> None:
    answer = post(api, body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert city.execute(ROWS) == []


def test_a_sign_that_is_not_there_says_nothing(api: ApiServer) -> None:
    assert post(api, {"dark": True}, "nobodys-sign").status_code == 404


def test_without_the_database_it_is_said_so(city: City, api: ApiServer) -> None:
    city.cut()
    try:
        assert post(api, {"dark": True}).status_code == 503
    finally:
        city.mend()
    eventually(lambda: post(api, {"dark": True}).status_code == 200)
