"""What closed days teach about an area: an entry of its log, worked out once a day, and an input of the fold.

Pure. The fold never works anything out from more than what came before it, and a rebuild works nothing out at all: it
reads the same entries at the same positions and gives the same rows (L3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import zip_longest
from typing import Any, NamedTuple

import msgspec

from occupancy.calendar import civil_at, day_bounds, is_bank_holiday
from occupancy.cells import Held
from occupancy.chatter import most_plausible, turned
from occupancy.conduct import Conduct, Unreliable, alike
from occupancy.model import EPOCH, Bay, BayId, State, ZoneId
from occupancy.plausibility import Plausibility
from occupancy.registry import Registry
from occupancy.spans import FOREVER, Span
from occupancy.spell_lesson import SpellLesson
from occupancy.spells import LearntSpells, Spell, kind_of

KIND = "learnt"
"""The kind of its log entries; the key is the day."""
DAYS = 14
"""Closed days that are looked at."""
CAUGHT_UP_DAYS = 5
"""Of them, those whose spells are learnt at most, when nothing was for so long."""
SETTLED_MIN = 180
"""Minutes after midnight at which the day before is closed: most of what comes late has come."""
_WEEKEND = 5
_AHEAD = timedelta(minutes=5)

ZoneHistory = tuple[ZoneId, Mapping[BayId, Sequence[Held]]]
"""A zone with what held at its bays, each in order of time."""


class Learnt(msgspec.Struct, frozen=True, kw_only=True):
    """Worked out in the civil day `day` from the days before it; holds from `holds_from` until the next one does."""

    day: date
    holds_from: datetime
    time_zone: str
    """The area's when it was learnt: parts of the week are those of its clock."""
    spells: LearntSpells
    short_spells: dict[str, float]
    """By kind of bay, and by zone and kind where it has enough: spells of 1 to 10 minutes that a bay has in a day."""
    unreliable: tuple[Unreliable, ...] = ()


def due_day(time_zone: str, watermark: datetime) -> date | None:
    """The civil day in which something is to be learnt now; None: yesterday may still change."""
    civil = civil_at(time_zone, watermark)
    return civil.day if civil.minute >= SETTLED_MIN else None


def days_before(time_zone: str, day: date) -> list[tuple[datetime, datetime]]:
    """The closed days that teach on `day`, in order, each as instants [start, end)."""
    return [day_bounds(time_zone, day - timedelta(days=back)) for back in range(DAYS, 0, -1)]


def holds_from(watermark: datetime) -> datetime:
    """When an entry that is made at a watermark begins to hold: after everything that was folded before it."""
    return EPOCH + ((watermark - EPOCH) // _AHEAD + 2) * _AHEAD


def learn_day(
    before: Learnt | None,
    day: date,
    registry: Registry,
    history: Iterable[ZoneHistory],
    *,
    begins: datetime,
) -> Learnt | None:
    """What is known after the days before `day`, whose `history` this is. None: nothing was ever seen.

    `before` is what was learnt last; it holds from `begins` on. The area is registered.
    """
    time_zone = "UTC" if registry.area is None else registry.area.time_zone
    days = days_before(time_zone, day)
    fresh = [one for one in days if before is None or before.spells.until < one[1]][-CAUGHT_UP_DAYS:]
    conduct = Conduct(
        days,
        [_is_working_day(registry, time_zone, start) for start, _ in days],
        _watching(registry, days[-1][1]),
        before.unreliable if before else (),
    )
    lesson = SpellLesson(None if before is None else before.spells, fresh, time_zone)
    any_seen = before is not None
    for zone_id, held in history:
        conduct.see(zone_id, held, {bay_id: kind_of(registry.bays[bay_id]) for bay_id in held})
        if fresh:
            any_seen |= lesson.see(_spells(held, (fresh[0][0], days[-1][1])), registry.bays)
    known = lesson.learnt()
    if known is None or not any_seen:
        return None
    return Learnt(
        day=day,
        holds_from=begins,
        time_zone=time_zone,
        spells=known,
        short_spells=conduct.short_spells(),
        unreliable=tuple(conduct.unreliable),
    )


def _is_working_day(registry: Registry, time_zone: str, start: datetime) -> bool:
    day = civil_at(time_zone, start)
    area = registry.area
    return day.weekday < _WEEKEND and not (area and is_bank_holiday(area, registry.calendar, day.day))


def _watching(registry: Registry, at: datetime) -> dict[BayId, tuple[str, datetime | None]]:
    """The sensor that watches each bay, and since when."""
    return {
        bay_id: (binding.device_id, binding.valid_from)
        for bay_id, bindings in registry.bindings_by_bay.items()
        for binding in bindings
        if binding.holds_at(at)
    }


def learnt_doc(learnt: Learnt) -> dict[str, Any]:
    """The entry as the log keeps it."""
    doc: dict[str, Any] = msgspec.to_builtins(learnt)
    return doc


def learnt_of(doc: object) -> Learnt:
    """Raises `msgspec.ValidationError`."""
    return msgspec.convert(doc, Learnt)


def _spells(held: Mapping[BayId, Sequence[Held]], span: Span) -> Iterable[Spell]:
    """The spells of some bays that touch a span."""
    for bay_id, own in held.items():
        for one, then in zip_longest(own, own[1:]):
            if one.state is State.UNKNOWN or one.started_at >= span[1]:
                continue
            if one.ended_at is not None and one.ended_at <= span[0]:
                continue
            yield Spell(
                bay_id,
                one.state,
                one.started_at,
                one.ended_at if then is not None and turned(one, then) else None,
                FOREVER if one.ended_at is None else one.ended_at,
            )


class Known(NamedTuple):
    """What was learnt, ready to be asked."""

    learnt: Learnt
    plausibility: Plausibility
    most_short: dict[str, int]

    def most_short_spells(self, bay: Bay) -> int | None:
        """How many a bay has in a day at most, if its sensor is as it should be; None: nothing is known of its like."""
        kind = kind_of(bay)
        return self.most_short.get(alike(bay.zone_id, kind), self.most_short.get(kind))


class Timeline:
    """What was learnt, by when it holds: any instant of the remembered past has one answer, whoever asks when."""

    def __init__(self) -> None:
        self._known: list[Known] = []

    def __bool__(self) -> bool:
        """Whether anything was learnt yet."""
        return bool(self._known)

    def add(self, learnt: Learnt) -> None:
        """Entries come in the order in which they hold."""
        most_short = {zone: most_plausible(per_day) for zone, per_day in learnt.short_spells.items()}
        self._known.append(Known(learnt, Plausibility(learnt.spells, learnt.time_zone), most_short))

    def at(self, instant: datetime) -> Known | None:
        """What held at an instant; None: nothing was learnt then."""
        return next((one for one in reversed(self._known) if one.learnt.holds_from <= instant), None)

    def beginning_in(self, after: datetime, until: datetime) -> list[Known]:
        """What began to hold in (after, until]."""
        if not self._known or self._known[-1].learnt.holds_from <= after:
            return []
        return [one for one in self._known if after < one.learnt.holds_from <= until]

    def forget(self, before: datetime) -> None:
        """Drop what no longer held at an instant."""
        while len(self._known) > 1 and self._known[1].learnt.holds_from <= before:
            del self._known[0]
