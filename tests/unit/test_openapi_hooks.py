"""What the contract test lets by is no more than what OpenAPI has no words for."""

from __future__ import annotations

import pytest

from tests.support.openapi_hooks import _is_for_a_reason_here


@pytest.mark.parametrize(
    ("day", "excused"),
    [
        ("2026-02-31", True),
        ("2026-11-31T08:00:00Z", True),
        ("0000-01", True),
        ("2026-10-01T08:00:00z", False),
        ("2026-10", False),
    ],
)
def test_a_day_is_excused_only_where_the_calendar_has_none(day: str, excused: bool) -> None:
    said = {
        "type": "urn:baycast:problem:invalid-parameter",
        "parameter": "from",
        "detail": f"from: {day!r} is no date or time; write 2026-10, 2026-10-01 or 2026-10-01T08:00:00Z",
    }
    assert _is_for_a_reason_here(said) == excused
