"""A sign's WebSocket on the real API and the real publisher, and the reference sign on it."""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from api.config import ApiConfig
from baycast.chaos.proxy import FaultProxy, Toxics
from tests.support.api_server import ApiServer, running_api
from tests.support.asyncapi import checked
from tests.support.brokers import Broker
from tests.support.published_city import SIGN, City, publishing
from tests.support.sign_process import sign_process

TWO = "cy: 2 LLE | en: 2 SPACES"
PATH = f"/v1/signs/{SIGN}/live"


@pytest.fixture
def city(database_url: str) -> Iterator[City]:
    made = City(database_url, ttl_s=2)
    with made.connection:
        made.zone(free=2, occupied=18)
        yield made


@pytest.fixture
def api(city: City) -> Iterator[ApiServer]:
    with running_api(ApiConfig(database_url=city.url, ready_feed_s=1.0)) as running:
        running.until(f"/v1/signs/{SIGN}", lambda answer: answer.status_code == 200)
        yield running


def follow(api: ApiServer) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{api.port}{PATH}")


def told(socket: ClientConnection) -> dict[str, Any]:
    return checked(json.loads(socket.recv(timeout=15)))


def says(message: dict[str, Any]) -> list[str]:
    return [" / ".join(page["lines"]) for page in message.get("pages", ())]


def record(city: City, *, ttl_s: int = 2, age_s: float = 0.0, word: str = "LLAWN") -> int:
    """Put a frame on record as publish would; return its sequence."""
    sequence = time.time_ns() // 1_000_000
    pages = json.dumps([{"language": "cy", "lines": [word]}])
    city.execute(
        "INSERT INTO sign_frame (sign_id, sequence, issued_at, ttl_s, state, pages, versions)"
        " VALUES (%s, %s, clock_timestamp() - %s * interval '1 second', %s, 'FULL', %s, '{}')",
        SIGN,
        sequence,
        age_s,
        ttl_s,
        pages,
    )
    return sequence


