"""Derived: what is known of the bays of one zone, and where it comes from (L4, L5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from occupancy.model.ids import ZoneId
from occupancy.model.places import BayType


class Source(StrEnum):
    """Where a number comes from (L5). The modelled ones are never presented as live."""

    SENSOR = "sensor"
    COUNT = "count"
    ESTIMATE = "estimate"
    FORECAST = "forecast"
    TYPICAL = "typical"
    PRIOR = "prior"
    """What is known beforehand, without an observation: from the registry and its orders, or from no history."""


ESTIMATED_FROM = 3
"""Bays of a kind that must be observed, and as many as are not, before anything is estimated from them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Bays by what is known of them. `free + occupied + unknown + closed = capacity`, nothing negative (L4)."""

    free: int = 0
    occupied: int = 0
    unknown: int = 0
    closed: int = 0

    def __post_init__(self) -> None:
        if self.free < 0 or self.occupied < 0 or self.unknown < 0 or self.closed < 0:
            raise ValueError(f"a negative count: {self}")

    @property
    def capacity(self) -> int:
        return self.free + self.occupied + self.unknown + self.closed

    @property
    def all_closed(self) -> bool:
        """Whether there are bays, and every one is closed: nothing is left that could be observed."""
        return self.capacity == self.closed > 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            free=self.free + other.free,
            occupied=self.occupied + other.occupied,
            unknown=self.unknown + other.unknown,
            closed=self.closed + other.closed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Bays of a zone that are alike: the same physical type and the same drivers admitted now (L12).

    `access` holds who may use them now: "general", "blue_badge", "permit:CODE", "loading", "ev", "motorcycle",
    "coach"; empty when closed. `max_stay_min` is the limit in force for a general driver, None: no limit.
    """

    bay_type: BayType
    access: frozenset[str]
    counts: Counts
    max_stay_min: int | None = None
    guessed: int = 0
    """Of the unknown: those of which something was known of late (an outage cut them off, or they are doubted)."""
    guessed_free: float = 0.0
    """Of these, how many are free on average."""

    @property
    def heard(self) -> int:
        """How many something is known of."""
        return self.counts.free + self.counts.occupied + self.guessed

    @property
    def heard_free(self) -> float:
        """How many of those are free: known to be, or by what has been learnt since they last were."""
        return self.counts.free + self.guessed_free

    @property
    def unheard(self) -> int:
        return self.counts.unknown - self.guessed

    @property
    def estimated_free(self) -> float | None:
        """How many are free: of those heard, and of the others as large a share; None: too few are heard to say."""
        return _with_unheard(self.heard_free, self.heard, self.unheard)


def _with_unheard(free: float, heard: int, unheard: int) -> float | None:
    if unheard == 0:
        return free
    return free + unheard * free / heard if heard >= max(ESTIMATED_FROM, unheard) else None


def sum_of_estimates(groups: Iterable[Group]) -> int | None:
    """The estimate for some groups together, in whole bays; None: there is none for one of them."""
    found = [group.estimated_free for group in groups]
    return None if None in found else round(sum(estimate for estimate in found if estimate is not None))


def estimate_of_all(groups: Sequence[Group]) -> int | None:
    """The estimate for the groups of a zone, in whole bays. A group of which too few are heard is taken to be like all
    of them together; None: of those too few are heard, too."""
    free, heard = sum(group.heard_free for group in groups), sum(group.heard for group in groups)
    if _with_unheard(free, heard, sum(group.unheard for group in groups)) is None:
        return sum_of_estimates(groups)
    estimate = 0.0
    for group in groups:
        own = group.estimated_free
        estimate += group.heard_free + group.unheard * free / heard if own is None else own
    return round(estimate)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneAvailability:
    """The live answer for one zone. `free_min..free_max` bound what is not known."""

    zone_id: ZoneId
    groups: tuple[Group, ...]
    free_min: int
    free_max: int
    as_of: datetime | None
    """The newest evidence behind it; None: there is none."""
    source: Source
    confidence: float
    coverage: float
    """Share of the bays in service whose state is observed now, 0..1."""
    counts: Counts = field(default=Counts())

    @property
    def free_estimate(self) -> int | None:
        """An estimate, never shown as observed: those free, and of those not known the share of their like."""
        return estimate_of_all(self.groups)

    def __post_init__(self) -> None:
        total = sum((group.counts for group in self.groups), Counts())
        if total != self.counts:
            raise ValueError(f"{self.zone_id}: the groups add up to {total}, not {self.counts}")
        if not 0 <= self.free_min <= self.counts.free <= self.free_max <= self.counts.capacity:
            raise ValueError(
                f"{self.zone_id}: bounds {self.free_min}..{self.free_max} do not hold {self.counts}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneCell:
    """Fifteen minutes of one zone in bay-seconds by state; written once the watermark has passed its end."""

    zone_id: ZoneId
    cell_at: datetime
    free_s: float
    occupied_s: float
    unknown_s: float
    closed_s: float
    arrivals: int
    departures: int
