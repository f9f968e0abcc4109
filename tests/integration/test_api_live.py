"""The live feed over real sockets: WebSocket and server-sent events."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NoReturn

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from api.config import ApiConfig
from tests.support.api_server import ApiServer, running_api
from tests.support.asyncapi import checked
from tests.support.derived_rows import NOW, DerivedRows, group, street, told_streets
from tests.support.stalled import Stalled
from tests.support.waiting import eventually

WITHIN_S = 20
_UPGRADE = (
    b"GET /v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture
def rows(database_url: str) -> Iterator[DerivedRows]:
    with told_streets(database_url, 3) as rows:
        yield rows


def serving(database_url: str, **more: Any) -> Any:
    config = ApiConfig(database_url=database_url, **{"heartbeat_s": 0.2, "evict_after_s": 1.0, **more})
    return running_api(config, lambda: NOW + timedelta(seconds=1))


@pytest.fixture
def api(database_url: str, rows: DerivedRows) -> Iterator[ApiServer]:
    with serving(database_url) as running:
        yield running


def read(client: ClientConnection) -> dict[str, Any]:
    return checked(json.loads(client.recv(timeout=WITHIN_S)))


def read_change(client: ClientConnection) -> dict[str, Any]:
    """Return the next message that is not a heartbeat."""
    while (message := read(client))["type"] == "heartbeat":
        pass
    return message


def read_for_ever(client: ClientConnection) -> NoReturn:
    while True:
        read(client)


def refused(api: ApiServer, query: str, **more: Any) -> tuple[int, dict[str, Any]]:
    with pytest.raises(InvalidStatus) as refusal, connect(api.ws + query, **more):
        pass
    answer = refusal.value.response
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, json.loads(answer.body)


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


def test_subscription_that_cannot_be_read_is_refused_before_it_opens(api: ApiServer) -> None:
    assert refused(api, "?zone=s1")[0] == 400
    assert refused(api, "?bbox=1")[0] == 422
    assert refused(api, "?area=nowhere")[0] == 404
    assert refused(api, "?for=ev&for=ev")[0] == 400


def test_pages_of_other_hosts_are_refused(api: ApiServer, database_url: str) -> None:
    assert refused(api, "", origin=Origin("https://evil.example"))[0] == 403
    assert refused(api, "", origin=Origin("null"))[0] == 403
    assert refused(api, "", origin=Origin("http://[::1"))[0] == 403
    with connect(api.ws, origin=Origin(f"http://127.0.0.1:{api.port}")) as client:
        assert read(client)["type"] == "snapshot"
    app = Origin("https://app.example")
    with (
        serving(database_url, allowed_origins=frozenset({app})) as other,
        connect(other.ws, origin=app) as client,
    ):
        assert read(client)["type"] == "snapshot"


def test_l8_one_listener_too_many_is_told_so(database_url: str, rows: DerivedRows) -> None:
    with serving(database_url, listeners_max=1) as api, connect(api.ws) as client:
        read(client)
        status, problem = refused(api, "")
        assert (status, problem["type"]) == (503, "urn:baycast:problem:too-many-listeners")
        assert api.get("/v1/live/events").status_code == 503


def test_l8_listener_that_talks_is_closed(api: ApiServer) -> None:
    with connect(api.ws) as client:
        client.send("x" * 5000)
        with pytest.raises(ConnectionClosed) as closed:
            read_for_ever(client)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


def test_l8_listener_that_never_stops_talking_is_closed(api: ApiServer) -> None:
    with connect(api.ws) as client:
        for _ in range(61):
            client.send("x")
        with pytest.raises(ConnectionClosed) as closed:
            read_for_ever(client)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


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


def test_l8_an_address_has_its_share_of_listeners(database_url: str, rows: DerivedRows) -> None:
    with serving(database_url, live_per_address=1) as api, connect(api.ws) as client:
        read(client)
        status, problem = refused(api, "")
        assert (status, problem["type"]) == (429, "urn:baycast:problem:too-many-from-address")
        assert api.get("/v1/live/events").status_code == 429
        # A proxy on this machine is believed whom it asks for.
        with connect(api.ws, additional_headers={"X-Forwarded-For": "198.51.100.7"}) as other:
            read(other)
            far = {"X-Forwarded-For": "198.51.100.7"}
            assert refused(api, "", additional_headers=far)[0] == 429
            assert api.get("/v1/live/events", headers=far).status_code == 429


def test_l8_stalled_listener_is_evicted_while_the_others_go_on(database_url: str, rows: DerivedRows) -> None:
    for number in range(3, 300):
        rows.register("zone", f"s{number}", street(number))
    everything = {f"s{number}": [group(5, 5)] for number in range(300)}
    with (
        serving(database_url) as api,
        Stalled(api, _UPGRADE) as stuck,
        connect(api.ws, max_size=None) as good,
    ):
        read(good)
        api.until("/metrics", lambda answer: 'baycast_feed_clients{kind="websocket"} 2.0' in answer.text)
        evicted_before = count(api, "baycast_feed_evicted_total")
        rounds = 0
        while count(api, "baycast_feed_evicted_total") == evicted_before:
            rounds += 1
            assert rounds < 500, "the stalled listener was never evicted"
            free = rounds % 10
            rows.commit_zones({zone_id: [group(free, 10 - free)] for zone_id in everything}, watermark=NOW)
            message = read_change(good)
            while message["zones"][0]["free"] != free:
                message = read_change(good)
        api.until("/metrics", lambda answer: 'baycast_feed_clients{kind="websocket"} 1.0' in answer.text)
        rows.commit_zones({"s0": [group(1, 9)]}, watermark=NOW)
        assert read_change(good)["zones"][0]["free"] == 1
        stuck.read_to_the_end()


def test_l8_stalled_event_stream_is_dropped_with_what_waits_for_it(
    database_url: str, rows: DerivedRows
) -> None:
    for number in range(3, 300):
        rows.register("zone", f"s{number}", street(number))
    with serving(database_url) as api, Stalled(api, b"GET /v1/live/events HTTP/1.1\r\nHost: a\r\n\r\n"):
        api.until("/metrics", lambda answer: 'baycast_feed_clients{kind="sse"} 1.0' in answer.text)
        evicted_before = count(api, "baycast_feed_evicted_total")
        rounds = 0
        while count(api, "baycast_feed_evicted_total") == evicted_before:
            rounds += 1
            assert rounds < 500, "the stalled listener was never evicted"
            free = rounds % 10
            rows.commit_zones({f"s{number}": [group(free, 10 - free)] for number in range(300)})
            api.until("/v1/zones/s299", lambda answer, free=free: answer.json()["free"] == free)
        # It reads nothing, so a connection that waits for its buffer to empty would stay.
        eventually(lambda: not api.connections)


def count(api: ApiServer, name: str) -> float:
    lines = api.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


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
