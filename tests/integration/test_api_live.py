"""The live feed over real sockets: WebSocket and server-sent events."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.sync.client import connect

from tests.support.api_server import ApiServer
from tests.support.asyncapi import checked
from tests.support.derived_rows import NOW, DerivedRows, group, told_streets
from tests.support.live_feed import WITHIN_S, read, read_change, serving


@pytest.fixture
def rows(database_url: str) -> Iterator[DerivedRows]:
    with told_streets(database_url, 3) as rows:
        yield rows


@pytest.fixture
def api(database_url: str, rows: DerivedRows) -> Iterator[ApiServer]:
    with serving(database_url) as running:
        yield running


def test_snapshot_then_deltas_whose_versions_chain(api: ApiServer, rows: DerivedRows) -> None:
    with connect(api.ws) as client:
        first = read(client)
        rows.commit_zones({"s1": [group(4, 6)]}, watermark=NOW)
        second = read_change(client)

    assert first["type"] == "snapshot"
    assert [zone["free"] for zone in first["zones"]] == [5, 5, 5]
    assert (second["type"], [(zone["id"], zone["free"]) for zone in second["zones"]]) == (
        "delta",
        [("s1", 4)],
    )
    assert second["version"] == api.get("/v1/availability").json()["version"]


def test_snapshot_says_what_get_says(api: ApiServer) -> None:
    with connect(api.ws + "?for=permit:A&zones=s0,s2") as client:
        told = read(client)

    asked = api.get("/v1/availability?for=permit:A&zones=s0,s2").json()
    for key in ("version", "as_of", "stale", "zones"):
        assert told[key] == asked[key], key


def test_heartbeat_carries_version_and_as_of(api: ApiServer) -> None:
    with connect(api.ws) as client:
        first = read(client)
        beat = read(client)

    assert (beat["type"], beat["version"]) == ("heartbeat", first["version"])
    assert beat["as_of"] == "2026-11-18T12:00:00Z"


def test_resume_at_another_server_misses_nothing(database_url: str, rows: DerivedRows) -> None:
    with serving(database_url) as one, connect(one.ws) as client:
        seen = read(client)["version"]
    for free in (4, 3):
        rows.commit_zones({"s2": [group(free, 10 - free)]}, watermark=NOW)
    with serving(database_url) as other, connect(f"{other.ws}?since={seen}") as client:
        message = read(client)

    assert (message["type"], message["prev"]) == ("delta", seen)
    assert [(zone["id"], zone["free"]) for zone in message["zones"]] == [("s2", 3)]


def test_new_generation_is_a_snapshot(api: ApiServer, rows: DerivedRows) -> None:
    with connect(api.ws) as client:
        read(client)
        rows.generation = 2
        rows.go_live(NOW)
        message = read_change(client)

    assert message["type"] == "snapshot"
    assert all(zone["free"] == 0 for zone in message["zones"])


def test_subscription_is_changed_in_flight(api: ApiServer, rows: DerivedRows) -> None:
    with connect(api.ws + "?zones=s0,s1") as client:
        first = read(client)
        client.send(['{"type": "subscribe", "id": "map", ', '"zones": "s1,s2"}'])
        answer, delta = read_change(client), read(client)
        rows.commit_zones({"s0": [group(1, 9)], "s2": [group(2, 8)]}, watermark=NOW)
        after = read_change(client)

    assert first["reason"] == "first"
    assert answer == {"type": "subscribed", "id": "map", "gone": ["s0"]}
    assert (delta["type"], [zone["id"] for zone in delta["zones"]]) == ("delta", ["s2"])
    assert [(zone["id"], zone["free"]) for zone in after["zones"]] == [("s2", 2)]


@pytest.mark.parametrize(
    ("message", "status", "kind"),
    [
        ("[" * 4000, 422, "invalid-message"),
        (b"\xff\xfe", 422, "invalid-message"),
        ("[]", 422, "invalid-message"),
        ("{}", 422, "invalid-parameter"),
        ('{"type": "subscribe", "id": 1}', 422, "invalid-parameter"),
        ('{"type": "unsubscribe"}', 422, "invalid-parameter"),
        ('{"type": "subscribe", "zone": "s1"}', 400, "unknown-parameter"),
        ('{"type": "subscribe", "since": "x"}', 400, "unknown-parameter"),
        ('{"type": "subscribe", "stay_min": "60"}', 422, "invalid-parameter"),
        ('{"type": "subscribe", "bbox": "1"}', 422, "invalid-parameter"),
        ('{"type": "subscribe", "area": "nowhere"}', 404, "not-found"),
    ],
)
def test_l11_subscription_that_cannot_be_read_harms_nothing(
    api: ApiServer, rows: DerivedRows, message: str | bytes, status: int, kind: str
) -> None:
    with connect(api.ws + "?zones=s1") as client:
        first = read(client)
        client.send(message)
        answer = read_change(client)
        rows.commit_zones({"s1": [group(4, 6)]}, watermark=NOW)
        after = read_change(client)

    assert (answer["type"], answer["problem"]["status"]) == ("problem", status)
    assert answer["problem"]["type"] == f"urn:baycast:problem:{kind}"
    assert (after["type"], after["prev"]) == ("delta", first["version"])


def test_problem_names_the_message(api: ApiServer) -> None:
    with connect(api.ws) as client:
        read(client)
        client.send('{"type": "subscribe", "id": "map", "bbox": "1"}')
        answer = read_change(client)

    assert (answer["id"], answer["problem"]["parameter"]) == ("map", "bbox")


def test_messages_are_compressed_only_when_that_is_asked_for(api: ApiServer, rows: DerivedRows) -> None:
    with connect(api.ws) as plain, connect(api.ws + "?compress=1") as small:
        assert "Sec-WebSocket-Extensions" not in plain.response.headers
        agreed = small.response.headers["Sec-WebSocket-Extensions"]
        assert "server_no_context_takeover" in agreed
        assert "client_no_context_takeover" in agreed
        assert read(small) == read(plain)
        rows.commit_zones({"s1": [group(4, 6)]}, watermark=NOW)
        assert read_change(small)["zones"] == read_change(plain)["zones"]
        small.send('{"type": "subscribe", "zones": "s1"}')
        assert read_change(small)["type"] == "subscribed"
    with connect(api.ws + "?compress=1", compression=None) as able:
        assert read(able)["type"] == "snapshot"


@pytest.mark.parametrize("bits", [8, 9, 12, 15])
def test_compressed_messages_keep_to_the_window_that_was_asked_for(api: ApiServer, bits: int) -> None:
    offers = [ClientPerMessageDeflateFactory(server_max_window_bits=bits)]
    with connect(api.ws + "?compress=1", compression=None, extensions=offers) as client:
        assert len(read(client)["zones"]) == 3


def events(api: ApiServer, headers: dict[str, str] | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    with httpx.stream("GET", api.url + "/v1/live/events", headers=headers, timeout=WITHIN_S) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        id = ""
        for line in answer.iter_lines():
            if line.startswith("id: "):
                id = line[4:]
            elif line.startswith("data: "):
                yield id, checked(json.loads(line[6:]))


def test_server_sent_events_say_the_same_and_resume(api: ApiServer, rows: DerivedRows) -> None:
    stream = events(api)
    seen, first = next(stream)
    stream.close()  # type: ignore[attr-defined]
    rows.commit_zones({"s1": [group(4, 6)]}, watermark=NOW)
    api.until("/v1/zones/s1", lambda answer: answer.json()["free"] == 4)
    resumed = events(api, {"Last-Event-ID": seen})
    _, second = next(resumed)
    resumed.close()  # type: ignore[attr-defined]

    assert (first["type"], seen) == ("snapshot", first["version"])
    assert (second["type"], second["prev"]) == ("delta", seen)
    assert [zone["id"] for zone in second["zones"]] == ["s1"]


def test_listeners_that_go_are_forgotten(api: ApiServer) -> None:
    with connect(api.ws) as client:
        read(client)
    stream = events(api)
    next(stream)
    stream.close()  # type: ignore[attr-defined]

    def gone(answer: httpx.Response) -> bool:
        return all(
            f'baycast_feed_clients{{kind="{kind}"}} 0.0' in answer.text for kind in ("websocket", "sse")
        )

    api.until("/metrics", gone)
    assert api.live.hub.listeners == set()
    assert api.live.fan_out.sockets == set()
