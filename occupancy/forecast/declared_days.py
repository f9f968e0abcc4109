"""Days that an area's calendar declares to be other than ordinary: what is usual on them, as far from ordinary days.

They are few, so what is learnt of them is how far they are from the ordinary week, by place and part of the day, and
half of it is believed after the first one. Bank holidays are not among them: they are Sundays of the ordinary week.
"""

from __future__ import annotations

from datetime import date
from enum import IntEnum

import numpy as np

from occupancy.calendar import EVENT, declared_types, is_out_of_term
from occupancy.forecast.panel import Floats, Ints
from occupancy.forecast.spread import PARTS_PER_DAY
from occupancy.model import Calendar

BELIEVED_DAYS = 1.0
"""So many days of a kind weigh as much as that they are like any other."""


class DeclaredDay(IntEnum):
    """What is declared of a day; an event on a day out of term is an event."""

    ORDINARY = 0
    EVENT = 1
    OUT_OF_TERM = 2


def declared_day(calendar: Calendar | None, day: date) -> DeclaredDay:
    """What the calendar says of a civil day."""
    if EVENT in declared_types(calendar, day):
        return DeclaredDay.EVENT
    return DeclaredDay.OUT_OF_TERM if is_out_of_term(calendar, day) else DeclaredDay.ORDINARY


class Departures:
    """How far from the ordinary week days of one kind are."""

    def __init__(self, steps_per_part: int, places: int) -> None:
        self._steps_per_part = steps_per_part
        self._steps = np.zeros((PARTS_PER_DAY, places))
        self._totals = np.zeros((PARTS_PER_DAY, places))

    def take_up(self, parts: Ints, departures: Floats) -> None:
        """(steps, places) and the part of the day that each step lies in; NaN: not known."""
        seen = np.isfinite(departures)
        np.add.at(self._steps, parts, seen)
        np.add.at(self._totals, parts, np.where(seen, departures, 0.0))

    def usual(self) -> Floats:
        """(parts of the day, places); 0 where none was seen."""
        found: Floats = self._totals / (self._steps + BELIEVED_DAYS * self._steps_per_part)
        return found
