"""What one driver may use of a zone, and what is left to say of it when nothing can be observed.

Pure. Bays that are not for this driver are left out of the driver's count altogether: a resident bay is never
an "occupied" public bay, nor a "free" one (L12).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from occupancy.model import Counts, Group, ZoneAvailability, sum_of_estimates
from occupancy.rules import admits


def usable(groups: Iterable[Group], driver: str, stay_min: int | None = None) -> Counts:
    """Return the counts over the bays that `driver` may use now.

    `driver` is a `for=` value, as in "general" or "permit:A"; `stay_min` is the intended stay in minutes,
    None: not said. A maximum stay binds everybody but those the bay is reserved for: a resident in a shared
    bay is not held to the visitors' limit.
    """
    return sum((group.counts for group in groups if _may_use(group, driver, stay_min)), Counts())


def usable_estimate(groups: Iterable[Group], driver: str, stay_min: int | None = None) -> int | None:
    """Return the estimate of free bays, as `usable` counts them; in whole bays. None: no ground."""
    return sum_of_estimates(group for group in groups if _may_use(group, driver, stay_min))


def _may_use(group: Group, driver: str, stay_min: int | None) -> bool:
    if not admits(group.access, driver):
        return False
    if stay_min is None or group.max_stay_min is None or stay_min <= group.max_stay_min:
        return True
    return driver != "general" and driver in group.access


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
