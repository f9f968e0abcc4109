"""What closed days would have taught of `tests.support.small_town`'s street, for tests of suspicions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from occupancy.conduct import Unreliable, alike
from occupancy.learnt import Learnt
from occupancy.model import Bay, BayId, SuspicionKind, ZoneId
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


KINDS = [
    "/".join((bay_type, *rules))
    for bay_type in ("standard", "blue_badge", "loading")
    for rules in ((), ("limit",), ("limit", "works"))
]


def lesson(
    holds_from: datetime,
    *,
    ends_per_h: float = 1.0,
    short_per_day: float = 0.5,
    unreliable: tuple[Unreliable, ...] = (),
) -> Learnt:
    """Spells of either state end so often, whatever their age and the hour; in a side street, and at bays for loading,
    more often. Elsewhere short spells are usual at so many a day; nothing is known of them at bays of other types."""
    rates = _rates(ends_per_h)
    kinds = {ALL: rates} | {kind: _rates(2 * ends_per_h) for kind in KINDS if kind.startswith("loading")}
    more = ((60.0, 20.0), (60.0, 20.0))
    usual = dict.fromkeys(KINDS, short_per_day)
    return Learnt(
        day=holds_from.date(),
        holds_from=holds_from,
        time_zone="Europe/London",
        spells=LearntSpells(until=holds_from, kinds=kinds, zones={ZoneId("side-st"): more}),
        short_spells=usual | {alike(ZoneId("side-st"), kind): 8 * short_per_day for kind in KINDS},
        unreliable=unreliable,
    )


def _rates(ends_per_h: float) -> Rates:
    hours, ends = tuple([1000.0] * CELLS), tuple([1000.0 * ends_per_h] * CELLS)
    return Rates((hours, hours), (ends, ends))


def drifting(bay_id: str, device_id: str) -> Unreliable:
    return Unreliable(
        bay_id=bay_id,
        device_id=device_id,
        kind=SuspicionKind.DRIFT,
        reason="taken 100% of a day",
        evidence={"usual": 0.0, "spread": 0.1},
    )
