"""Forecasts on a real database and a real port: from history to the answer."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from api import schemas
from api.config import ApiConfig
from tests.support.api_server import ApiServer, Clock, running_api
from tests.support.derived_rows import NOW, DerivedRows
from tests.support.forecast_streets import a_month, forecast_streets, points, zone_of


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW + timedelta(seconds=2))


@pytest.fixture
def rows(database_url: str) -> Iterator[DerivedRows]:
    with forecast_streets(database_url) as rows:
        yield rows


@pytest.fixture
def api(database_url: str, rows: DerivedRows, clock: Clock) -> Iterator[ApiServer]:
    with running_api(ApiConfig(database_url=database_url, profiles_every_s=0.05), clock) as running:
        yield running


def test_l5_prior_before_there_is_history_and_typical_after(api: ApiServer, rows: DerivedRows) -> None:
    document = api.get("/v1/zones/s0/forecast").json()
    assert (document["zone"], document["for"], document["skill"]) == ("s0", "general", None)
    assert (document["issued_at"], document["data_as_of"]) == ("2026-11-18T12:00:02Z", "2026-11-18T12:00:00Z")
    before = points(api, "s0")
    assert [point["in_min"] for point in before] == [5, 15, 30, 60, 120, 240, 1440]
    assert {point["source"] for point in before} == {"prior"}
    assert before[0]["expected_free"] == pytest.approx(6, abs=0.2)

    rows.cells("s0", a_month(0.25))
    api.until("/v1/zones/s0/forecast", lambda answer: answer.json()["points"][0]["source"] == "typical")
    after = points(api, "s0")
    assert {point["source"] for point in after} == {"typical"}
    assert after[0]["expected_free"] < after[3]["expected_free"] < after[-1]["expected_free"]
    assert after[-1]["expected_free"] == pytest.approx(9, abs=0.5)
    assert after[-1]["cells"] == 4
    assert after[-1]["free_high"] - after[-1]["free_low"] <= before[-1]["free_high"] - before[-1]["free_low"]


def test_l4_no_evidence_is_no_claim_until_there_is_history(api: ApiServer, rows: DerivedRows) -> None:
    unknown = points(api, "s1")[0]
    assert (unknown["expected_free"], unknown["p_any"], unknown["free_high"]) == (None, None, 12)

    rows.cells("s1", a_month(0.5))
    api.until("/v1/zones/s1/forecast", lambda answer: answer.json()["points"][0]["p_any"] is not None)
    assert points(api, "s1")[0]["expected_free"] == pytest.approx(6)


def test_l4_behind_a_dead_pipeline_nothing_is_forecast(
    api: ApiServer, rows: DerivedRows, clock: Clock
) -> None:
    rows.cells("s0", a_month(0.25))
    api.until("/v1/zones/s0/forecast", lambda answer: answer.json()["points"][0]["source"] == "typical")
    clock.now = NOW + timedelta(seconds=301)
    down = api.until("/v1/zones/s0/forecast", lambda answer: answer.json()["points"][0]["p_any"] is None)

    assert down.json()["stale"] is True
    assert [point["expected_free"] for point in down.json()["points"]] == [None] * 7
    assert zone_of(api, "arrive_in=10")["forecast"]["expected_free"] is None


def test_l12_closed_and_reserved_bays_are_not_usable_on_arrival(api: ApiServer) -> None:
    (closed,) = points(api, "s0", "?arrive_at=2026-11-18T20:30:00Z")
    assert (closed["closed"], closed["usable_capacity"], closed["expected_free"]) == (True, 0, 0)
    assert [point["usable_capacity"] for point in points(api, "s2")] == [0] * 7
    (resident,) = points(api, "s2", "?for=permit:A&arrive_in=10")
    assert (resident["usable_capacity"], resident["closed"]) == (12, False)


def test_l5_an_arrival_stands_beside_the_live_numbers(api: ApiServer) -> None:
    plain, arriving = zone_of(api, ""), zone_of(api, "arrive_in=12")
    forecast = arriving.pop("forecast")

    assert arriving == plain
    assert (forecast["in_min"], forecast["at"]) == (12, "2026-11-18T12:12:02Z")
    assert forecast["source"] == "prior"
    near = zone_of(api, "near=51.48,-3.18&radius_m=50&arrive_at=2026-11-18T12:12:02Z")
    assert (near["forecast"], near["distance_m"]) == (forecast, 0)
    features = api.get("/v1/availability?format=geojson&arrive_in=12")
    schemas.FeatureCollection.model_validate_json(features.content)
    assert features.json()["features"][0]["properties"]["forecast"] == forecast
    assert features.headers["cache-control"] == "public, max-age=1, stale-while-revalidate=4"
    one = api.get("/v1/zones/s0/forecast?arrive_in=12")
    assert one.json()["points"] == [forecast]
    again = api.get("/v1/zones/s0/forecast?arrive_in=12", headers={"If-None-Match": one.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("query", "parameter", "fix"),
    [
        ("arrive_in=5&arrive_at=2026-11-18T12:12:02Z", "arrive_at", "one of the two"),
        ("arrive_in=1441", "arrive_in", "1440"),
        ("arrive_in=-1", "arrive_in", "0"),
        ("arrive_in=soon", "arrive_in", "integer"),
        ("arrive_at=2026-11-18T12:12:02", "arrive_at", "offset"),
        ("arrive_at=2026-11-18T12:12:02+00:00", "arrive_at", "%2B"),
        ("arrive_at=2026-11-18T11:12:02Z", "arrive_at", "in the past"),
        ("arrive_at=2026-11-19T12:12:02Z", "arrive_at", "24 hours"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/availability", "/v1/zones/s0/forecast"])
def test_arrivals_that_cannot_be_are_named(
    api: ApiServer, path: str, query: str, parameter: str, fix: str
) -> None:
    answer = api.get(f"{path}?{query}")

    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["parameter"] == parameter
    assert fix in answer.json()["detail"]


def test_l9_what_is_not_there_is_a_problem(api: ApiServer) -> None:
    assert api.get("/v1/zones/nowhere/forecast").status_code == 404
    assert api.get("/v1/zones/s0/forecast?arrive=5").status_code == 400
    assert api.get("/v1/zones?arrive_in=5").status_code == 400


def test_a_lost_database_leaves_the_profiles_as_they_were(api: ApiServer, rows: DerivedRows) -> None:
    rows.cells("s0", a_month(0.25))
    api.until("/v1/zones/s0/forecast", lambda answer: answer.json()["points"][0]["source"] == "typical")
    api.live.profiles._history._url = "postgresql://127.0.0.1:1/nothing"
    api.live.profiles._history._connection.terminate()

    assert points(api, "s0")[0]["source"] == "typical"


def test_l12_an_arrival_is_answered_by_the_overrides_known_for_its_time(
    api: ApiServer, rows: DerivedRows
) -> None:
    """A closure from 13:00 to 14:00 of the whole street, and for good of four bays of another."""
    times = {"starts_at": "2026-11-18T13:00:00Z", "ends_at": "2026-11-18T14:00:00Z"}
    rows.override("works", {"kind": "closure", "zone_ids": ["s0"], **times})
    four = [f"s1-{number}" for number in range(4)]
    rows.override("crane", {"kind": "suspension", "bay_ids": four, "starts_at": "2026-11-18T12:30:00Z"})
    path = "/v1/availability?arrive_at=2026-11-18T13:30:00Z"
    api.until(path, lambda answer: answer.json()["zones"][0]["forecast"]["closed"])
    closed = zone_of(api, "arrive_at=2026-11-18T13:30:00Z")
    assert (closed["forecast"]["usable_capacity"], closed["forecast"]["p_any"]) == (0, 0.0)
    assert closed["closed"] == 0, "the live numbers are of now"
    assert [point["usable_capacity"] for point in points(api, "s0")] == [12, 12, 12, 0, 12, 12, 12]
    assert [point["usable_capacity"] for point in points(api, "s1")] == [12, 12, 8, 8, 8, 8, 8]
    assert zone_of(api, "arrive_in=120")["forecast"]["usable_capacity"] == 12
