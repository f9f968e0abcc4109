"""A generation that is folded from checkpoints, with what came before copied, is the one folded from the beginning."""

from __future__ import annotations

import random
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from occupancy.gates import step_count
from occupancy.model import AnyReading
from occupancy.step import fold_all
from tests.property.test_fold_laws import histories
from tests.support.folded import Folded
from tests.support.seeded import seeded
from tests.support.small_town import START, passage, state


@pytest.fixture(autouse=True)
def many_checkpoints() -> Iterator[None]:
    with patch("occupancy.sensed.CHECKPOINT_EVERY", 3), patch("occupancy.gates.RECENT_EVENTS", 2):
        yield


def heard(readings: list[AnyReading], seed: int, *, pages_of: int) -> Folded:
    """One position each, mostly in order of time; some come late, and the watermark goes with those that do not."""
    chance = random.Random(seed)
    due = [
        (reading.received_at, reading, chance.random() < 0.15)
        for reading in sorted(readings, key=lambda r: (r.received_at, r.device_id, r.key))
    ]
    town = Folded(pages_of=pages_of)
    town.append(watermark_s=0)
    late: list[AnyReading] = []
    for at, reading, delayed in due:
        if delayed:
            late.append(reading)
            continue
        while late and chance.random() < 0.2:
            town.append([late.pop(chance.randrange(len(late)))])
        now_s = (at - START).total_seconds() + 1
        town.append([reading], watermark_s=now_s if chance.random() < 0.9 else None)
    for reading in late:
        town.append([reading])
    return town


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    readings=histories(),
    seed=st.integers(0, 2**16),
    position=st.integers(2, 60),
    pages_of=st.integers(1, 9),
    together=st.booleans(),
)
def test_l3_from_any_position_the_rows_and_checkpoints_are_the_same(
    readings: list[AnyReading], seed: int, position: int, pages_of: int, together: bool
) -> None:
    """And the versions, but for zones that say that theirs may be another."""
    whole = heard(readings, seed, pages_of=pages_of)
    later = seeded(whole, min(position, len(whole.log)), pages_of=pages_of, together=together)
    assert later.rows() == whole.rows()
    assert later.tables.devices == whole.tables.devices
    assert later.tables.count_folds == whole.tables.count_folds
    for of in ("checkpoints", "count_checkpoints"):
        assert sorted(getattr(later.tables, of), key=repr) == sorted(getattr(whole.tables, of), key=repr)
    for zone_id, said in whole.tables.zones.items():
        assert zone_id in later.fold.unsure or later.tables.zones[zone_id] == said


def test_what_is_copied_is_not_folded() -> None:
    """The law above would hold as well for a rebuild that takes up nothing."""
    words: list[AnyReading] = [state("s0", n, 600 * n, n % 2 == 0) for n in range(40)]
    words += [passage("g-in", n, 600 * n + 5, "in") for n in range(40)]
    whole = heard(words, 0, pages_of=1)
    with (
        patch("occupancy.sensed.fold_all", wraps=fold_all) as folded,
        patch("occupancy.gates.step_count", wraps=step_count) as counted,
    ):
        seeded(whole, len(whole.log))
    assert sum(len(call.args[1]) for call in folded.call_args_list) < 10
    assert counted.call_count < 20
