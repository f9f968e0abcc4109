"""Ingest's pure parts under any input."""

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from firmware_contract.topics import device_topic, gateway_topic
from ingest.batch import Batcher
from ingest.flood import FloodGate, source_of
from ingest.translate import CanaryMark, ClockMark, Translator
from store.devices import Device, Directory, LinkState
from store.log import ReadingRow
from store.quarantine import Refused, storable

NOW = datetime(2026, 3, 2, 9, 0, 1, tzinfo=UTC)
DIRECTORY = Directory((1, 1), {"s1": Device("a", 0, "sensor"), "g1": Device("a", 0, "gate")}, {"a": "live"})
TOPICS = st.one_of(
    st.text(max_size=60),
    st.builds(
        device_topic, st.sampled_from(["s1", "g1", "x"]), st.sampled_from(["state", "passage", "link"])
    ),
    st.just(gateway_topic("gw")),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
PAYLOADS = st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode())


@given(topic=TOPICS, payload=PAYLOADS)
def test_l11_every_message_becomes_items_and_nothing_raises(topic: str, payload: bytes) -> None:
    items = Translator("w", DIRECTORY).items(topic, payload, NOW)
    assert all(isinstance(i, ReadingRow | LinkState | ClockMark | CanaryMark | Refused) for i in items)
    if "batch" not in topic:
        assert len(items) == 1
    for item in items:
        if isinstance(item, Refused):
            assert len(item.digest) == 16
            if item.topic.endswith("passage"):
                assert item.payload is None


@given(
    steps=st.lists(st.tuples(st.floats(0, 5), st.integers(0, 4)), max_size=60),
    size=st.integers(1, 6),
    age=st.floats(0, 3),
    quiet=st.floats(0, 3),
)
def test_batches_keep_order_and_are_never_late_or_too_large(
    steps: list[tuple[float, int]], size: int, age: float, quiet: float
) -> None:
    batcher: Batcher[int] = Batcher(size, age, quiet)
    now, number, out = 0.0, 0, []
    oldest = 0.0
    for pause, offered in steps:
        now += pause
        count = min(offered, batcher.room)
        if count and not len(batcher):
            oldest = now
        batcher.add(range(number, number + count), now)
        number += count
        if len(batcher):
            wait = batcher.wait(now)
            assert wait is not None
            assert wait <= max(0.0, oldest + age - now)
            assert (len(batcher) < size) or wait == 0.0
        if batcher.due(now):
            out += batcher.take()
    out += batcher.take()
    assert out == list(range(number))


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 1)), max_size=300), st.integers(1, 3))
def test_l8_the_flood_gate_keeps_within_both_caps(messages: list[tuple[int, int]], per_source: int) -> None:
    gate = FloodGate(per_source)
    kept: dict[tuple[int, str], int] = {}
    for source, hours in sorted(messages, key=lambda message: message[1]):
        refused = Refused(
            topic="t",
            reason="r",
            detail="",
            device_id=None,
            payload=None,
            size=0,
            received_at=NOW.replace(hour=9 + hours),
        )
        if isinstance(gate.admit(refused, f"dev/{source}"), Refused):
            kept[hours, f"dev/{source}"] = kept.get((hours, f"dev/{source}"), 0) + 1
    assert all(count <= per_source for count in kept.values())
    for hours in (0, 1):
        assert sum(count for (hour, _), count in kept.items() if hour == hours) <= 20 * per_source


@given(st.text())
def test_any_text_becomes_storable_and_any_topic_has_a_source(text: str) -> None:
    made = storable(text)
    assert "\x00" not in made
    made.encode("utf-8")
    assert len(source_of(text)) <= 128
