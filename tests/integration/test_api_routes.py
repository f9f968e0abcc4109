"""The HTTP answers on a real database and a real port."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from api import schemas
from api.config import ApiConfig
from api.sign_schemas import OneSign
from tests.support.api_server import ApiServer, Clock, running_api
from tests.support.derived_rows import NOW, DerivedRows, group
from tests.support.small_city import small_city


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW + timedelta(seconds=2))


@pytest.fixture
def rows(database_url: str) -> Iterator[DerivedRows]:
    with small_city(database_url) as rows:
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


def test_head_is_get_without_the_body(api: ApiServer, caplog: pytest.LogCaptureFixture) -> None:
    head, get = httpx.head(api.url + "/v1/zones/s0"), api.get("/v1/zones/s0")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == get.headers["etag"]
    assert head.headers["content-length"] == get.headers["content-length"]
    assert not [record for record in caplog.records if record.levelname == "ERROR"], (
        "the server found fault with it"
    )


def test_metrics_count_by_route_not_by_path(api: ApiServer) -> None:
    api.get("/v1/zones/s0")
    api.get("/v1/zones/some-typing-error")
    text = api.get("/metrics").text

    assert 'baycast_api_requests_total{route="/v1/zones/{zone_id}",status="200"}' in text
    assert "some-typing-error" not in text
    assert "baycast_feed_followed_seconds" in text
