"""One stretch of time held against an earlier one, by HTTP."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from store.registry import Change, apply
from tests.integration import test_history_routes
from tests.integration.test_engine_rows import log, serve
from tests.integration.test_history_routes import HOUR, Desk
from tests.support.keyed import status_is, when
from tests.support.small_town import AREA, START

desk = test_history_routes.desk


def test_a_period_is_held_against_another(desk: Desk) -> None:
    (row,) = desk.rows(
        "occupancy",
        **{"from": "2026-11-02T09:00:00Z", "to": "2026-11-02T10:00:00Z", "grain": "total"},
        by="zone",
        zones="high-st",
        compare_from="2026-11-02T08:00:00Z",
    )
    assert row["occupancy_pct"] == 50
    assert (row["compared"]["occupancy_pct"], row["difference"]["occupancy_pct"]) == (25, 25)


def test_periods_are_compared_by_their_place_though_history_begins_within_the_other_stretch(
    desk: Desk,
) -> None:
    asked = {"from": "2026-11-02T08:00:00Z", "to": "2026-11-02T10:00:00Z", "grain": "1h"}
    eight, nine = desk.rows(
        "occupancy", **asked, by="zone", zones="high-st", compare_from="2026-11-02T07:00:00Z"
    )
    assert (eight["occupancy_pct"], "compared" in eight) == (25, False)
    assert (nine["occupancy_pct"], nine["compared"]["start"]) == (50, "2026-11-02T08:00:00Z")


def test_what_is_compared_says_how_far_it_can_be_relied_on(desk: Desk) -> None:
    log(desk.conn, [], 80 * HOUR)
    serve(desk.conn)
    (row,) = desk.rows(
        "occupancy",
        **{"from": "2026-11-03", "to": "2026-11-10", "grain": "1w"},
        by="bay_type",
        bay_type="blue_badge",
        zones="high-st",
        compare_from="2026-11-02",
    )
    compared = row["compared"]
    assert (row["status"], compared["status"]) == ("provisional", "provisional")
    (row,) = desk.rows(
        "occupancy",
        grain="1d",
        by="bay_type",
        bay_type="blue_badge",
        zones="high-st",
        compare_from="2026-11-02",
    )
    compared = row["compared"]
    assert (compared["status"], compared["revision"], compared["coverage"]) == ("final", 1, 0)
    assert (compared["start"], compared["end"]) == ("2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z")
    assert (compared["occupancy_pct"], compared["missing"]["occupancy_pct"]) == (None, "coverage")


def test_days_of_a_type_are_held_against_those_of_the_earlier_stretch(desk: Desk) -> None:
    days = [{"type": "market", "from": day, "to": day} for day in ("2026-11-02", "2026-11-04")]
    calendar = Change("calendar", AREA, {"area_id": AREA, "days": days})
    apply(desk.conn, [calendar], entered_by="test", entered_at=START + timedelta(hours=4))
    desk.conn.commit()
    log(desk.conn, [], 80 * HOUR)
    serve(desk.conn)
    asked = {"from": "2026-11-03", "to": "2026-11-05", "by": "zone", "zones": "high-st", "grain": "1d"}
    path = "/v1/history/coverage?" + urlencode({"area": AREA, **asked, "day_type": "market"})
    when(desk.api, desk.secret, status_is(200), path)
    (row,) = desk.rows("coverage", **asked, day_type="market", compare_from="2026-11-01")
    assert row["start"] == "2026-11-04T00:00:00Z"
    assert row["compared"]["start"] == "2026-11-02T00:00:00Z"
    assert row["compared"]["in_service_min"] == 720 * 16 / 4


def test_a_street_that_only_the_earlier_stretch_has_is_told_with_nothing_beside_it(desk: Desk) -> None:
    asked = {"from": "2026-11-01", "to": "2026-11-02", "by": "zone", "zones": "high-st", "grain": "1d"}
    assert desk.rows("coverage", **asked) == []
    (row,) = desk.rows("coverage", **asked, compare_from="2026-11-02")
    assert (row["zone"], row["start"], row["end"]) == (
        "high-st",
        "2026-11-01T00:00:00Z",
        "2026-11-02T00:00:00Z",
    )
    assert (row["in_service_min"], row["coverage"], row["revision"]) == (0, None, 0)
    assert (row["compared"]["in_service_min"], row["difference"]["in_service_min"]) == (720, -720)
    (row,) = desk.rows("occupancy", **asked, compare_from="2026-11-02")
    assert (row["occupancy_pct"], row["missing"]["occupancy_pct"]) == (None, "coverage")
    assert row["compared"]["occupancy_pct"] == 25
