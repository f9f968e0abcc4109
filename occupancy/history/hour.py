"""One hour of one series: what history keeps, and what all its figures are made of.

Whole microseconds and whole vehicles, so that sums do not depend on the order in which they are made (L3).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from occupancy.history.lengths import Lengths
from occupancy.model import EPOCH

HOUR = timedelta(hours=1)
SLOT = timedelta(minutes=5)
SLOTS = HOUR // SLOT
SLOT_US = SLOT // timedelta(microseconds=1)
HOUR_US = HOUR // timedelta(microseconds=1)


class Scope(StrEnum):
    """Whose hours they are."""

    ZONE = "zone"
    CONTROLLED_ZONE = "controlled_zone"
    AREA = "area"


class Dim(StrEnum):
    """Which of the bays: all of them, or those of one physical type, or while their kerb has one use."""

    ALL = "all"
    BAY_TYPE = "bay_type"
    USE = "use"


class Series(NamedTuple):
    """What a row of hours belongs to. `value` is the bay type or the use; "" for all bays."""

    scope: Scope
    scope_id: str
    dim: Dim = Dim.ALL
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """Bay-microseconds and vehicles by five minutes, `SLOTS` of each; what is left of those in service is unknown."""

    in_service: tuple[int, ...]
    free: tuple[int, ...]
    occupied: tuple[int, ...]
    closed: tuple[int, ...]
    arrivals: tuple[int, ...]
    departures: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HourRow:
    """Bay-microseconds by state, and what happened, in the hour from `hour_at` on."""

    series: Series
    hour_at: datetime
    in_service_us: int
    free_us: int
    occupied_us: int
    closed_us: int
    usable_us: int
    """Microseconds (of the clock, not of bays) in which at least one bay was open to the drivers it is counted for:
    general ones, or those of the bay type."""
    some_free_us: int
    """Of these, with at least one such bay known to be free."""
    all_taken_us: int
    """Of these, with every such bay known to be taken. The rest is not known."""
    arrivals: int
    departures: int
    stays: Lengths
    """Lengths of the stays that ended in this hour and whose both ends are known."""
    censored: int
    """Stays that ended in this hour of which the beginning or the end is not known."""
    over_candidates: int
    """Overstays whose limit ran out in this hour; of these, confirmed by a second word."""
    over_confirmed: int
    over_s: int
    """Seconds beyond the limit of those that have ended, by the limit in force."""
    slots: Slots | None = None
    """For all bays of a zone, a controlled zone or an area."""

    @property
    def says_something(self) -> bool:
        """Whether a bay was in service, or something happened."""
        turns = self.arrivals or self.departures or self.stays.counts or self.censored or self.over_candidates
        return bool(self.in_service_us or turns)

    @property
    def peak_us(self) -> int | None:
        """Bay-microseconds occupied in the fullest five minutes; None: they are not kept."""
        return None if self.slots is None else max(self.slots.occupied)

    @property
    def unknown_us(self) -> int:
        return self.in_service_us - self.free_us - self.occupied_us - self.closed_us


def floor_hour(at: datetime) -> datetime:
    """The beginning of the hour (of UTC) that holds `at`."""
    return at - (at - EPOCH) % HOUR
