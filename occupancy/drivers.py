"""What one driver may use of a zone, and what is left to say of it when nothing can be observed.

Pure. Bays that are not for this driver are left out of the driver's count altogether: a resident bay is never
an "occupied" public bay, nor a "free" one (L12).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from occupancy.model import Counts, Group, Zone, ZoneAvailability, ZoneKind, sum_of_estimates
from occupancy.rules import GENERAL, admits
from occupancy.whole_stay import Fit, Visit


class Status(StrEnum):
    """What a zone is for one driver, in one word; it never says otherwise than the counts beside it."""

    FREE = "free"
    """A usable bay is known to be free."""
    UNKNOWN = "unknown"
    """None is known to be free, and one that is not known may be."""
    FULL = "full"
    """Every usable bay that is open is known to be taken."""
    CLOSED = "closed"
    SUSPENDED = "suspended"
    NOT_FOR_YOU = "not_for_you"
    """Nothing is usable: why most of the bays are not."""


_WHY_NOT = (
    (Fit.SUSPENDED, Status.SUSPENDED),
    (Fit.CLOSED, Status.CLOSED),
    (Fit.NOT_FOR_YOU, Status.NOT_FOR_YOU),
)
"""Where as many bays are shut out for one reason as for another, the first is said."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: a `for=` value, as "general" or "permit:A", and what the vehicle is to be charged with."""

    driver: str = GENERAL
    ev_connector: str | None = None


ANYBODY = Asker()


@dataclass(frozen=True, slots=True)
class Usable:
    """What an asker may use of one zone: the bays by what is known of them, and why the others are not usable."""

    groups: tuple[Group, ...] = ()
    """Those that may be used, with the counts that may be."""
    refused: dict[Fit, int] = field(default_factory=dict)
    """How many bays are not usable, by the reason."""

    @property
    def counts(self) -> Counts:
        return sum((group.counts for group in self.groups), Counts())

    @property
    def estimate(self) -> int | None:
        """How many are free with those not known, in whole bays; None: no ground."""
        return sum_of_estimates(self.groups)

    @property
    def shut(self) -> int:
        """How many bays are closed or suspended, whoever asks."""
        return self.refused.get(Fit.CLOSED, 0) + self.refused.get(Fit.SUSPENDED, 0) + self.counts.closed

    @property
    def status(self) -> Status:
        counts = self.counts
        if counts.free:
            return Status.FREE
        if counts.unknown or self.refused.get(Fit.UNKNOWN):
            return Status.UNKNOWN
        if counts.occupied:
            return Status.FULL
        shut_out = dict(self.refused)
        for group in self.groups:
            why = Fit.SUSPENDED if group.suspended else Fit.CLOSED
            shut_out[why] = shut_out.get(why, 0) + group.counts.closed
        most = max(shut_out.values(), default=0)
        return next((said for why, said in _WHY_NOT if most and shut_out.get(why) == most), Status.UNKNOWN)


def usable(groups: Iterable[Group], driver: str) -> Counts:
    """Return the counts over the bays that `driver` may use now."""
    return sum((group.counts for group in groups if admits(group.access, driver)), Counts())


def usable_by(
    zone: Zone, availability: ZoneAvailability, asker: Asker = ANYBODY, visit: Visit | None = None
) -> Usable:
    """Return what the asker may use for the whole of the visit, and what is known of it now.

    Without a visit, what the asker may use in this minute, by what the engine says holds.
    """
    groups: list[Group] = []
    refused: dict[Fit, int] = {}
    counted = _car_park_fit(zone, availability, asker, visit) if zone.kind is ZoneKind.CAR_PARK else None
    for group in availability.groups:
        fit = _street_fit(group, asker, visit) if counted is None else counted(group)
        if fit is Fit.USABLE:
            groups.append(group)
        elif group.counts.capacity:
            refused[fit] = refused.get(fit, 0) + group.counts.capacity
    if visit is not None and zone.capacity_hours:
        groups = [_at_most(group, visit.car_park(zone)[1]) for group in groups]
    return Usable(tuple(groups), refused)


def _street_fit(group: Group, asker: Asker, visit: Visit | None) -> Fit:
    terms = group.terms
    if asker.ev_connector is not None and (terms is None or asker.ev_connector not in terms.ev_connectors):
        return Fit.UNKNOWN if terms is None else Fit.NOT_FOR_YOU
    if visit is None:
        return _fit_now(group, asker)
    if terms is None:
        return Fit.UNKNOWN
    return visit.fit(group.bay_type, terms, asker.driver)


def _car_park_fit(
    zone: Zone, availability: ZoneAvailability, asker: Asker, visit: Visit | None
) -> Callable[[Group], Fit]:
    """Return how a car park's groups are judged: it is used as a whole, but for what is shut of it now."""
    if asker.ev_connector is not None:
        # How many of its bays have one, and which are free, nobody counts.
        fit = Fit.UNKNOWN if asker.ev_connector in zone.ev_connectors else Fit.NOT_FOR_YOU
        return lambda _group: fit
    if visit is None:
        return lambda group: _fit_now(group, asker)
    whole, _ = visit.car_park(zone)
    opened = any(group.access for group in availability.groups)

    def of(group: Group) -> Fit:
        if whole is not Fit.USABLE:
            return whole
        # What is shut while the rest is open is not in use; what is shut with all the rest may open by then.
        return Fit.USABLE if group.access or not opened else _fit_now(group, asker)

    return of


def _fit_now(group: Group, asker: Asker) -> Fit:
    if admits(group.access, asker.driver):
        return Fit.USABLE
    if group.counts.closed:
        return Fit.SUSPENDED if group.suspended else Fit.CLOSED
    if group.access or (group.terms is not None and group.terms.rules_in_force):
        return Fit.NOT_FOR_YOU
    return Fit.UNKNOWN


def _at_most(group: Group, bays: int) -> Group:
    """Return a car park's group in which no more than so many bays are in use: the vehicles in it stay."""
    counts = group.counts
    occupied = min(counts.occupied, bays)
    free = min(counts.free, bays - occupied)
    unknown = min(counts.unknown, bays - occupied - free)
    closed = min(counts.closed, bays - occupied - free - unknown)
    return replace(group, counts=Counts(free=free, occupied=occupied, unknown=unknown, closed=closed))


def withheld(availability: ZoneAvailability) -> ZoneAvailability:
    """Return the same zone with every claim taken back: only closed stays closed, the rest is unknown.

    For use when the pipeline behind the numbers is down, so that nothing in them is evidence any more (L4).
    `as_of` stays: it says how old the last evidence is. A zone that is closed as a whole needs none.
    """
    groups = tuple(replace(group, counts=_unclaimed(group.counts)) for group in availability.groups)
    counts = _unclaimed(availability.counts)
    return replace(
        availability,
        groups=groups,
        counts=counts,
        free_min=0,
        free_max=counts.unknown,
        confidence=availability.confidence if counts.all_closed else 0.0,
        coverage=0.0,
    )


def _unclaimed(counts: Counts) -> Counts:
    return Counts(unknown=counts.free + counts.occupied + counts.unknown, closed=counts.closed)
