"""How much people want to park, and how long they stay: assumptions, in one place.

Stays in limited bays follow the shape of a survey of 1,399 stays in two-hour bays (65 % within the hour,
about 20 % over the limit, a thin tail to eight hours). Shares by hour are our own guesses for a British city
centre.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import accumulate
from random import Random

from simulator.plan import Profile

_MIN = 60.0
_HOUR = 3600.0
SHORTEST_STAY_S = 60.0
LONGEST_STAY_S = 36 * _HOUR


@dataclass(frozen=True, slots=True)
class Part:
    """One lognormal part of a mixture: its share (0..1), mean (seconds) and spread (sigma of the
    logarithm)."""

    share: float
    mean_s: float
    spread: float


@dataclass(frozen=True, slots=True)
class Stays:
    """A distribution of stay lengths."""

    parts: tuple[Part, ...]
    _shares: list[float] = field(init=False, repr=False, compare=False)
    """Running sums, as a draw wants them."""
    _centres: list[float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_shares", list(accumulate(part.share for part in self.parts)))
        centres = [math.log(part.mean_s) - part.spread**2 / 2 for part in self.parts]
        object.__setattr__(self, "_centres", centres)

    @property
    def mean_s(self) -> float:
        return sum(part.share * part.mean_s for part in self.parts)

    def draw(self, random: Random) -> float:
        """Length of a stay that begins now, in seconds."""
        number = random.choices(range(len(self.parts)), cum_weights=self._shares)[0]
        return _clip(random.lognormvariate(self._centres[number], self.parts[number].spread))

    def draw_in_progress(self, random: Random) -> tuple[float, float]:
        """(seconds so far, seconds to go) of a stay met at a random instant: long stays are met more
        often."""
        weights = [part.share * part.mean_s for part in self.parts]
        part = random.choices(self.parts, weights)[0]
        centre = math.log(part.mean_s) + part.spread**2 / 2
        whole = _clip(random.lognormvariate(centre, part.spread))
        so_far = random.random() * whole
        return so_far, whole - so_far


def _clip(seconds: float) -> float:
    return min(max(seconds, SHORTEST_STAY_S), LONGEST_STAY_S)


_LIMITED = (
    Part(0.65, 34 * _MIN, 0.7),
    Part(0.198, 105 * _MIN, 0.12),
    Part(0.094, 175 * _MIN, 0.1),
    Part(0.028, 235 * _MIN, 0.08),
    Part(0.014, 295 * _MIN, 0.08),
    Part(0.016, 430 * _MIN, 0.15),
)
_UNLIMITED = {
    Profile.SHOPPING: (Part(0.6, 50 * _MIN, 0.6), Part(0.3, 120 * _MIN, 0.4), Part(0.1, 300 * _MIN, 0.4)),
    Profile.OFFICE: (Part(0.4, 60 * _MIN, 0.6), Part(0.6, 470 * _MIN, 0.15)),
    Profile.RESIDENTIAL: (Part(0.5, 90 * _MIN, 0.7), Part(0.5, 300 * _MIN, 0.6)),
    Profile.EVENING: (Part(0.7, 115 * _MIN, 0.5), Part(0.3, 200 * _MIN, 0.3)),
}
_BY_DRIVER = {
    "permit": Stays((Part(0.35, 90 * _MIN, 0.8), Part(0.65, 660 * _MIN, 0.35))),
    "blue_badge": Stays((Part(0.6, 60 * _MIN, 0.6), Part(0.4, 150 * _MIN, 0.5))),
    "loading": Stays((Part(1.0, 18 * _MIN, 0.75),)),
    "ev": Stays((Part(1.0, 80 * _MIN, 0.5),)),
    "motorcycle": Stays((Part(0.5, 60 * _MIN, 0.6), Part(0.5, 450 * _MIN, 0.3))),
    "coach": Stays((Part(1.0, 180 * _MIN, 0.3),)),
}


@cache
def stays(driver: str, profile: Profile, limit_min: int | None, pace: float = 1.0) -> Stays:
    """How long such a driver stays. A limit binds general drivers only, and not all of them keep it. At another
    pace all stays are so many times shorter."""
    if pace != 1:
        usual = stays(driver, profile, limit_min).parts
        return Stays(tuple(replace(part, mean_s=part.mean_s / pace) for part in usual))
    kind = driver.partition(":")[0]
    if kind in _BY_DRIVER:
        return _BY_DRIVER[kind]
    if limit_min is None:
        return Stays(_UNLIMITED[profile])
    scale = min(max(limit_min / 120, 0.3), 2.5)
    return Stays(tuple(Part(part.share, part.mean_s * scale, part.spread) for part in _LIMITED))


# Share of bays taken, at hours of the day; straight lines between. (weekday, Saturday, Sunday)
_Day = tuple[tuple[float, float], ...]
_General: Mapping[Profile, tuple[_Day, _Day, _Day]] = {
    Profile.SHOPPING: (
        (
            (0, 0.12),
            (6, 0.08),
            (8, 0.3),
            (10, 0.68),
            (12, 0.82),
            (15, 0.78),
            (17, 0.62),
            (19, 0.42),
            (22, 0.25),
            (24, 0.12),
        ),
        (
            (0, 0.15),
            (6, 0.08),
            (8, 0.25),
            (10, 0.72),
            (12, 0.93),
            (15, 0.92),
            (17, 0.7),
            (19, 0.5),
            (22, 0.3),
            (24, 0.15),
        ),
        ((0, 0.15), (7, 0.06), (10, 0.3), (12, 0.68), (15, 0.72), (17, 0.45), (20, 0.25), (24, 0.12)),
    ),
    Profile.OFFICE: (
        (
            (0, 0.06),
            (6, 0.08),
            (8, 0.5),
            (9.5, 0.86),
            (12, 0.9),
            (15, 0.84),
            (17, 0.5),
            (19, 0.25),
            (24, 0.06),
        ),
        ((0, 0.05), (8, 0.15), (11, 0.45), (15, 0.45), (18, 0.25), (24, 0.06)),
        ((0, 0.05), (9, 0.1), (12, 0.3), (15, 0.3), (18, 0.15), (24, 0.06)),
    ),
    Profile.RESIDENTIAL: (
        ((0, 0.5), (6, 0.48), (9, 0.4), (12, 0.42), (16, 0.45), (19, 0.6), (22, 0.58), (24, 0.5)),
        ((0, 0.5), (8, 0.48), (12, 0.52), (17, 0.52), (20, 0.6), (24, 0.52)),
        ((0, 0.52), (9, 0.5), (13, 0.5), (18, 0.56), (24, 0.52)),
    ),
    Profile.EVENING: (
        (
            (0, 0.35),
            (4, 0.12),
            (8, 0.22),
            (12, 0.55),
            (17, 0.58),
            (19, 0.84),
            (21, 0.88),
            (23, 0.6),
            (24, 0.35),
        ),
        ((0, 0.45), (4, 0.15), (9, 0.25), (13, 0.68), (17, 0.7), (19, 0.92), (22, 0.9), (24, 0.55)),
        ((0, 0.55), (4, 0.15), (10, 0.25), (13, 0.6), (17, 0.5), (19, 0.6), (22, 0.35), (24, 0.25)),
    ),
}
_Permit: _Day = ((0, 0.88), (7, 0.85), (9, 0.62), (12, 0.56), (15, 0.58), (18, 0.78), (21, 0.88), (24, 0.88))
_Reserved: Mapping[str, _Day] = {
    "blue_badge": ((0, 0.1), (7, 0.1), (10, 0.5), (14, 0.58), (18, 0.35), (24, 0.1)),
    "loading": ((0, 0.02), (6, 0.15), (9, 0.55), (12, 0.42), (16, 0.25), (19, 0.05), (24, 0.02)),
    "ev": ((0, 0.25), (7, 0.3), (10, 0.6), (17, 0.65), (20, 0.5), (24, 0.25)),
    "motorcycle": ((0, 0.1), (7, 0.2), (9, 0.6), (16, 0.55), (19, 0.2), (24, 0.1)),
    "coach": ((0, 0.05), (8, 0.1), (11, 0.6), (15, 0.6), (18, 0.2), (24, 0.05)),
}
_IN_OPEN_BAYS = {"blue_badge": 0.05, "ev": 0.02}
"""How much of a general bay's time such drivers take: they park there, too, when their own bays are taken."""
_PERMIT_IN_SHARED = 0.35
_GENERAL_IN_SHARED = 0.65


