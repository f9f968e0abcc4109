"""The HTTP answers on a real database and a real port."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from api import schemas
from api.config import ApiConfig
from api.sign_schemas import OneSign
from occupancy.model import AreaId, SignId
from occupancy.registry import Registry
from tests.support.api_server import ApiServer, running_api
from tests.support.derived_rows import AREA, NOW, DerivedRows, group, street


class Clock:
    def __init__(self) -> None:
        self.now = NOW + timedelta(seconds=2)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rows(database_url: str) -> Iterator[DerivedRows]:
    with DerivedRows(database_url) as rows:
        rows.register("area", "cardiff", AREA)
        rows.register(
            "rule",
            "wait-2h",
            {
                "area_id": "cardiff",
                "use": "limited_waiting",
                "days": "mon-sat",
                "starts": "08:00",
                "ends": "18:00",
                "max_stay_min": 120,
            },
        )
        rows.register(
            "rule",
            "homes",
            {"area_id": "cardiff", "use": "resident", "days": "daily", "permit_areas": ["A"]},
        )
        rows.register("rule", "works", {"area_id": "cardiff", "use": "suspended", "days": "mon-sun"})
        for number in range(3):
            rows.register("zone", f"s{number}", street(number))
        for bay_id, rule in (("b1", "wait-2h"), ("b2", "works")):
            rows.register(
                "bay",
                bay_id,
                {
                    "zone_id": "s1",
                    "area_id": "cardiff",
                    "bay_type": "standard",
                    "lat": 51.48,
                    "lon": -3.18,
                    "rule_ids": [rule],
                },
            )
        rows.register(
            "sign",
            "north-rd",
            {
                "area_id": "cardiff",
                "name": {"en": "North Road"},
                "zone_ids": ["s0"],
                "lat": 51.5,
                "lon": -3.18,
            },
        )
        rows.go_live(NOW)
        rows.commit_zones(
            {
                "s0": [
                    group(5, 1, terms={}),
                    group(7, 0, access=["permit:A"], terms={"rule_ids": ["homes"]}),
                ],
                "s1": [group(0, 1, 0, 1, max_stay_min=120, terms={"rule_ids": ["wait-2h"]})],
            },
            watermark=NOW,
        )
        rows.bay("b1", "occupied", since=NOW - timedelta(minutes=9), as_of=NOW)
        yield rows


@pytest.fixture
def api(database_url: str, rows: DerivedRows, clock: Clock) -> Iterator[ApiServer]:
    with running_api(ApiConfig(database_url=database_url), clock) as running:
        yield running


def shaped(model: type[BaseModel], answer: httpx.Response) -> Any:
    """Hold an answer against the published shape, and return it."""
    assert answer.status_code == 200, answer.text
    model.model_validate_json(answer.content, strict=False)
    return answer.json()


def problem(answer: httpx.Response, status: int, kind: str | None = None) -> Any:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == status
    assert document["type"] == ("about:blank" if kind is None else f"urn:baycast:problem:{kind}")
    return document


def test_answers_have_the_published_shape(api: ApiServer) -> None:
    zones = shaped(schemas.Snapshot, api.get("/v1/availability"))["zones"]
    assert [zone["id"] for zone in zones] == ["s0", "s1", "s2"]
    near = shaped(schemas.Snapshot, api.get("/v1/availability?near=51.48,-3.18&radius_m=200"))["zones"]
    assert [zone["id"] for zone in near] == ["s0", "s1"]
    assert near[0]["distance_m"] < near[1]["distance_m"]
    shaped(schemas.FeatureCollection, api.get("/v1/availability?format=geojson"))
    shaped(schemas.OneZone, api.get("/v1/zones/s0"))
    shaped(schemas.SignList, api.get("/v1/signs"))
    shaped(OneSign, api.get("/v1/signs/north-rd"))
    shaped(schemas.Alive, api.get("/healthz"))
    shaped(schemas.Ready, api.get("/readyz"))


def test_l12_usable_is_for_the_driver_and_the_stay(api: ApiServer) -> None:
    def free(query: str) -> int:
        zones = api.get(f"/v1/availability{query}").json()["zones"]
        return int(next(zone for zone in zones if zone["id"] == "s0")["usable"]["free"])

    assert free("") == 5
    assert free("?for=permit:A") == 12
    assert free("?for=permit:B&stay_min=60") == 5
    zone = api.get("/v1/zones/s1?stay_min=121").json()
    assert (zone["capacity"], zone["usable"]["capacity"]) == (2, 0)


def test_filters_take_what_they_say(api: ApiServer) -> None:
    def ids(query: str) -> list[str]:
        return [zone["id"] for zone in api.get(f"/v1/availability?{query}").json()["zones"]]

    assert ids("zones=s1,s2") == ["s1", "s2"]
    assert ids("min_free=1") == ["s0"]
    assert ids("kind=car_park") == []
    assert ids("area=cardiff&kind=street") == ["s0", "s1", "s2"]
    assert ids("bbox=-3.1785,51,-3.1775,52") == ["s1"]


def test_pages_go_through_everything(api: ApiServer) -> None:
    first = shaped(schemas.ZonePage, api.get("/v1/zones?limit=2"))
    rest = shaped(schemas.ZonePage, api.get(f"/v1/zones?limit=2&after={first['next']}"))

    assert [zone["id"] for zone in first["zones"] + rest["zones"]] == ["s0", "s1", "s2"]
    assert rest["next"] is None
    assert first["zones"][0]["line"] == [[-3.18, 51.48], [-3.1785, 51.48]]


def test_bays_say_state_evidence_and_rules(api: ApiServer) -> None:
    document = shaped(schemas.BayPage, api.get("/v1/zones/s1/bays"))
    seen, suspended = document["bays"]

    assert (seen["state"], seen["since"], seen["as_of"]) == (
        "occupied",
        "2026-11-18T11:51:00Z",
        "2026-11-18T12:00:00Z",
    )
    assert (seen["access"], seen["max_stay_min"], seen["rules_in_force"]) == (["general"], 120, ["wait-2h"])
    assert (suspended["state"], suspended["since"], suspended["access"]) == ("closed", None, [])
    assert api.get("/v1/zones/s1/bays?limit=1").json()["next"] == "b1"
    assert [bay["id"] for bay in api.get("/v1/zones/s1/bays?after=b1").json()["bays"]] == ["b2"]


def test_polling_costs_nothing_until_something_changes(api: ApiServer, rows: DerivedRows) -> None:
    first = api.get("/v1/availability")
    again = api.get("/v1/availability", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    rows.commit_zones({"s0": [group(4, 2)]}, watermark=NOW)
    changed = api.until("/v1/availability", lambda answer: answer.headers["etag"] != first.headers["etag"])
    assert changed.json()["version"] != first.json()["version"]
    assert changed.json()["zones"][0]["free"] == 4


def test_l4_what_is_too_old_is_taken_back(api: ApiServer, clock: Clock) -> None:
    fresh = api.get("/v1/availability").json()
    clock.now = NOW + timedelta(seconds=31)
    stale = api.until("/v1/availability", lambda answer: answer.json()["stale"]).json()
    clock.now = NOW + timedelta(seconds=301)
    down = api.until("/v1/availability", lambda answer: answer.json()["zones"][0]["free"] == 0).json()

    assert stale["zones"][0]["free"] == fresh["zones"][0]["free"] == 12
    assert (down["zones"][0]["unknown"], down["zones"][0]["free_max"]) == (13, 13)
    assert down["zones"][1]["closed"] == 1
    assert len({fresh["version"], stale["version"], down["version"]}) == 3
    assert api.get("/v1/zones/s1/bays").json()["bays"][0]["state"] == "unknown"
    assert api.get("/v1/signs/north-rd/frame").json()["pages"] == []
    ready = api.get("/readyz")
    assert ready.status_code == 503
    assert "301 s old" in ready.json()["reasons"][0]


def test_l6_the_frame_is_the_newest_on_record_for_what_is_left_of_its_ttl(
    api: ApiServer, rows: DerivedRows
) -> None:
    path = "/v1/signs/north-rd/frame"
    before = shaped(schemas.Frame, api.get(path))
    assert (before["state"], before["sequence"], before["pages"]) == ("UNKNOWN", 0, [])

    rows.sign_frame("north-rd", 7, ["5 LLE", "5 SPACES"], age_s=50)
    answer = api.until(path, lambda answer: answer.json()["sequence"] == 7)
    frame = shaped(schemas.Frame, answer)
    assert answer.headers["cache-control"] == "no-store"
    assert [page["lines"] for page in frame["pages"]] == [["5 LLE"], ["5 SPACES"]]
    assert (frame["state"], frame["versions"]) == ("SPACES", {})
    assert 1 <= frame["ttl_s"] <= 10


def test_l6_past_its_ttl_a_frame_is_blank_and_keeps_its_sequence(api: ApiServer, rows: DerivedRows) -> None:
    rows.sign_frame("north-rd", 7, ["5 LLE", "5 SPACES"], age_s=61)
    path = "/v1/signs/north-rd/frame"
    dark = shaped(schemas.Frame, api.until(path, lambda answer: answer.json()["sequence"] == 7))
    assert (dark["state"], dark["pages"], dark["ttl_s"]) == ("UNKNOWN", [], 60)
    rows.sign_frame("north-rd", 8, ["5 LLE", "5 SPACES"], ttl_s=3)
    api.until(path, lambda answer: answer.json()["pages"])
    gone = api.until(path, lambda answer: not answer.json()["pages"]).json()
    assert gone["sequence"] == 8


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


def test_l9_a_fault_of_ours_shows_no_internals(api: ApiServer) -> None:
    def broken(*_args: object) -> bytes:
        raise ValueError("secret detail")

    api.live.board.select = broken  # type: ignore[method-assign, assignment]
    answer = api.get("/v1/availability?kind=street")

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


def test_head_is_get_without_the_body(api: ApiServer, caplog: pytest.LogCaptureFixture) -> None:
    head, get = httpx.head(api.url + "/v1/zones/s0"), api.get("/v1/zones/s0")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == get.headers["etag"]
    assert head.headers["content-length"] == get.headers["content-length"]
    assert not [record for record in caplog.records if record.levelname == "ERROR"], (
        "the server found fault with it"
    )


def test_every_answer_is_guarded(api: ApiServer) -> None:
    for path in ("/", "/v1/zones", "/v1/none", "/metrics"):
        headers = api.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]


def test_metrics_count_by_route_not_by_path(api: ApiServer) -> None:
    api.get("/v1/zones/s0")
    api.get("/v1/zones/some-typing-error")
    text = api.get("/metrics").text

    assert 'baycast_api_requests_total{route="/v1/zones/{zone_id}",status="200"}' in text
    assert "some-typing-error" not in text
    assert "baycast_feed_followed_seconds" in text


def test_lost_database_is_said_and_the_last_answer_stands_until_it_is_old(
    database_url: str, rows: DerivedRows, clock: Clock
) -> None:
    with running_api(ApiConfig(database_url=database_url, ready_feed_s=1.5), clock) as api:
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


def test_sign_of_an_area_whose_numbers_have_not_come_is_not_there_yet(api: ApiServer) -> None:
    live = api.live
    api.until("/v1/signs/north-rd/frame", lambda answer: answer.status_code == 200)
    live.feed.registries[AreaId("newport")] = (registry := Registry())
    registry.signs[SignId("south-rd")] = live.feed.registries[AreaId("cardiff")].signs[SignId("north-rd")]
    problem(api.get("/v1/signs/south-rd/frame"), 404, "not-found")
