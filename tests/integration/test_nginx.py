"""The cache configuration that we ship, run by a real nginx before the real API."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import zstandard
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from api.config import ApiConfig
from tests.support.api_server import ApiServer, running_api
from tests.support.derived_rows import AREA, NOW, DerivedRows, group, street
from tests.support.nginx import NGINX, nginx_before
from tests.support.waiting import eventually

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
BOARD = "/v1/availability"


@dataclass
class Before:
    """nginx, and the API behind it."""

    port: int
    api: ApiServer
    rows: DerivedRows

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(
            f"http://127.0.0.1:{self.port}{path}",
            headers={
                "Accept-Encoding": "",
                **{name.replace("_", "-"): each for name, each in headers.items()},
            },
            timeout=10,
        )

    def raw(self, path: str, coding: str) -> tuple[str, bytes]:
        url = f"http://127.0.0.1:{self.port}{path}"
        with httpx.stream("GET", url, headers={"Accept-Encoding": coding}, timeout=10) as answer:
            return answer.headers.get("Content-Encoding", ""), b"".join(answer.iter_raw())

    def asked(self, route: str) -> float:
        """How many requests came through to the API."""
        lines = self.api.get("/metrics").text.splitlines()
        name = f'baycast_api_requests_total{{route="{route}"'
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


@pytest.fixture
def before(database_url: str, tmp_path: Path) -> Iterator[Before]:
    with DerivedRows(database_url) as rows:
        rows.register("area", "cardiff", AREA)
        for number in range(5):
            rows.register("zone", f"s{number}", street(number))
        rows.go_live(NOW)
        rows.commit_zones({f"s{number}": [group(5, 5)] for number in range(5)}, watermark=NOW)
        config = ApiConfig(database_url=database_url, heartbeat_s=0.2, live_per_address=1)
        with (
            running_api(config, lambda: NOW + timedelta(seconds=1)) as api,
            nginx_before(api.port, tmp_path) as port,
        ):
            yield Before(port, api, rows)


def test_the_crowd_is_answered_by_the_cache(before: Before) -> None:
    direct = before.api.get(BOARD, headers={"Accept-Encoding": ""})
    first = before.get(BOARD)
    asked = before.asked(BOARD)
    answers = [before.get(BOARD) for _ in range(50)]

    assert (first.content, first.headers["ETag"]) == (direct.content, direct.headers["ETag"])
    assert {answer.content for answer in answers} == {first.content}
    assert {answer.headers["X-Cache"] for answer in answers} <= {"HIT", "UPDATING", "STALE", "REVALIDATED"}
    assert before.asked(BOARD) - asked < 50


def test_what_somebody_has_already_is_304_from_the_cache(before: Before) -> None:
    tag = before.get(BOARD).headers["ETag"]
    again = before.get(BOARD, If_None_Match=tag)

    assert (again.status_code, again.content) == (304, b"")


def test_each_coding_has_its_own_answer(before: Before) -> None:
    plain = before.raw(BOARD, "")[1]
    for _ in range(2):
        assert before.raw(BOARD, "br, gzip") == ("gzip", gzip.compress(plain, 6, mtime=0))
        assert before.raw(BOARD, "gzip, deflate, br, zstd")[0] == "zstd"
        assert before.raw(BOARD, "gzip;q=0, zstd;q=0") == ("", plain)
    packed = before.raw(BOARD, "zstd")[1]
    assert zstandard.ZstdDecompressor().decompressobj().decompress(packed) == plain


def test_a_change_is_seen_within_seconds(before: Before) -> None:
    before.get(BOARD)
    before.rows.commit_zones({"s1": [group(4, 6)]}, watermark=NOW)

    eventually(lambda: before.get(BOARD).json()["zones"][1]["free"] == 4, within_s=15)


def test_who_shows_a_key_is_never_answered_from_the_cache(before: Before) -> None:
    path = "/v1/zones/s1/bays"
    before.get(path)

    answer = before.get(path, Authorization="Bearer nonsense")

    assert (answer.status_code, answer.headers["X-Cache"]) == (401, "BYPASS")
    assert before.get(path).status_code == 200


def test_frames_are_never_kept_and_operators_pages_not_there(before: Before) -> None:
    frame = before.get("/v1/signs/vms-1/frame")

    assert (frame.status_code, frame.json()["type"]) == (404, "urn:baycast:problem:not-found")
    assert "X-Cache" not in frame.headers
    for path in ("/metrics", "/readyz", "/healthz", "/elsewhere"):
        answer = before.get(path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html")  # nginx's own


def test_feed_passes_and_the_asker_is_known_by_address(before: Before) -> None:
    def read(client: Any) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(client.recv(timeout=20))
        return message

    url, somebody = f"ws://127.0.0.1:{before.port}/v1/live", ("127.0.0.2", 0)
    with connect(url, source_address=somebody) as client:
        first = read(client)
        before.rows.commit_zones({"s1": [group(4, 6)]}, watermark=NOW)
        while (delta := read(client))["type"] == "heartbeat":
            pass
        # What askers claim about themselves counts for nothing.
        claim = {"X-Forwarded-For": "198.51.100.8"}
        with (
            pytest.raises(InvalidStatus) as refusal,
            connect(url, source_address=somebody, additional_headers=claim),
        ):
            pass
        with connect(url) as other:
            assert read(other)["type"] == "snapshot"
    assert (delta["prev"], delta["zones"][0]["free"]) == (first["version"], 4)
    assert refusal.value.response.status_code == 429


def test_event_stream_passes_as_it_comes(before: Before) -> None:
    with httpx.stream("GET", f"http://127.0.0.1:{before.port}/v1/live/events", timeout=20) as answer:
        lines = answer.iter_lines()
        data = next(line for line in lines if line.startswith("data: "))
    assert json.loads(data.removeprefix("data: "))["type"] == "snapshot"
