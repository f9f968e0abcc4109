"""The fold's laws over arbitrary histories: L3 (any order, once), L4 (no evidence, no claim)."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import pairwise
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from occupancy.model import AnyReading, State, StateReading
from tests.support.examples import of_profile
from tests.support.folded import Folded
from tests.support.small_town import HEARTBEAT_S, START, count, documents, health, passage, state

DEVICES = ("s0", "s1", "s2")


@st.composite
def histories(draw: st.DrawFn) -> list[AnyReading]:
    """Readings of three sensors and a car park's gates over some hours, each device's in its own order of time."""
    readings: list[AnyReading] = []
    for device in DEVICES:
        at = 0.0
        boot, seq = 1, 0
        for _ in range(draw(st.integers(0, 12))):
            at += draw(st.sampled_from([0.0, 1.0, 30.0, 600.0, 1499.0, 1500.0, 1501.0, 4000.0, 70_000.0]))
            if draw(st.integers(0, 9)) == 0:
                boot, seq = boot + 1, 0
            if draw(st.integers(0, 7)) == 0:
                readings.append(
                    health(device, 1000 + seq, at) if boot == 1 else state(device, seq, at, None, boot=boot)
                )
            else:
                readings.append(
                    state(device, seq, at, draw(st.sampled_from([True, False, True, False, None])), boot=boot)
                )
            seq += 1
    at = 0.0
    for seq in range(draw(st.integers(0, 15))):
        at += draw(st.sampled_from([0.0, 5.0, 200.0, 1500.0, 3000.0]))
        kind = draw(st.sampled_from(["in", "out", "count", "health"]))
        if kind == "count":
            readings.append(count("g-count", seq, at, draw(st.integers(0, 7))))
        elif kind == "health":
            readings.append(health(draw(st.sampled_from(["g-in", "g-out"])), seq, at))
        else:
            readings.append(passage(f"g-{kind}", seq, at, kind))
    return readings


def _deliver(readings: list[AnyReading], *, seed: int | None) -> Folded:
    """Deliver in order of time (`seed` None), or shuffled, repeated, in batches of any size, with ticks between."""
    folded = Folded(pages_of=1 if seed is None else 1 + seed % 7)
    folded.append(watermark_s=0)
    if seed is None:
        for reading in sorted(readings, key=lambda r: (r.received_at, r.device_id, r.key)):
            folded.append([reading])
    else:
        chance = random.Random(seed)
        order = [*readings, *chance.sample(readings, k=len(readings) // 2)]
        chance.shuffle(order)
        clock = 0
        while order:
            size = chance.randint(1, 4)
            clock += chance.choice((chance.randint(0, 2000), chance.randint(0, 60_000)))
            folded.append(order[:size], watermark_s=clock if chance.random() < 0.7 else None)
            order = order[size:]
    folded.append(watermark_s=20_000_000)
    return folded


@settings(max_examples=of_profile(150), deadline=None)
@given(readings=histories(), seed=st.integers(0, 2**16))
def test_l3_any_order_of_arrival_gives_the_same_rows(readings: list[AnyReading], seed: int) -> None:
    assert _deliver(readings, seed=seed).rows() == _deliver(readings, seed=None).rows()


@settings(max_examples=of_profile(150), deadline=None)
@given(readings=histories(), seed=st.integers(0, 2**16), at_once_of=st.integers(2, 9))
def test_l3_positions_folded_at_once_give_the_same_rows(
    readings: list[AnyReading], seed: int, at_once_of: int
) -> None:
    """And the same versions, but for zones that say that theirs may be another."""
    one_by_one = _deliver(readings, seed=seed)
    at_once = one_by_one.rebuilt(pages_of=at_once_of, together=True)
    assert at_once.rows() == one_by_one.rows()
    for zone_id, (_, version) in one_by_one.tables.zones.items():
        assert at_once.tables.zones[zone_id][1] == version or zone_id in at_once.fold.unsure


@settings(max_examples=of_profile(60), deadline=None)
@given(readings=histories(), seed=st.integers(0, 2**16))
def test_l3_checkpoints_change_nothing(readings: list[AnyReading], seed: int) -> None:
    with patch("occupancy.sensed.CHECKPOINT_EVERY", 3), patch("occupancy.gates.RECENT_EVENTS", 2):
        often = _deliver(readings, seed=seed)
    assert often.rows() == _deliver(readings, seed=None).rows()


@settings(max_examples=of_profile(60), deadline=None)
@given(readings=histories(), seed=st.integers(0, 2**16))
def test_no_stay_or_interval_overlaps_another_or_is_negative(readings: list[AnyReading], seed: int) -> None:
    rows = _deliver(readings, seed=seed).rows()
    for name, start, end in (("intervals", "started_at", "ended_at"), ("stays", "arrived_at", "departed_at")):
        by_bay: dict[str, list[object]] = {}
        for row in rows[name]:
            by_bay.setdefault(row.bay_id, []).append(row)
        for own in by_bay.values():
            for before, after in pairwise(own):
                assert getattr(before, end) is not None
                assert getattr(before, start) < getattr(before, end) <= getattr(after, start)


@settings(max_examples=of_profile(60), deadline=None)
@given(readings=histories(), seed=st.integers(0, 2**16))
def test_l4_every_answer_adds_up_and_silence_is_unknown(readings: list[AnyReading], seed: int) -> None:
    folded = Folded()
    chance = random.Random(seed)
    order = list(readings)
    chance.shuffle(order)
    for clock, reading in enumerate(order):
        folded.append([reading], watermark_s=clock * 500)
        street = folded.fold.zones["high-st"]  # type: ignore[index]
        assert street.counts.capacity == 3
        assert folded.fold.zones["castle"].counts.capacity == 5  # type: ignore[index]
    last = max((r.received_at for r in readings), default=None)
    if last is not None:
        long_after = 20_000_000
        folded.append(watermark_s=long_after)
        assert folded.fold.zones["high-st"].counts.unknown == 3  # type: ignore[index]
        assert folded.fold.zones["castle"].counts.unknown == 5  # type: ignore[index]
        assert all(bay.state is State.UNKNOWN for bay in folded.bays.values())


def test_l4_a_sensor_is_believed_to_the_end_of_its_promise_and_no_longer() -> None:
    folded = Folded()
    folded.append([state("s0", 1, 0, False)], watermark_s=0)
    limit = HEARTBEAT_S * 2.5
    folded.append(watermark_s=limit - 1)
    assert folded.bays["high-st-0"].state is State.FREE
    folded.append(watermark_s=limit)
    assert folded.bays["high-st-0"].state is State.UNKNOWN
    assert "silent since" in folded.bays["high-st-0"].reason
    silent_from = folded.bays["high-st-0"].since
    folded.append([state("s0", 2, limit + 100, True)], watermark_s=limit + 101)
    assert folded.bays["high-st-0"].state is State.OCCUPIED
    spans = folded.rows()["intervals"]
    assert [(i.state.value, i.ended_at - i.started_at if i.ended_at else None) for i in spans] == [
        ("free", timedelta(seconds=limit)),
        ("unknown", timedelta(seconds=100)),
        ("occupied", None),
    ]
    assert spans[1].started_at == silent_from


@pytest.mark.parametrize("restarts", [False, True])
def test_l3_what_a_sensor_said_while_the_registry_did_not_have_it_counts_when_it_does(restarts: bool) -> None:
    """Ingest may still have taken it for one: its word comes into the log after the change that took it out."""
    document = next(doc for doc in documents() if doc[:2] == ("sensor", "s0"))
    words = [state("s0", 2, 300, True, cause="heartbeat"), state("s0", 3, 400, True, cause="heartbeat")]

    def town(order: list[StateReading]) -> Folded:
        folded = Folded()
        folded.append(watermark_s=0)
        folded.append(changes=[("sensor", "s0", None)])
        folded.append([state("s0", 1, 100, True)], watermark_s=101)
        if restarts:
            folded.lay()
            folded.crash()
        folded.append(changes=[document])
        for word in order:
            folded.append([word])
        folded.append(watermark_s=500)
        return folded

    in_order = town(words)
    assert town(words[::-1]).rows() == in_order.rows()
    assert in_order.rebuilt().tables.devices == in_order.tables.devices
    assert in_order.bays["high-st-0"].since == START + timedelta(seconds=100)
