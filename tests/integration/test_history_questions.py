"""Questions about history that cannot be answered are refused with the fix; the others are told as far as they go."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from tests.integration.test_history_routes import Desk, desk_of_a_day


@pytest.fixture(scope="module")
def desk(module_database_url: str) -> Iterator[Desk]:
    """One for all: nobody changes what it is asked about."""
    with desk_of_a_day(module_database_url) as desk:
        yield desk


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"to": "2026-11-01"}, "to: is not after from"),
        ({"from": "yesterday"}, "from: 'yesterday' is no date or time"),
        ({"from": "2026-11-02T08:00"}, "from: '2026-11-02T08:00' has no offset; write 2026-10-01T08:00:00Z"),
        ({"from": "2026-11-02T08:00 01:00"}, "from: '2026-11-02T08:00 01:00' has a space for its +"),
        ({"from": "2026-11-02t08:17:00z"}, "from: '2026-11-02t08:17:00z' is no full hour"),
        ({"grain": "5m", "to": "2028-01-01"}, "to: is more than 400 days after from"),
        ({"grain": "5m", "bay_type": "standard"}, "grain: below an hour is kept for all bays"),
        ({"hours": "18-8"}, "hours: is no stretch of whole hours"),
        ({"zones": "high-st"}, "by: of area has no zones"),
        ({"after": "zzz"}, "after: is none of ours"),
        ({"use": "parking"}, "use: 'parking' is none of"),
        ({"day_type": "nonesuch"}, "day_type: 'nonesuch' is none of bank_holiday, event"),
        (
            {"from": "2026-11-02T08:17:00Z", "grain": "1h"},
            "from: '2026-11-02T08:17:00Z' is no full hour: give 2026-11-02T08:00:00Z or 2026-11-02T09:00:00Z",
        ),
        ({"to": "2026-11-02T09:30:00+00:00"}, "to: '2026-11-02T09:30:00+00:00' is no full hour"),
        (
            {"from": "2026-11-02T08:17:00Z", "grain": "5m"},
            "from: '2026-11-02T08:17:00Z' is no multiple of 5 minutes: give 2026-11-02T08:15:00Z or",
        ),
        (
            {"from": "2026-11-02T08:05:00Z", "grain": "15m"},
            "from: '2026-11-02T08:05:00Z' is no multiple of 15",
        ),
        ({"compare_from": "2026-10-02T08:00:01Z"}, "compare_from: '2026-10-02T08:00:01Z' is no full hour"),
        ({"compare_from": "9999-12-30"}, "compare_from: '9999-12-30' is not within the years 2001 to 2199"),
        ({"from": "9999-11", "to": "9999-12", "compare_from": "9999-12"}, "from: '9999-11' is not within"),
        ({"from": "0001-01-01"}, "from: '0001-01-01' is not within"),
        ({"to": "9999-12-31"}, "to: "),
        (
            {"by": "zone", "grain": "1h", "limit": "1", "compare_from": "2026-11-01"},
            "compare_from: more rows than 1",
        ),
    ],
)
def test_parameters_that_do_not_go_together_are_told(desk: Desk, asked: dict[str, str], told: str) -> None:
    problem = desk.ask("occupancy", expect=422, **asked).json()
    assert problem["detail"].startswith(told)


def test_the_last_month_that_can_be_asked_for_can_be_compared(desk: Desk) -> None:
    asked = {"from": "2199-10", "to": "2199-12", "compare_from": "2199-12", "day_type": "bank_holiday"}
    assert desk.rows("occupancy", **asked) == []


@pytest.mark.parametrize("grain", ["5m", "1h", "1d", "hour_of_week"])
@pytest.mark.parametrize(
    "token",
    [
        '["a\\u0000","","2026-11-02T08:00:00Z"]',
        '["town","a\\u0000","2026-11-02T08:00:00Z"]',
        '["a\\ud800","","2026-11-02T08:00:00Z"]',
        '["town","","0001-01-01T00:00:00+14:00"]',
        '["town","","9999-12-31T23:59:59-14:00"]',
        '["town","","2026-11-02T08:00:00"]',
        '["a\\u0000","",8]',
        '["town","",168]',
        '["town","",-1]',
        '["town","",99999999999999999999]',
    ],
)
def test_what_is_no_token_of_the_question_is_told(desk: Desk, token: str, grain: str) -> None:
    after = base64.urlsafe_b64encode(token.encode()).decode()
    problem = desk.ask("coverage", expect=422, grain=grain, after=after).json()
    assert problem["detail"].startswith("after: is none of ours")


def test_a_period_is_told_as_far_as_it_is_asked_for(desk: Desk) -> None:
    asked = {"from": "2026-11-02T09:00:00Z", "to": "2026-11-02T11:00:00Z", "by": "zone", "zones": "high-st"}
    (row,) = desk.rows("coverage", **asked, grain="1d")
    assert (row["start"], row["end"]) == ("2026-11-02T09:00:00Z", "2026-11-02T11:00:00Z")
    assert row["in_service_min"] == 3 * 120
    slots = desk.rows(
        "coverage", **{**asked, "from": "2026-11-02T08:45:00Z", "to": "2026-11-02T09:10:00Z"}, grain="5m"
    )
    assert [row["start"][11:16] for row in slots] == ["08:45", "08:50", "08:55", "09:00", "09:05"]
