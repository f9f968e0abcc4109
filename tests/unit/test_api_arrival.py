"""What `arrive_in` and `arrive_at` may say."""

from datetime import UTC, datetime, timedelta

import pytest

from api.arrival import arrival, instant_of

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-22T10:30:00Z", NOW + timedelta(minutes=30)),
        ("2026-11-22t11:30:00+01:00", NOW + timedelta(minutes=30)),
        ("2026-11-22T10:30:00.123456789Z", NOW + timedelta(minutes=30, microseconds=123456)),
    ],
)
def test_times_are_read(text: str, at: datetime) -> None:
    assert instant_of(text) == at


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-11-22T10:30:00", "no offset"),
        ("2026-11-22T11:30:00 01:00", "%2B"),
        ("tomorrow", "no time"),
        ("2026-13-22T10:30:00Z", "no time"),
        ("0001-01-01T00:00:00+23:00", "no time"),
        ("2026-11-22T10:30:00+99:00", "no time"),
    ],
)
def test_l7_what_is_no_instant_is_refused_with_the_way_to_say_it(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        instant_of(text)


def test_an_arrival_lies_within_a_day() -> None:
    assert arrival(NOW, 12, None) == NOW + timedelta(minutes=12)
    assert arrival(NOW, None, NOW - timedelta(seconds=30)) == NOW  # the asker's clock is slow
    assert arrival(NOW, None, NOW + timedelta(hours=24)) == NOW + timedelta(hours=24)
    with pytest.raises(ValueError, match="in the past"):
        arrival(NOW, None, NOW - timedelta(minutes=2))
    with pytest.raises(ValueError, match="24 hours"):
        arrival(NOW, None, NOW + timedelta(hours=25))
