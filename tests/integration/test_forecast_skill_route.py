"""`GET /v1/forecast/skill` on a real database and a real port."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from api import forecast_schemas
from api.config import ApiConfig
from occupancy.forecast.skill import Chances, KindOfDay, Scored, Sums
from occupancy.model import AreaId, ZoneId
from store import forecast_records
from store.postgres import connect
from tests.support.api_server import ApiServer, running_api
from tests.support.derived_rows import AREA, NOW, DerivedRows, street

DAY = NOW.date()
PATH = "/v1/forecast/skill?area=cardiff"


def sums(forecasts: int, brier: float) -> Sums:
    return Sums(forecasts, 0.1 * forecasts, 0.2 * forecasts, 0.2 * forecasts, 1, forecasts, brier, 10, 5)


@pytest.fixture
def api(database_url: str) -> Iterator[ApiServer]:
    said = Chances()
    said.forecasts[8], said.said[8], said.came[8] = 30, 25.5, 24
    told = Sums(
        6, 1, 1, 1, 1, 6, 5, 10, 5, zone_answers=4, zone_brier=1, zone_brier_usual=2, zone_brier_now=0
    )
    zones = {(ZoneId(f"s{number}"), KindOfDay.ORDINARY): sums(10, 5) for number in range(3)}
    match = {(ZoneId("s0"), KindOfDay.EVENT): sums(4, 10)}
    found: dict[tuple[date, int], Scored] = {
        (DAY, 30): Scored(zones, {KindOfDay.ORDINARY: said}),
        (DAY, 60): Scored({(ZoneId("s0"), KindOfDay.ORDINARY): told}),
        (DAY - timedelta(days=2), 30): Scored(match),
        (DAY - timedelta(days=40), 30): Scored(zones),
    }
    with DerivedRows(database_url) as rows:
        rows.register("area", "cardiff", AREA)
        for number in range(3):
            rows.register("zone", f"s{number}", street(number))
        rows.go_live(NOW)
        with connect(database_url) as conn, conn.cursor() as cur:
            forecast_records.add_scores(cur, AreaId("cardiff"), found, before=None, to=NOW)
        with running_api(ApiConfig(database_url=database_url), lambda: NOW) as running:
            yield running


def test_anybody_is_told_how_good_forecasts_were(api: ApiServer) -> None:
    answer = api.get(PATH)
    forecast_schemas.SkillReport.model_validate_json(answer.content)
    document = answer.json()
    assert (document["since"], document["until"], document["next"]) == ("2026-10-22", "2026-11-18", None)
    rows = {(row["horizon"], row["kind"]): row for row in document["rows"]}
    assert {key: row["forecasts"] for key, row in rows.items()} == {
        ("30m", "ordinary"): 30,
        ("30m", "event"): 4,
        ("1h", "ordinary"): 6,
    }
    ordinary = rows["30m", "ordinary"]
    assert (ordinary["mae"], ordinary["mae_usual"], ordinary["coverage90"]) == (0.1, 0.2, 1.0)
    assert (ordinary["skill"], ordinary["skill_now"], rows["30m", "event"]["skill"]) == (0.5, 0.0, 0.0)
    assert document["calibration"] == [
        {"horizon": "30m", "from": 0.8, "to": 0.9, "forecasts": 30, "said": 0.85, "came": 0.8}
    ]
    again = api.get(PATH, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_of_one_zone_of_one_horizon_and_of_some_days(api: ApiServer) -> None:
    of_one = api.get(f"{PATH}&zone=s0&horizon=30m").json()["rows"]
    assert [(row["zone"], row["kind"], row["forecasts"]) for row in of_one] == [
        ("s0", "event", 4),
        ("s0", "ordinary", 10),
    ]
    one_day = api.get(f"{PATH}&since=2026-11-16&until=2026-11-16").json()["rows"]
    assert [(row["kind"], row["forecasts"]) for row in one_day] == [("event", 4)]
    before = api.get(f"{PATH}&until=2026-10-20").json()
    assert (before["since"], [row["forecasts"] for row in before["rows"]]) == ("2026-09-23", [30])


def test_a_zone_of_another_area_is_none_of_this_one(api: ApiServer, database_url: str) -> None:
    with DerivedRows(database_url, "barry") as rows:
        rows.register("area", "barry", AREA)
        rows.register("zone", "quay", {**street(0), "area_id": "barry"})
        rows.go_live(NOW)
    there = "/v1/forecast/skill?area=barry&zone=quay"
    api.until(there, lambda answer: answer.status_code == 200)
    answer = api.get(f"{PATH}&zone=quay")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert "quay" in answer.json()["detail"]


def test_one_zone_is_not_asked_for_beside_all(api: ApiServer) -> None:
    both = api.get(f"{PATH}&zone=s0&by=zone")
    assert (both.status_code, both.json()["parameter"]) == (422, "zone")


def test_what_zones_were_told_as_a_whole_stands_beside_their_places(api: ApiServer) -> None:
    rows = {(row["horizon"], row["kind"]): row["whole_zone"] for row in api.get(PATH).json()["rows"]}
    assert rows["30m", "ordinary"] is None
    assert rows["1h", "ordinary"] == {
        "answers": 4,
        "brier": 0.25,
        "brier_usual": 0.5,
        "brier_now": 0.0,
        "skill": 0.5,
        "skill_now": None,
    }
    of_one = api.get(f"{PATH}&by=zone&horizon=1h").json()["rows"]
    assert [(row["zone"], row["whole_zone"]["answers"]) for row in of_one] == [("s0", 4)]


def test_of_each_zone_page_by_page(api: ApiServer) -> None:
    first = api.get(f"{PATH}&by=zone&limit=2").json()
    assert [(row["zone"], row["horizon"], row["forecasts"]) for row in first["rows"]] == [
        ("s0", "30m", 14),
        ("s0", "1h", 6),
        ("s1", "30m", 10),
    ]
    assert first["next"] == "s1"
    second = api.get(f"{PATH}&by=zone&limit=2&after=s1").json()
    assert ([row["zone"] for row in second["rows"]], second["next"]) == (["s2"], None)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("area=nowhere", 404),
        ("area=cardiff&zone=nowhere", 404),
        ("area=cardiff&since=2026-11-18&until=2026-11-17", 422),
        ("area=cardiff&since=2025-11-17&until=2026-11-18", 422),
        ("area=cardiff&since=yesterday", 422),
        ("area=cardiff&horizon=6m", 422),
        ("area=cardiff&day=1", 400),
        ("", 422),
    ],
)
def test_what_cannot_be_answered_is_a_problem(api: ApiServer, query: str, status: int) -> None:
    answer = api.get(f"/v1/forecast/skill?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
