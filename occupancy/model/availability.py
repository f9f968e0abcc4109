"""Derived: what is known of the bays of one zone, and where it comes from (L4, L5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
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
class Terms:
    """On what terms the bays of a group may be used, now and later: ids of rules and of overrides."""

    rule_ids: tuple[str, ...] = ()
    """All that the bays name, in force or not."""
    rules_in_force: tuple[str, ...] = ()
    override_ids: tuple[str, ...] = ()
    """Those over the bays that have not ended, begun or not."""
    overrides_in_force: tuple[str, ...] = ()
    in_service_to: datetime | None = None
    ev_connectors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Bays of a zone that are alike: the same physical type, the same drivers admitted now, the same terms (L12).

    `access` holds who may use them now: "general", "blue_badge", "permit:CODE", "loading", "ev", "motorcycle",
    "coach"; empty when closed. `max_stay_min` is the limit in force for a general driver, None: no limit.
    """

    bay_type: BayType
    access: frozenset[str]
    counts: Counts
    max_stay_min: int | None = None
    suspended: bool = False
    """Closed by a suspension, which is for a time and announced; else by other rules, hours or a closure."""
    terms: Terms | None = None
    """None: a car park, which is used as a whole; or the engine has not spoken of these bays yet."""
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


def _kinds(groups: Iterable[Group]) -> list[Group]:
    """The groups with those together that differ in their terms only: those are used alike now."""
    kinds: dict[tuple[BayType, frozenset[str], int | None], Group] = {}
    for group in groups:
        key = (group.bay_type, group.access, group.max_stay_min)
        known = kinds.get(key)
        kinds[key] = (
            group
            if known is None
            else replace(
                known,
                counts=known.counts + group.counts,
                guessed=known.guessed + group.guessed,
                guessed_free=known.guessed_free + group.guessed_free,
            )
        )
    return list(kinds.values())


def sum_of_estimates(groups: Iterable[Group]) -> int | None:
    """The estimate for some groups together, in whole bays; None: there is none for one kind of them."""
    found = [kind.estimated_free for kind in _kinds(groups)]
    return None if None in found else round(sum(estimate for estimate in found if estimate is not None))


def estimate_of_all(groups: Sequence[Group]) -> int | None:
    """The estimate for the groups of a zone, in whole bays. A kind of which too few are heard is taken to be like all
    of them together; None: of those too few are heard, too."""
    kinds = _kinds(groups)
    free, heard = sum(kind.heard_free for kind in kinds), sum(kind.heard for kind in kinds)
    if _with_unheard(free, heard, sum(kind.unheard for kind in kinds)) is None:
        return sum_of_estimates(kinds)
    estimate = 0.0
    for kind in kinds:
        own = kind.estimated_free
        estimate += kind.heard_free + kind.unheard * free / heard if own is None else own
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
