"""What goes out in front of the framework is what the framework would have said, and only for as long as it would."""

import contextlib
import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from api.config import ApiConfig
from tests.support.api_server import ApiServer, running_api
from tests.support.derived_rows import AREA, NOW, DerivedRows, group, street

HEAD = b"Host: here\r\n\r\n"
Reply = tuple[int, dict[str, str], bytes]


@pytest.fixture
def rows(database_url: str) -> Iterator[DerivedRows]:
    with DerivedRows(database_url) as rows:
        rows.register("area", "cardiff", AREA)
        for number in range(8):
            rows.register("zone", f"s{number}", street(number))
        rows.go_live(NOW)
        rows.commit_zones({f"s{number}": [group(2, number)] for number in range(8)})
        yield rows


@pytest.fixture
def api(rows: DerivedRows, database_url: str) -> Iterator[ApiServer]:
    with running_api(ApiConfig(database_url=database_url), clock=lambda: NOW) as server:
        server.until("/v1/availability", lambda answer: len(answer.json()["zones"]) == 8)
        yield server


class Connection:
    """One connection to the server; replies are read one by one, however they come."""

    def __init__(self, wire: socket.socket) -> None:
        self.sendall = wire.sendall
        self.settimeout = wire.settimeout
        self.replies = wire.makefile("rb")

    def makefile(self, _mode: str) -> "Connection":
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self.replies, name)

    def close(self) -> None:
        """A reply that is read does not end the connection."""

    def flush(self) -> None:
        pass


@contextlib.contextmanager
def connected(api: ApiServer) -> Iterator[Connection]:
    with socket.create_connection(("127.0.0.1", api.port), timeout=10) as wire:
        connection = Connection(wire)
        with connection.replies:
            yield connection


def reply(connection: Connection) -> Reply:
    answer = http.client.HTTPResponse(connection)  # type: ignore[arg-type]
    answer.begin()
    body = answer.read()
    headers = {name.lower(): value for name, value in answer.getheaders() if name.lower() != "date"}
    assert answer.getheader("date")
    return answer.status, headers, body


def ask(connection: Connection, target: str, *headers: str) -> Reply:
    lines = "".join(f"{line}\r\n" for line in headers)
    connection.sendall(f"GET {target} HTTP/1.1\r\n{lines}".encode() + HEAD)
    return reply(connection)


def kept(api: ApiServer) -> int:
    """How many requests were answered in front of the framework."""
    return api.live.answers.given


@pytest.mark.parametrize("coding", ["", "Accept-Encoding: gzip", "Accept-Encoding: zstd, gzip"])
@pytest.mark.parametrize(
    "target", ["/v1/availability?area=cardiff&min_free=3", "/v1/zones?limit=4", "/v1/zones/s3"]
)
def test_the_second_answer_is_the_first(api: ApiServer, target: str, coding: str) -> None:
    with connected(api) as connection:
        before = kept(api)
        first = ask(connection, target, *filter(None, [coding]))
        assert kept(api) == before
        second = ask(connection, target, *filter(None, [coding]))
        assert kept(api) == before + 1

        assert second == first
        assert second[0] == 200
        none_new = ask(connection, target, f"If-None-Match: {first[1]['etag']}")
        assert (none_new[0], none_new[2]) == (304, b"")
        assert none_new[1]["etag"] == first[1]["etag"]


def test_a_change_is_seen_at_once(api: ApiServer, rows: DerivedRows) -> None:
    with connected(api) as connection:
        for _ in range(2):
            status, headers, body = ask(connection, "/v1/availability")
        stamp = api.live.board.stamp
        rows.commit_zones({"s3": [group(0, 5)]})
        api.until("/v1/zones/s3", lambda answer: answer.json()["free"] == 0)
        assert api.live.board.stamp > stamp

        status, _, changed = ask(connection, "/v1/availability", f"If-None-Match: {headers['etag']}")

    assert status == 200
    assert {zone["id"] for zone in json.loads(changed)["zones"] if zone not in json.loads(body)["zones"]} == {
        "s3"
    }


def test_requests_in_pieces_and_one_behind_the_other_are_answered_in_order(api: ApiServer) -> None:
    target = b"GET /v1/zones/s1 HTTP/1.1\r\n"
    other = b"GET /v1/zones/s2 HTTP/1.1\r\n"
    with connected(api) as connection:
        one, two = ask(connection, "/v1/zones/s1"), ask(connection, "/v1/zones/s2")
        before = kept(api)
        connection.sendall(target[:9])
        assert api.until("/v1/zones/s1", lambda answer: answer.status_code == 200)
        connection.sendall(target[9:] + HEAD)
        assert reply(connection) == one

        connection.sendall(target + HEAD + other + HEAD)
        assert [reply(connection), reply(connection)] == [one, two]
        connection.sendall(target + HEAD)
        assert reply(connection) == one
    assert kept(api) >= before + 1


def test_what_is_not_plain_goes_to_the_framework(api: ApiServer) -> None:
    with connected(api) as connection:
        for _ in range(2):
            ask(connection, "/v1/zones/s1")
        before = kept(api)
        connection.sendall(b"HEAD /v1/zones/s1 HTTP/1.1\r\n" + HEAD)
        assert connection.readline() == b"HTTP/1.1 200 OK\r\n"
    with connected(api) as connection:
        assert ask(connection, "/v1/zones/s1", "Connection: close")[0] == 200
        assert connection.read(1) == b"", "the connection ends as it was asked to"
    assert kept(api) == before


def test_requests_are_counted_wherever_they_are_answered(api: ApiServer) -> None:
    def counted() -> float:
        name = 'baycast_api_requests_total{route="/v1/zones/{zone_id}",status="200"}'
        lines = api.get("/metrics").text.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))

    with connected(api) as connection:
        ask(connection, "/v1/zones/s5")
        before = counted()
        for _ in range(3):
            ask(connection, "/v1/zones/s5")
    assert counted() == before + 3


def test_a_quiet_connection_is_closed_and_a_busy_one_is_not(api: ApiServer) -> None:
    with connected(api) as connection:
        ask(connection, "/v1/zones/s1")
        ask(connection, "/v1/zones/s1")
        door = next(one for one in api.server.server_state.connections if one.timeout_keep_alive_task)
        loop = door.loop

        loop.call_soon_threadsafe(door.timeout_keep_alive_handler)  # it was answered a moment ago
        assert ask(connection, "/v1/zones/s1")[0] == 200

        door.timeout_keep_alive = 0.0
        loop.call_soon_threadsafe(door.timeout_keep_alive_handler)
        connection.settimeout(10)
        assert connection.read(1) == b""