def test_frames_come_when_they_are_made_and_again_before_a_third_of_the_ttl(
    city: City, broker: Broker, api: ApiServer
) -> None:
    with publishing(city.url, broker.url), follow(api) as socket:
        heard: list[tuple[float, dict[str, Any]]] = []
        while len([1 for _, message in heard if says(message) == ["2 LLE", "2 SPACES"]]) < 6:
            heard.append((time.monotonic(), told(socket)))
        city.zone(free=0, occupied=20)
        while says(message := told(socket)) != ["LLAWN", "FULL"]:
            heard.append((time.monotonic(), message))
    frames = [(at_s, message) for at_s, message in heard if message["type"] == "frame"]
    sequences = [message["sequence"] for _, message in frames]
    assert sequences == sorted(set(sequences))
    assert all(0 < message["expires_in_ms"] <= 2000 for _, message in frames)
    assert all(message["ttl_s"] == 2 and message["sign_id"] == SIGN for _, message in frames)
    gaps = sorted(after[0] - before[0] for before, after in pairwise(frames))
    assert gaps[len(gaps) // 2] < 2 / 3


def test_l6_who_comes_later_is_told_what_is_left_of_the_ttl(city: City, api: ApiServer) -> None:
    with follow(api) as early:
        assert told(early) == {"type": "dark", "sign_id": SIGN}
        sequence = record(city, ttl_s=60, age_s=20)
        assert told(early)["sequence"] == sequence
        with follow(api) as late:
            message = told(late)
    assert (message["type"], message["sequence"]) == ("frame", sequence)
    assert 30_000 < message["expires_in_ms"] <= 40_000


def test_l6_a_frame_past_its_ttl_is_not_told_and_its_end_is(city: City, api: ApiServer) -> None:
    record(city, ttl_s=5, age_s=6)
    with follow(api) as socket:
        assert told(socket)["type"] == "dark"
        record(city, ttl_s=1)
        assert told(socket)["type"] == "frame"
        assert told(socket)["type"] == "dark"


def test_l6_without_the_database_signs_are_told_to_be_dark(city: City, api: ApiServer) -> None:
    record(city, ttl_s=600)
    with follow(api) as socket:
        while told(socket)["type"] != "frame":
            pass
        city.cut()
        assert told(socket)["type"] == "dark"
        city.mend()
        sequence = record(city, ttl_s=600)
        assert told(socket)["sequence"] == sequence


def test_what_cannot_be_followed_is_refused(api: ApiServer) -> None:
    for path, status in (("/v1/signs/nowhere/live", 404), (f"{PATH}?since=1", 400), ("/v1/signs//live", 404)):
        with pytest.raises(InvalidStatus) as refused:
            connect(f"ws://127.0.0.1:{api.port}{path}")
        assert refused.value.response.status_code == status
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{api.port}{PATH}", origin="https://elsewhere.example")  # type: ignore[arg-type]
    assert refused.value.response.status_code == 403


def test_l8_there_are_only_so_many_followers(city: City) -> None:
    config = ApiConfig(database_url=city.url, listeners_max=1)
    with running_api(config) as api, connect(f"ws://127.0.0.1:{api.port}/v1/live"):
        api.until(f"/v1/signs/{SIGN}", lambda answer: answer.status_code == 200)
        with follow(api) as first:  # the listener takes no seat of a sign
            told(first)
            with pytest.raises(InvalidStatus) as refused:
                follow(api)
    assert refused.value.response.status_code == 503


def test_l8_drivers_behind_the_address_of_a_sign_take_no_seat_of_it(city: City) -> None:
    with running_api(ApiConfig(database_url=city.url, live_per_address=1)) as api:
        api.until(f"/v1/signs/{SIGN}", lambda answer: answer.status_code == 200)
        with connect(f"ws://127.0.0.1:{api.port}/v1/live"), follow(api) as first:
            told(first)
            for path in (PATH, "/v1/live"):
                with pytest.raises(InvalidStatus) as refused:
                    connect(f"ws://127.0.0.1:{api.port}{path}")
                assert refused.value.response.status_code == 429
                assert b"too-many-from-address" in (refused.value.response.body or b"")
            assert api.get("/v1/live/events").status_code == 429
            # A proxy on this machine is believed whom it asks for.
            far = {"X-Forwarded-For": "198.51.100.7"}
            with connect(f"ws://127.0.0.1:{api.port}{PATH}", additional_headers=far) as other:
                told(other)
        api.until("/metrics", lambda answer: 'baycast_feed_clients{kind="websocket"} 0.0' in answer.text)
        with follow(api) as again:
            told(again)


def test_the_reference_sign_follows_and_says_what_it_shows(
    city: City, broker: Broker, api: ApiServer, tmp_path: Path
) -> None:
    key_file = tmp_path / "key"
    secret = city.sign_key()
    key_file.write_text(secret, encoding="utf-8")
    with sign_process(SIGN, "--over", "websocket", "--api", api.url, "--key-file", str(key_file)) as sign:
        assert sign.line() == "(blank)"
        with publishing(city.url, broker.url):
            sign.until(TWO)
            said = api.until(
                f"/v1/signs/{SIGN}", lambda answer: (answer.json()["reported"] or {}).get("state") == "SPACES"
            ).json()["reported"]
            city.cut()
            sign.until("(blank)")
            city.mend()
            sign.until(TWO)
        sign.until("(blank)")  # a clean stop takes everything back
    assert said["verdict"] == "agrees"
    assert [page["lines"] for page in said["pages"]] == [["2 LLE"], ["2 SPACES"]]


def test_l6_the_reference_sign_does_not_believe_bytes_that_were_held_up(city: City, broker: Broker) -> None:
    with ExitStack() as proxied, ExitStack() as served, publishing(city.url, broker.url):
        api = served.enter_context(running_api(ApiConfig(database_url=city.url)))
        api.until(f"/v1/signs/{SIGN}", lambda answer: answer.status_code == 200)
        proxy = FaultProxy("sign", api.port)
        proxy.start()
        proxied.callback(proxy.stop)
        url = f"http://127.0.0.1:{proxy.port}"
        sign = proxied.enter_context(sign_process(SIGN, "--over", "websocket", "--api", url))
        sign.until(TWO)
        proxy.set(Toxics(blackhole=True))
        with follow(api) as other:  # frames go on being sent, and wait in the proxy
            for _ in range(3):
                told(other)
        served.close()
        sign.until("(blank)")
        with pytest.raises(queue.Empty):
            sign.line(within_s=2.0)  # by now every frame in the proxy is past its ttl
        proxy.set(Toxics())
        with pytest.raises(queue.Empty):
            sign.line(within_s=1.5)
