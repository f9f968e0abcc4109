"""The live feed keeps its bounds over real sockets: who is refused, who is closed, and who is let go of."""

from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.support.api_server import ApiServer
from tests.support.derived_rows import NOW, DerivedRows, group, street, told_streets
from tests.support.live_feed import count, read, read_change, read_for_ever, refused, serving
from tests.support.stalled import Stalled
from tests.support.waiting import eventually

_UPGRADE = (
    b"GET /v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture
def rows(database_url: str) -> Iterator[DerivedRows]:
    with told_streets(database_url, 3) as rows:
        yield rows


@pytest.fixture
def api(database_url: str, rows: DerivedRows) -> Iterator[ApiServer]:
    with serving(database_url) as running:
        yield running


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
