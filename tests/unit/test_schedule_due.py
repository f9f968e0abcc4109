"""The schedule gives each key once, when its newest due time is reached."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from occupancy.schedule import Schedule

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_due_time_pushed_back_counts_and_a_dropped_one_does_not() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.set("a", T0)
    schedule.set("a", T0 + timedelta(seconds=5))
    schedule.set("b", T0)
    schedule.drop("b")
    assert list(schedule.reached(T0 + timedelta(seconds=4))) == []
    assert list(schedule.reached(T0 + timedelta(seconds=5))) == ["a"]
    assert "a" not in schedule


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50)), max_size=60))
def test_it_agrees_with_a_plain_dictionary(pushes: list[tuple[str, int]]) -> None:
    schedule: Schedule[str] = Schedule()
    plain: dict[str, int] = {}
    for now, (key, due) in enumerate(pushes):
        schedule.set(key, T0 + timedelta(seconds=due))
        plain[key] = due
        reached = set(schedule.reached(T0 + timedelta(seconds=now)))
        expected = {k for k, d in plain.items() if d <= now}
        assert reached == expected
        for k in expected:
            del plain[k]
