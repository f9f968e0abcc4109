"""What closed days would have taught of `tests.support.folded`'s street, for tests of suspicions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from occupancy.conduct import Unreliable
from occupancy.learnt import Learnt
from occupancy.model import Bay, BayId, SuspicionKind
from occupancy.spans import Span
from occupancy.spell_lesson import SpellLesson
from occupancy.spells import ALL, CELLS, LearntSpells, Rates, Spell


def learn(
    before: LearntSpells | None, spells: Iterable[Spell], bays: Mapping[BayId, Bay], day: Span, time_zone: str
) -> LearntSpells:
    """What is known after one day of some spells."""
    taken_in = SpellLesson(before, [day], time_zone)
    taken_in.see(spells, bays)
    learnt = taken_in.learnt()
    assert learnt is not None
    return learnt


def lesson(
    holds_from: datetime,
    *,
    ends_per_h: float = 1.0,
    short_per_day: float = 0.5,
    unreliable: tuple[Unreliable, ...] = (),
) -> Learnt:
    """Spells of either state end so often, whatever their age and the hour."""
    hours = tuple([1000.0] * CELLS)
    ends = tuple([1000.0 * ends_per_h] * CELLS)
    spells = LearntSpells(until=holds_from, kinds={ALL: Rates((hours, hours), (ends, ends))}, zones={})
    return Learnt(
        day=holds_from.date(),
        holds_from=holds_from,
        time_zone="Europe/London",
        spells=spells,
        short_spells={"standard": short_per_day, "blue_badge": short_per_day},
        unreliable=unreliable,
    )


def drifting(bay_id: str, device_id: str) -> Unreliable:
    return Unreliable(
        bay_id=bay_id,
        device_id=device_id,
        kind=SuspicionKind.DRIFT,
        reason="taken 100% of a day",
        evidence={"usual": 0.0, "spread": 0.1},
    )
