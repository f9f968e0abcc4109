"""What the API refuses, and how it says so, on a real database and a real port."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.config import ApiConfig
from occupancy.model import AreaId, SignId
from occupancy.registry import Registry
from tests.support.api_server import ApiServer, running_api
from tests.support.derived_rows import NOW
from tests.support.small_city import problem, small_city


@pytest.fixture(scope="module")
def city_url(module_database_url: str) -> Iterator[str]:
    with small_city(module_database_url):
        yield module_database_url


def serving(url: str, **more: Any) -> AbstractContextManager[ApiServer]:
    return running_api(ApiConfig(database_url=url, **more), lambda: NOW + timedelta(seconds=2))


@pytest.fixture(scope="module")
def api(city_url: str) -> Iterator[ApiServer]:
    """One for all that change nothing of it."""
    with serving(city_url) as running:
        yield running


@pytest.fixture
def own_api(city_url: str) -> Iterator[ApiServer]:
    """One that may be broken."""
    with serving(city_url) as running:
        yield running


@pytest.mark.parametrize(
    "path",
    [
        "/v1/zones/nowhere",
        "/v1/zones/nowhere/bays",
        "/v1/signs/none",
        "/v1/signs/none/frame",
        "/v1/availability?area=x",
    ],
)
def test_l9_what_is_not_there_is_a_problem(api: ApiServer, path: str) -> None:
    problem(api.get(path), 404, "not-found")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("bbox=1,2", "bbox"),
        ("near=here", "near"),
        ("for=king", "for"),
        ("stay_min=0", "stay_min"),
        ("stay_min=1e3", "stay_min"),
        ("min_free=-1", "min_free"),
        ("kind=sea", "kind"),
        ("format=xml", "format"),
        ("near=51,-3&radius_m=nan", "radius_m"),
        ("radius_m=50", "radius_m"),
        ("near=1_0,0", "near"),
        ("near=51,-3&radius_m=1e9", "radius_m"),
        ("zones=" + ",".join(["z"] * 501), "zones"),
    ],
)
def test_values_that_cannot_be_read_are_named(api: ApiServer, query: str, parameter: str) -> None:
    assert problem(api.get(f"/v1/availability?{query}"), 422, "invalid-parameter")["parameter"] == parameter


def test_unknown_parameters_are_refused_with_the_known_ones(api: ApiServer) -> None:
    document = problem(api.get("/v1/availability?raduis=5"), 400, "unknown-parameter")
    assert document["parameter"] == "raduis"
    assert {"for", "near", "radius_m", "bbox"} <= set(document["known"])
    problem(api.get("/v1/zones/s0?arrive_in=600"), 400, "unknown-parameter")
    problem(api.get("/v1/zones/s0?zone=1"), 400, "unknown-parameter")


def test_l8_requests_are_bounded(api: ApiServer) -> None:
    problem(api.get("/v1/availability?area=" + "a" * 5000), 414, "query-too-long")
    problem(api.get("/v1/availability?area=a&area=b"), 400, "repeated-parameter")
    problem(api.get("/v1/availability?area=a&%61rea=b"), 400, "repeated-parameter")
    problem(httpx.request("GET", api.url + "/v1/zones", content=b"x" * 70_000), 413, "body-too-large")


def test_l9_other_methods_and_paths_are_problems(api: ApiServer) -> None:
    problem(api.get("/v1"), 404)
    problem(api.get("/static/..%2Fapp.py"), 404)
    posted = httpx.post(api.url + "/v1/zones")
    problem(posted, 405)
    assert posted.headers["allow"] == "GET, HEAD, OPTIONS"
    several = httpx.patch(api.url + "/v1/admin/overrides")
    problem(several, 405)
    assert several.headers["allow"] == "GET, HEAD, POST"


def test_l9_a_fault_of_ours_shows_no_internals(own_api: ApiServer) -> None:
    def broken(*_args: object) -> bytes:
        raise ValueError("secret detail")

    own_api.live.board.select = broken  # type: ignore[method-assign, assignment]
    answer = own_api.get("/v1/availability?kind=street")

    assert "secret" not in answer.text
    problem(answer, 500, "internal")


def test_any_page_may_read_but_only_read(api: ApiServer) -> None:
    read = api.get("/v1/availability", headers={"Origin": "https://app.example"})
    asked = httpx.options(api.url + "/v1/availability", headers={"Origin": "https://app.example"})

    assert read.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in read.headers
    assert (asked.status_code, asked.headers["access-control-allow-methods"]) == (204, "GET, HEAD")
    assert "access-control-allow-origin" not in api.get("/metrics").headers
    problem(httpx.options(api.url + "/metrics"), 405)


def test_every_answer_is_guarded(api: ApiServer) -> None:
    for path in ("/", "/v1/zones", "/v1/none", "/metrics"):
        headers = api.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]


def test_lost_database_is_said_and_the_last_answer_stands_until_it_is_old(
    city_url: str,
) -> None:
    with serving(city_url, ready_feed_s=1.5) as api:
        api.live.feed._following.url = "postgresql://127.0.0.1:1/nothing"
        api.live.feed._following.connection.terminate()

        api.until("/readyz", lambda answer: answer.status_code == 503)
        assert api.get("/healthz").status_code == 200
        assert api.get("/v1/availability").status_code == 200
        bays = api.get("/v1/zones/s1/bays")
    problem(bays, 503, "database")
    assert bays.headers["retry-after"] == "5"


def test_l8_too_many_headers_are_refused(api: ApiServer) -> None:
    assert api.get("/healthz", headers={"X-Much": "x" * 30_000}).status_code == 200
    problem(api.get("/healthz", headers={"X-Much": "x" * 40_000}), 431, "headers-too-large")


def test_nobody_is_sent_where_the_host_header_says(api: ApiServer) -> None:
    answer = api.get("/v1/zones/", headers={"Host": "evil.example"})
    assert answer.status_code == 404
    assert "location" not in answer.headers


def test_sign_of_an_area_whose_numbers_have_not_come_is_not_there_yet(own_api: ApiServer) -> None:
    live = own_api.live
    own_api.until("/v1/signs/north-rd/frame", lambda answer: answer.status_code == 200)
    live.feed.registries[AreaId("newport")] = (registry := Registry())
    registry.signs[SignId("south-rd")] = live.feed.registries[AreaId("cardiff")].signs[SignId("north-rd")]
    problem(own_api.get("/v1/signs/south-rd/frame"), 404, "not-found")