def share_taken(
    driver: str, profile: Profile, weekday: int, hour: float, *, open_to_all: bool, shared: bool
) -> float:
    """Share (0..1) of bays that such drivers would take at this hour if nobody else wanted them.

    `open_to_all`: the bay admits general drivers; `shared`: it also admits permit holders by name.
    `weekday` is Monday=0; `hour` is 0..24 local.
    """
    kind = driver.partition(":")[0]
    if kind == "general":
        days = _General[profile]
        share = _between(days[0 if weekday < 5 else weekday - 4], hour)
        return share * (_GENERAL_IN_SHARED if shared else 1.0) if open_to_all else 0.0
    if kind == "permit":
        return _between(_Permit, hour) * (_PERMIT_IN_SHARED if open_to_all else 1.0)
    share = _between(_Reserved.get(kind, _Reserved["coach"]), hour)
    return share * _IN_OPEN_BAYS.get(kind, 0.0) if open_to_all else share


def arrivals_per_s(share_now: float, share_soon: float, soon_s: float, mean_stay_s: float) -> float:
    """Arrivals per bay and second that hold the share on its curve: what leaves, plus what the curve
    climbs."""
    return max(0.0, share_now / mean_stay_s + (share_soon - share_now) / soon_s)


def _between(day: _Day, hour: float) -> float:
    before = day[0]
    for knot in day:
        if knot[0] >= hour:
            if knot[0] == before[0]:
                return knot[1]
            along = (hour - before[0]) / (knot[0] - before[0])
            return before[1] + along * (knot[1] - before[1])
        before = knot
    return before[1]
