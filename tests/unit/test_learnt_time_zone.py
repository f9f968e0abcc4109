"""What was learnt holds by the clock that it was learnt by, whatever clock the area goes by afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from occupancy.learnt import Learnt
from occupancy.model import State
from occupancy.spells import AGES_H, ALL, PARTS, LearntSpells, Rates, cell_of, hour_of_week, part_of_week
from tests.support.folded import Folded
from tests.support.lessons import lesson
from tests.support.small_town import START, documents, state

LONDON, MELBOURNE = "Europe/London", "Australia/Melbourne"
H = 3600.0


def mornings_are_quiet(time_zone: str) -> Learnt:
    """Spells that begin in the morning, by the clock of that zone, last for days, and at other times for minutes."""
    mornings = {part_of_week(hour_of_week(START + timedelta(hours=h), LONDON)) for h in range(6)}
    ends = [0.0] * PARTS * (len(AGES_H) + 1)
    for part in set(range(PARTS)) - mornings:
        for age in (0.0, *AGES_H):
            ends[cell_of(part, age)] = 10_000.0
    hours = tuple([1000.0] * len(ends))
    known = lesson(START + timedelta(minutes=5))
    spells = LearntSpells(
        until=known.spells.until, kinds={ALL: Rates((hours, hours), (tuple(ends), tuple(ends)))}, zones={}
    )
    return replace(known, time_zone=time_zone, spells=spells)


def registered(time_zone: str) -> list[tuple[str, str, dict[str, Any]]]:
    """The town by another clock; its sensors promise a word a day."""
    changed = {"area": {"time_zone": time_zone}, "sensor": {"expected_heartbeat_s": 86_400}}
    return [(kind, id, doc | changed.get(kind, {})) for kind, id, doc in documents()]


def after_a_morning(learnt: Learnt, *, moved: bool) -> Folded:
    """A bay that was taken at 08:10 by the clock in London, and then nothing but a new clock, perhaps."""
    town = Folded(registered(LONDON))
    town.append(watermark_s=0)
    town.append(learnt=learnt)
    town.append([state("s0", 1, 600, True)], watermark_s=610)
    if moved:
        town.append(changes=[doc for doc in registered(MELBOURNE) if doc[0] == "area"])
    for quarter in range(1, 13):
        town.append(watermark_s=600 + quarter * 900)
    return town


def test_what_was_learnt_keeps_its_own_clock_when_the_area_gets_another() -> None:
    moved = after_a_morning(mornings_are_quiet(LONDON), moved=True)
    assert moved.fold.registry.area is not None
    assert moved.fold.registry.area.time_zone == MELBOURNE
    stayed = after_a_morning(mornings_are_quiet(LONDON), moved=False)
    assert moved.bays["high-st-0"].state is State.OCCUPIED
    assert moved.bays["high-st-0"] == stayed.bays["high-st-0"]
    assert after_a_morning(mornings_are_quiet(MELBOURNE), moved=False).bays["high-st-0"].state is not (
        State.OCCUPIED
    ), "the clock matters here"
    for again in (moved.rebuilt(), moved):
        again.crash()
        assert again.bays["high-st-0"] == stayed.bays["high-st-0"]
