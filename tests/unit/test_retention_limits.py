"""From when on things are kept, by civil months; nothing that the log could make again goes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from occupancy.retention import KEEP_ALL, Retention, months_before

NOW = datetime(2028, 3, 31, 10, 20, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("months", "then"),
    [(1, "2028-02-29"), (13, "2027-02-28"), (25, "2026-02-28"), (3, "2027-12-31"), (120, "2018-03-31")],
)
def test_a_month_before_is_the_same_day_or_the_last_of_that_month(months: int, then: str) -> None:
    assert months_before(NOW, months) == datetime.fromisoformat(f"{then}T10:20:30Z")


def test_no_months_are_for_ever() -> None:
    assert months_before(NOW, 0) is None
    assert months_before(NOW, 100_000) is None
    assert KEEP_ALL.log_from(NOW) is None
    assert KEEP_ALL.rows_from(NOW, NOW) is None
    assert KEEP_ALL.slots_from(NOW, None, NOW) is None


def test_rows_go_from_before_the_log_only_and_hours_from_before_those() -> None:
    limits = Retention(log_months=25, stays_months=12, hours_months=6, slots_months=1)
    begins_at = limits.log_from(NOW)
    assert begins_at == datetime(2026, 2, 28, 10, 20, 30, tzinfo=UTC)
    rows_from = limits.rows_from(NOW, begins_at)
    assert rows_from == datetime(2026, 2, 28, 10, tzinfo=UTC), "the log would make them again"
    assert limits.rows_from(NOW, None) is None, "so it would all of them"
    assert limits.hours_from(NOW, rows_from) == rows_from
    assert limits.slots_from(NOW, rows_from, NOW) == datetime(2028, 2, 29, 10, tzinfo=UTC)
    assert limits.slots_from(NOW, rows_from, datetime(2028, 1, 1, tzinfo=UTC)) == datetime(
        2028, 1, 1, tzinfo=UTC
    )
    assert limits.slots_from(NOW, rows_from, None) == rows_from, "what is not final is derived"
