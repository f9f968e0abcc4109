"""Outages are a function of who was heard when: any order of arrival, any watermarks on the way, any restart (L3)."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from occupancy.device_fold import CutOff
from occupancy.model import Clock, DeviceId, Outage, StateReading
from occupancy.outages import Outages, remembered_from, slot_of
from occupancy.registry import Registry
from tests.support.examples import of_profile
from tests.support.small_town import START, state
from tests.unit.test_outages import two_gateways

SENSORS = ("s0", "s1", "s2", "s3", "s4", "s5")
END_S = 120_000
Verdict = tuple[dict[tuple[str, datetime], Outage], dict[str, tuple[CutOff, ...]]]


@st.composite
def spoken(draw: st.DrawFn) -> list[StateReading]:
    found = []
    for sensor in SENSORS:
        at = 0
        for seq in range(draw(st.integers(0, 8))):
            at += draw(st.sampled_from([1, 200, 300, 600, 1200, 3000, 9000]))
            found.append(state(sensor, seq, at, False))
    return found


def verdict(outages: Outages, said: dict[tuple[str, datetime], Outage | None]) -> Verdict:
    cut_offs = {sensor: outages.cut_offs_of(DeviceId(sensor)) for sensor in SENSORS}
    return {key: row for key, row in said.items() if row is not None}, cut_offs


def judged(readings: list[StateReading], *, seed: int | None, restart: bool = False) -> Verdict:
    registry = Registry(two_gateways())
    outages = Outages(registry)
    said: dict[tuple[str, datetime], Outage | None] = {}
    outages.advance(START)
    chance = random.Random(seed)
    order = sorted(readings, key=lambda reading: reading.received_at)
    if seed is not None:
        chance.shuffle(order)
    now_s = 0
    for n, reading in enumerate(order):
        outages.hear([reading], Clock.LIVE)
        now_s = max(now_s, int((reading.received_at - START).total_seconds()))
        if seed is None or chance.random() < 0.5:
            if seed is not None:
                now_s = min(END_S, now_s + chance.randint(0, 900))
            said.update(outages.advance(START + timedelta(seconds=now_s))[0])
            if restart and chance.random() < 0.5:
                outages = _again(registry, order[: n + 1], said, START + timedelta(seconds=now_s))
    said.update(outages.advance(START + timedelta(seconds=END_S))[0])
    return verdict(outages, said)


def _again(
    registry: Registry,
    heard: list[StateReading],
    said: dict[tuple[str, datetime], Outage | None],
    watermark: datetime,
) -> Outages:
    """As a new process takes up: from the readings remembered and the rows."""
    outages = Outages(registry)
    slots: dict[DeviceId, list[int]] = {}
    for reading in heard:
        if reading.received_at >= remembered_from(watermark):
            slots.setdefault(reading.device_id, []).append(slot_of(reading.received_at))
    outages.load(watermark, slots, (), [row for row in said.values() if row is not None])
    return outages


@settings(max_examples=of_profile(250), deadline=None)
@given(readings=spoken(), seed=st.integers(0, 2**16))
def test_l3_outages_are_the_same_in_any_order_of_arrival(readings: list[StateReading], seed: int) -> None:
    with patch("occupancy.outages.BROKEN", 2):
        assert judged(readings, seed=seed) == judged(readings, seed=None)


@settings(max_examples=of_profile(150), deadline=None)
@given(readings=spoken(), seed=st.integers(0, 2**16))
def test_l3_outages_survive_restarts(readings: list[StateReading], seed: int) -> None:
    with patch("occupancy.outages.BROKEN", 2):
        assert judged(readings, seed=seed, restart=True) == judged(readings, seed=None)
