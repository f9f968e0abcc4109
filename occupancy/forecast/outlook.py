"""What a driver may expect of a zone at the time of arrival: profile plus a residual that fades.

What is usual then, plus how far the zone is from usual now, less and less of it the longer the way. This is a
baseline that stands to be beaten: no skill is claimed for it. Around the expected share lies a Beta
distribution, so the free bays are beta-binomial; its spread is a judgement (the constants below), not yet
fitted to anything, and leans to the wide side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from occupancy.drivers import usable
from occupancy.forecast.capacity import CapacityAt
from occupancy.forecast.profile import Basis, Profile, Typical
from occupancy.model import Source, ZoneAvailability, ZoneId, aware

HORIZON_MAX = timedelta(hours=24)
RHO_PER_HOUR = 0.9
"""What is left of a residual after an hour. Over eight large car parks of a city with two years of public
5-minute counts, 0.94 was left after one hour, 0.83 after two and 0.6 after four: 0.88 to 0.94 for each hour.
Streets have not been measured; few bays with short stays probably forget faster.
"""
PRIOR_VARIANCE = 1 / 12
"""As if any share were as likely as any other: so unsure is what is usual elsewhere."""
PRIOR_CELLS = 2
"""The prior weighs as much as so many observed days in the variance of what is usual."""
HOUR_VARIANCE = 0.02
"""Added where only the hour is known: weekdays and Sundays differ."""
FLOOR_VARIANCE = 0.03**2
"""No forecast is surer than three bays in a hundred, besides the chance of single bays."""
EDGE = 0.02
"""Neither full nor empty is certain to last: the mean stays this far, or half a bay, from the ends."""
CONCENTRATION_MIN = 1.0
P_EDGE = 0.005
"""No probability is nearer to certainty."""
SAME_BAYS = 0.5
"""A zone's profile is used for a driver who may use at least this share of its open bays: what is usual over
many residents' bays says nothing about two public ones.
"""
BAND = (0.05, 0.95)


class HorizonError(ValueError):
    """The arrival lies before now or more than 24 hours ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """`expected_free` and `p_any` None: there is no evidence, so there is no claim (L4).

    `free_low..free_high` is the 5-95 % band, or everything that is possible when there is no claim.
    """

    zone_id: ZoneId
    at: datetime
    usable_capacity: int
    expected_free: float | None
    free_low: int
    free_high: int
    p_any: float | None
    source: Source
    closed: bool
    cells: int
    """Quarters of an hour of history behind a typical value; 0 for a prior."""


def outlook(
    availability: ZoneAvailability,
    profile: Profile | None,
    capacity: CapacityAt,
    *,
    driver: str,
    now: datetime,
    at: datetime,
    prior_share: float,
    seen_to: datetime | None = None,
    trusted: bool = True,
) -> Outlook:
    """Return what `driver` may expect at `at`, where `capacity` are the bays open to that driver then.

    `prior_share` is usually taken of such bays at such times (`RulesAt.prior_share`). `seen_to` is how far the evidence
    in `availability` reaches (None: to now). `trusted` False: the pipeline is down, so nothing is claimed but what the
    rules close. Raises `HorizonError`.
    """
    if not timedelta() <= aware(at, "at") - aware(now, "now") <= HORIZON_MAX:
        raise HorizonError("an arrival lies between now and 24 hours ahead")
    bays = capacity.usable
    if bays == 0:
        return _result(availability.zone_id, at, capacity, 0.0, 0, 0, 0.0, None)
    fits = profile is not None and bays >= SAME_BAYS * capacity.opened
    then = profile.at(at) if profile is not None and fits else None
    level, weight = _present(availability, driver)
    if not trusted or (level is None and then is None):
        return _result(availability.zone_id, at, capacity, None, 0, bays, None, None)
    share, variance = (prior_share, PRIOR_VARIANCE) if then is None else (then.share, _variance(then))
    if level is not None:
        reach = at - (now if seen_to is None else min(now, seen_to))
        weight *= RHO_PER_HOUR ** (reach / timedelta(hours=1))
        today = profile.at(now) if profile is not None and then is not None else None
        # Where nothing is usual now, or then, the level itself fades into what is said of then.
        usual = share if today is None else today.share
        share += weight * (level - usual)
        variance *= 1 - weight**2
    edge = min(EDGE, 0.5 / bays)
    mean = min(max(1 - share, edge), 1 - edge)
    concentration = max(mean * (1 - mean) / (variance + FLOOR_VARIANCE) - 1, CONCENTRATION_MIN)
    low, high, nothing = _beta_binomial(bays, mean * concentration, (1 - mean) * concentration)
    expected = bays * mean
    return _result(
        availability.zone_id,
        at,
        capacity,
        expected,
        min(low, math.floor(expected)),
        max(high, math.ceil(expected)),
        min(max(1 - nothing, P_EDGE), 1 - P_EDGE),
        then,
    )


def _result(
    zone_id: ZoneId,
    at: datetime,
    capacity: CapacityAt,
    expected: float | None,
    low: int,
    high: int,
    p_any: float | None,
    then: Typical | None,
) -> Outlook:
    return Outlook(
        zone_id=zone_id,
        at=at,
        usable_capacity=capacity.usable,
        expected_free=expected,
        free_low=low,
        free_high=high,
        p_any=p_any,
        source=Source.PRIOR if then is None else Source.TYPICAL,
        closed=capacity.closed,
        cells=0 if then is None else then.cells,
    )


def _present(availability: ZoneAvailability, driver: str) -> tuple[float | None, float]:
    """Return the occupied share now, None when nothing is known, and how sure that is, 0..1.

    The bays that the driver may use now speak; where there are none now, the whole zone does.
    """
    own = usable(availability.groups, driver)
    counts = own if own.capacity else availability.counts
    known, opened = counts.free + counts.occupied, counts.capacity - counts.closed
    if known == 0:
        return None, 0.0
    bays = availability.counts.capacity - availability.counts.closed
    unsure = max(1 - known / opened, (availability.free_max - availability.free_min) / bays)
    return counts.occupied / known, max(0.0, 1 - unsure)


def _variance(typical: Typical) -> float:
    """Return the variance around what is usual: the prior's until days enough have been seen."""
    days = typical.cells / 4 if typical.basis is Basis.HOUR else typical.cells
    seen = (days * typical.variance + PRIOR_CELLS * PRIOR_VARIANCE) / (days + PRIOR_CELLS)
    return seen + (HOUR_VARIANCE if typical.basis is Basis.HOUR else 0.0)


def _beta_binomial(bays: int, a: float, b: float) -> tuple[int, int, float]:
    """Return the ends of the band and the probability of none, of `bays` with free share ~ Beta(a, b)."""
    log_p = math.lgamma(bays + b) + math.lgamma(a + b) - math.lgamma(bays + a + b) - math.lgamma(b)
    nothing = total = math.exp(log_p)
    low, high = 0 if total >= BAND[0] else -1, 0 if total >= BAND[1] else -1
    free = 0
    while high < 0 and free < bays:
        log_p += math.log((bays - free) * (free + a) / ((free + 1) * (bays - free - 1 + b)))
        free += 1
        total += math.exp(log_p)
        if low < 0 and total >= BAND[0]:
            low = free
        if total >= BAND[1]:
            high = free
    return (low if low >= 0 else bays), (high if high >= 0 else bays), nothing
