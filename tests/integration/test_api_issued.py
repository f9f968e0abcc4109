"""Issued forecasts as they are answered, on a real database and a real port."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from api import schemas
from api.config import ApiConfig
from occupancy.forecast.issue import Issue, Place
from occupancy.forecast.skill import KindOfDay, Scored, Sums
from occupancy.model import AreaId, Source, ZoneId
from store import forecast_records
from store.forecast_records import Recorder
from store.postgres import connect
from tests.support.api_server import ApiServer, Clock, running_api
from tests.support.derived_rows import NOW, DerivedRows
from tests.support.forecast_streets import a_month, bay_document, forecast_streets, points, zone_of
from tests.support.issues import issue_of
from tests.support.waiting import eventually


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


PLACES = [
    Place(ZoneId("s0"), rule_ids=("night",)),
    Place(ZoneId("s1")),
    Place(ZoneId("s2"), rule_ids=("res",)),
]


def issued(api: ApiServer, url: str, issue: Issue) -> None:
    """Record an issue and wait until the API goes by it."""
    with connect(url) as conn, conn.cursor() as cur:
        assert Recorder().record(cur, issue)
    api.until(
        f"/v1/zones/{issue.places[0].zone_id}/forecast?for=general",
        lambda _: (
            api.live.issued.feed.issues.get(issue.area_id) is not None
            and api.live.issued.feed.issues[issue.area_id].issued_at == issue.issued_at
        ),
    )


def test_l5_an_issued_forecast_is_answered_with_where_it_comes_from(
    api: ApiServer, database_url: str
) -> None:
    issued(api, database_url, issue_of(PLACES, [12] * 3, [0.5, 0.25, 0.75], any_free=0.9, issued_at=NOW))
    point = points(api, "s0", "?arrive_in=30&at_least=4")[0]
    assert point["source"] == "forecast"
    assert (point["model"], point["issued_at"]) == ("2026-11-18", "2026-11-18T12:00:00Z")
    assert (point["data_to"], point["data_age_s"]) == ("2026-11-18T11:59:58Z", 4)
    assert (point["expected_free"], point["p_any"], point["usable_capacity"]) == (6.0, 0.9, 12)
    assert point["free_quantiles"] == [3.6, 4.8, 6.0, 7.2, 8.4]
    assert (point["free_low"], point["free_high"]) == (3, 9)
    assert 0.5 < point["p_at_least"] < point["p_any"]
    assert point["skill"] is None
    assert zone_of(api, "arrive_in=30&at_least=4")["forecast"] == point
    live = zone_of(api, "arrive_in=30")
    assert (live["free"], live["source"]) == (6, "sensor")


def test_l12_only_the_bays_of_the_asker_are_forecast(api: ApiServer, database_url: str) -> None:
    issued(api, database_url, issue_of(PLACES, [12] * 3, [0.5, 0.25, 0.75], issued_at=NOW))
    (shut,) = points(api, "s0", "?arrive_at=2026-11-18T20:30:00Z")
    assert (shut["usable_capacity"], shut["expected_free"], shut["p_any"]) == (0, 0, 0)
    assert (shut["closed"], shut["source"]) == (True, "prior")
    (general,) = points(api, "s2", "?arrive_in=30")
    assert (general["usable_capacity"], general["p_any"]) == (0, 0)
    (resident,) = points(api, "s2", "?arrive_in=30&for=permit:A")
    assert (resident["usable_capacity"], resident["expected_free"]) == (12, 9.0)


def test_fewer_bays_are_usable_where_some_are_suspended_then(
    api: ApiServer, rows: DerivedRows, database_url: str
) -> None:
    issued(api, database_url, issue_of(PLACES, [12] * 3, [0.5, 0.25, 0.75], issued_at=NOW))
    ten = [f"s0-{number}" for number in range(10)]
    rows.override("crane", {"kind": "suspension", "bay_ids": ten, "starts_at": "2026-11-18T12:20:00Z"})
    api.until(
        "/v1/zones/s0/forecast?arrive_in=30",
        lambda answer: answer.json()["points"][0]["usable_capacity"] == 2,
    )
    (before,), (after,) = points(api, "s0", "?arrive_in=15"), points(api, "s0", "?arrive_in=30")
    assert (before["expected_free"], after["expected_free"]) == (6.0, 1.0)
    assert after["p_any"] < before["p_any"]
    assert after["free_high"] == 2


def test_without_a_fresh_issue_what_is_usual_is_told(
    api: ApiServer, rows: DerivedRows, database_url: str, clock: Clock
) -> None:
    issued(api, database_url, issue_of(PLACES, [12] * 3, [0.5, 0.25, 0.75], issued_at=NOW))
    assert points(api, "s0")[0]["source"] == "forecast"
    # Another rule than the issue knows: its bays are of no place of it.
    rows.register("bay", "s1-0", {**bay_document("s1"), "rule_ids": ["night"]})
    api.until("/v1/zones/s1/forecast", lambda answer: answer.json()["points"][0]["model"] is None)
    clock.now = NOW + timedelta(seconds=901)
    rows.move_watermark(clock.now)
    old = api.until(
        "/v1/zones/s0/forecast", lambda answer: answer.json()["points"][0]["expected_free"] is not None
    )
    assert {point["source"] for point in old.json()["points"]} == {"prior"}
    assert old.json()["points"][0]["model"] is None


def test_an_issue_that_cannot_be_read_leaves_the_one_before_and_then_what_is_usual(
    api: ApiServer, rows: DerivedRows, database_url: str, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """As where a newer release issues already: no request fails, and no reader ends."""
    issued(api, database_url, issue_of(PLACES, [12] * 3, [0.5] * 3, issued_at=NOW))
    newer = issue_of(PLACES, [12] * 3, [0.9] * 3, issued_at=NOW + timedelta(minutes=1))
    with connect(database_url) as conn, conn.cursor() as cur:
        Recorder().record(cur, newer)
        cur.execute(
            "UPDATE forecast_issue SET shares = '\\x03' || substr(shares, 2) WHERE issued_at > $1", (NOW,)
        )
    eventually(lambda: "format 3, which is newer" in caplog.text)
    assert points(api, "s0")[0]["issued_at"] == "2026-11-18T12:00:00Z"
    clock.now = NOW + timedelta(seconds=901)
    rows.move_watermark(clock.now)
    old = api.until(
        "/v1/zones/s0/forecast", lambda answer: answer.json()["points"][0]["expected_free"] is not None
    )
    assert old.json()["points"][0]["model"] is None
    issued(api, database_url, issue_of(PLACES, [12] * 3, [0.9] * 3, issued_at=NOW + timedelta(minutes=15)))
    api.until(
        "/v1/zones/s0/forecast",
        lambda answer: answer.json()["points"][0]["issued_at"] == "2026-11-18T12:15:00Z",
    )
    assert caplog.text.count("not readable") == 1, "said once"


def test_what_is_usual_is_told_before_what_a_model_without_history_issues(
    api: ApiServer, rows: DerivedRows, database_url: str
) -> None:
    rows.cells("s0", a_month(0.25))
    api.until("/v1/zones/s0/forecast", lambda answer: answer.json()["points"][0]["source"] == "typical")
    prior = issue_of(PLACES, [12] * 3, [0.5] * 3, issued_at=NOW, source=Source.PRIOR, model="prior")
    issued(api, database_url, prior)
    usual, nothing_known = points(api, "s0")[0], points(api, "s1")[0]
    assert (usual["source"], usual["model"], usual["cells"] > 0) == ("typical", None, True)
    assert (nothing_known["expected_free"], nothing_known["p_any"]) == (None, None)


def test_how_good_forecasts_were_is_told_with_them(api: ApiServer, database_url: str) -> None:
    sums = Sums(200, 10.0, 20.0, 30.0, 5.0, 180, 8.0, 16.0, 32.0)
    scored = {(NOW.date(), 30): Scored({(ZoneId("s0"), KindOfDay.ORDINARY): sums})}
    with connect(database_url) as conn, conn.cursor() as cur:
        forecast_records.add_scores(cur, AreaId("cardiff"), scored, before=None, to=NOW)
    api.live.issued.feed._skill_every_s = 0.0
    issued(api, database_url, issue_of(PLACES, [12] * 3, [0.5, 0.25, 0.75], issued_at=NOW))
    api.until("/v1/zones/s0/forecast", lambda answer: answer.json()["skill"] is not None)
    (point,) = points(api, "s0", "?arrive_in=31")
    skill = point["skill"]
    assert (skill["horizon"], skill["forecasts"], skill["mae"]) == ("30m", 200, 0.05)
    assert (skill["coverage90"], skill["skill"], skill["skill_now"]) == (0.9, 0.5, 0.75)
    assert points(api, "s0", "?arrive_in=5")[0]["skill"] is None


def test_streets_within_a_radius_are_told_of_together(api: ApiServer, database_url: str) -> None:
    issue = issue_of(PLACES, [12] * 3, [0.2] * 3, any_free=0.5, issued_at=NOW)
    issued(api, database_url, issue)
    path = "/v1/availability?near=51.48,-3.18&radius_m=500&for=permit:A&arrive_in=30"
    answer = api.get(path)
    schemas.Snapshot.model_validate_json(answer.content)
    found = answer.json()["within_radius"]
    assert (found["zones"], found["zones_not_known"], found["source"]) == (3, 0, "forecast")
    assert 0.5 < found["p_any"] < 0.875
    features = api.get(f"{path}&format=geojson").json()
    assert features["within_radius"] == found
    one = api.get(path.replace("radius_m=500", "radius_m=50")).json()["within_radius"]
    assert (one["zones"], one["p_any"]) == (1, 0.5)
    assert "within_radius" not in api.get("/v1/availability?arrive_in=30").json()
    far = api.get("/v1/availability?near=50,0&arrive_in=30").json()["within_radius"]
    assert (far["zones"], far["p_any"]) == (0, None)
