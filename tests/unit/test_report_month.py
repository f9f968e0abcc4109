"""Which month a report is of, and what several hours come to together."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from baycast.report.gathering import stretch_before
from baycast.report.month import CivilMonth, month_of
from occupancy.history.metrics import together
from store.history import Extent
from tests.support.reported import AREA, history, sums


def test_a_month_is_civil_with_the_hours_that_it_has() -> None:
    october = month_of("2026-10")
    start, end = october.bounds("Europe/London")
    assert (start, end) == (datetime(2026, 9, 30, 23, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
    assert (end - start) / timedelta(hours=1) == 745
    assert (october.days[0], october.days[-1]) == (date(2026, 10, 1), date(2026, 10, 31))


@pytest.mark.parametrize(
    ("month", "before", "following"),
    [((2026, 1), (2025, 12), (2026, 2)), ((2026, 12), (2026, 11), (2027, 1))],
)
def test_months_go_on_over_the_turn_of_the_year(
    month: tuple[int, int], before: tuple[int, int], following: tuple[int, int]
) -> None:
    assert CivilMonth(*month).before == before
    assert CivilMonth(*month).following == following


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "2026-10-01", "october", "", "٢٠٢٦-10", "0001-01"])
def test_what_is_no_month_is_refused_with_the_fix(text: str) -> None:
    with pytest.raises(ValueError, match="write 2026-10"):
        month_of(text)


def test_a_running_month_is_held_against_as_much_of_the_month_before() -> None:
    march, start = CivilMonth(2026, 3), datetime(2026, 3, 1, tzinfo=UTC)
    whole = (datetime(2026, 2, 1, tzinfo=UTC), start)
    assert stretch_before(AREA, march, Extent(None, None)) == whole
    assert stretch_before(AREA, march, Extent(None, datetime(2026, 5, 1, tzinfo=UTC))) == whole
    running = Extent(None, datetime(2026, 3, 5, 8, 40, tzinfo=UTC))
    assert stretch_before(AREA, march, running) == (whole[0], datetime(2026, 2, 5, 8, tzinfo=UTC))
    nearly_over = Extent(None, datetime(2026, 3, 31, tzinfo=UTC))
    assert stretch_before(AREA, march, nearly_over) == whole  # February is shorter


def test_several_hours_together_are_their_sums() -> None:
    one, two = sums(bays=10, occupied=0.2, arrivals=3), sums(bays=30, occupied=0.6, arrivals=4, peak_us=200)
    both = together([one, two])
    assert both.occupied_us == one.occupied_us + two.occupied_us
    assert (both.arrivals, both.hours, both.stays) == (7, 48, one.stays + two.stays)
    assert (both.peak_us, together([one]).peak_us) == (200, None)
    assert history().figure("occupancy_pct", both).value == pytest.approx(50)
