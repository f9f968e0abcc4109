"""The measurement itself: which delta answers which message."""

from typing import Any

import pytest

from baycast.bench.live import _Book
from baycast.bench.system import Plan, documents
from baycast.settings import UsageError
from occupancy.registry import Registry


def delta(**occupied: int) -> dict[str, Any]:
    zones = [{"id": zone_id, "occupied": number, "unknown": 0} for zone_id, number in occupied.items()]
    return {"type": "delta", "zones": zones}


@pytest.fixture
def book() -> _Book:
    book = _Book()
    book.occupied = {"a": 3, "b": 3}
    return book


def test_delta_with_the_awaited_count_ends_the_measurement(book: _Book) -> None:
    book.publish("a", 1)
    sent_at = book.sent_at["a"]
    book.receive(delta(a=3, b=3), sent_at + 0.1)
    assert book.latencies_s == []
    book.receive(delta(a=4), sent_at + 0.2)

    assert book.latencies_s == [pytest.approx(0.2)]
    assert book.sent_at == {}


def test_delta_that_nobody_waits_for_measures_nothing(book: _Book) -> None:
    book.receive(delta(a=3), 1.0)

    assert book.latencies_s == []


def test_message_overtaken_by_the_next_round_counts_as_missing(book: _Book) -> None:
    book.publish("a", 1)
    book.publish("a", 1)
    book.receive(delta(a=4), book.sent_at["a"] + 1)
    book.receive(delta(a=5), book.sent_at["a"] + 2)

    assert (len(book.latencies_s), book.overtaken) == (1, 1)


def test_feed_that_ends_fails_the_measurement(book: _Book) -> None:
    book.ended = "gone"
    with pytest.raises(UsageError, match="gone"):
        book.wait(lambda: False, 5)


@pytest.mark.parametrize(
    "values", [(0, 1, 1, 1), (20, 0, 1, 1), (20, 1, 0, 1), (20, 1, 1, 0), (1e9, 1, 1, 1)]
)
def test_plan_that_measures_nothing_is_refused(values: tuple[float, float, int, int]) -> None:
    with pytest.raises(ValueError, match="--"):
        Plan(*values, seed=1)


def test_measured_city_is_a_sound_registry() -> None:
    registry = Registry()
    for kind, id, doc in documents(Plan(20, 1, 2, 3, 1)):
        registry.put(kind, id, doc)

    assert registry.problems() == []
    assert {zone_id: len(bays) for zone_id, bays in registry.bays_by_zone.items()} == {
        "bench-000": 3,
        "bench-001": 3,
    }
