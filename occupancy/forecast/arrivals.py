"""What one driver may expect of a zone on arrival, from an issue: of the bays that this driver may use then (L12).

Between the horizons of an issue its numbers are interpolated, the chance as log odds; what is usual at that hour bends
the line, so that a night lies between two noons. Of a place's bays of which the driver may use some only, or more than
there were, the free ones are beta-binomial with the mean and the spread of the forecast; its chances are moved so that
for all bays they are what the issue says. Places of a zone go together as near streets do (`nearby`).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from occupancy.forecast.issue import HORIZONS, LEVELS, Issue, Place
from occupancy.forecast.nearby import AT_ONE_SPOT, any_of, apart_together, at_least
from occupancy.forecast.outlook import EDGE, P_EDGE
from occupancy.model import Source, aware

_BAND_SDS = 2 * 1.645
"""How many standard deviations of a normal distribution lie between the quantiles of 5 and 95 %."""
_ALIKE = (0.005, 0.95)
"""How far bays of one place are taken to go together, at least and at most: 0 is not at all, 1 as one."""
_MEDIAN = LEVELS.index(0.5)
UsualShare = Callable[[datetime], float | None]
"""The share of a zone's bays that is usually taken at an instant; None: not known."""
_WEAKEST = (Source.PRIOR, Source.TYPICAL, Source.FORECAST)


@dataclass(frozen=True, slots=True)
class _Free:
    """The free bays of one place of which the driver may use `usable`."""

    usable: int
    mean: float
    """Share."""
    quantiles: tuple[float, ...]
    """Bays."""
    any: float
    a: float
    b: float

    def counts(self, wanted: int) -> list[float]:
        """The chances that 0, 1, ... bays are free: `wanted` of them, or all that there are."""
        return _anchored(_counts(self.usable, self.a, self.b, wanted), self.any)


@dataclass(frozen=True, slots=True)
class Expectation:
    """`quantiles` are of the bays free for the driver at `LEVELS`; `source` that of the least known of its places."""

    usable: int
    expected_free: float
    quantiles: tuple[float, ...]
    p_any: float
    source: Source
    _places: tuple[_Free, ...] = ()

    def p_at_least(self, wanted: int) -> float:
        """The chance of so many free bays, from 1 on."""
        if wanted > self.usable:
            return 0.0
        if wanted == 1:
            return self.p_any
        counts = [place.counts(wanted) for place in self._places]
        found = 1 - sum(counts[0]) if len(counts) == 1 else at_least(wanted, counts, AT_ONE_SPOT)
        return min(max(found, 0.0), self.p_any)


class Arriving:
    """An issue as it is read for one instant: made once for all who arrive then."""

    def __init__(self, issue: Issue, at: datetime) -> None:
        """Before the first horizon, or after the last, that one counts."""
        ahead = aware(at, "at") - issue.issued_at
        later = min(max(bisect_right(HORIZONS, ahead), 1), len(HORIZONS) - 1)
        low, high = HORIZONS[later - 1], HORIZONS[later]
        weight = min(max((ahead - low) / (high - low), 0.0), 1.0)
        self.issue, self.at = issue, at
        self.horizon = HORIZONS[later if weight > 0.5 else later - 1]
        """The nearest one: how good such forecasts were is known of it."""
        self._between = (
            (issue.issued_at + low, 1 - weight),
            (issue.issued_at + high, weight),
        )
        lo, hi = later - 1, later
        self._free = ((1 - weight) * issue.free[:, lo] + weight * issue.free[:, hi]).tolist()
        self._quantiles = ((1 - weight) * issue.quantiles[:, lo] + weight * issue.quantiles[:, hi]).tolist()
        self._any = [
            _chance((1 - weight) * _odds(before) + weight * _odds(after))
            for before, after in zip(
                issue.any_free[:, lo].tolist(), issue.any_free[:, hi].tolist(), strict=True
            )
        ]
        self._bays: list[int] = issue.bays.tolist()
        self._numbers = {place: number for number, place in enumerate(issue.places)}

    def bend(self, usual: UsualShare) -> float:
        """How much less is usually taken then than a straight line between the horizons around it has."""
        then = usual(self.at)
        around = [(usual(at), weight) for at, weight in self._between]
        if then is None or any(share is None for share, _ in around):
            return 0.0
        return sum((share or 0.0) * weight for share, weight in around) - then

    def expected(self, usable: Mapping[Place, int], bend: float = 0.0) -> Expectation | None:
        """Of the bays that a driver may use of each place. None: of some of them the issue says nothing."""
        wanted = [(self._numbers.get(place), bays) for place, bays in usable.items() if bays > 0]
        if any(number is None or self._bays[number] == 0 for number, _ in wanted):
            return None
        numbers = [(number, bays) for number, bays in wanted if number is not None]
        places = tuple(self._of(number, bays, bend) for number, bays in numbers)
        if not places:
            return Expectation(0, 0.0, (0.0,) * len(LEVELS), 0.0, Source.PRIOR)
        sources = {self.issue.sources[number] for number, _ in numbers}
        p_any = min(max(any_of([place.any for place in places], AT_ONE_SPOT), P_EDGE), 1 - P_EDGE)
        return Expectation(
            usable=sum(place.usable for place in places),
            # Chance and mean are learnt apart; of whole bays the mean is never below the chance of one.
            expected_free=max(sum(place.usable * place.mean for place in places), p_any),
            quantiles=_together(places),
            p_any=p_any,
            source=next(source for source in _WEAKEST if source in sources),
            _places=places,
        )

    def _of(self, number: int, usable: int, bend: float) -> _Free:
        bays = self._bays[number]
        straight, quantiles = self._free[number], self._quantiles[number]
        edge = min(EDGE, 0.5 / bays)
        mean = min(max(straight, edge), 1 - edge)
        bent = min(max(straight + bend, edge), 1 - edge)
        alike = _alike(bays, mean, (quantiles[-1] - quantiles[0]) / _BAND_SDS)
        sure = 1 / alike - 1
        a, b = bent * sure, (1 - bent) * sure
        any_free = _chance(
            _odds(self._any[number])
            + _odds(_some(usable, a, b))
            - _odds(_some(bays, mean * sure, (1 - mean) * sure))
        )
        if usable == bays:
            around = tuple(min(max(share + bend, 0.0), 1.0) * bays for share in quantiles)
        else:
            around = _quantiles(_anchored(_counts(usable, a, b, usable + 1), any_free))
        return _Free(usable, min(max(straight + bend, 0.0), 1.0), around, any_free, a, b)


def _together(places: Sequence[_Free]) -> tuple[float, ...]:
    """The quantiles of all together, by how far each is from its median."""
    middle = sum(place.quantiles[_MEDIAN] for place in places)
    found = []
    for level in range(len(LEVELS)):
        off = apart_together(
            [abs(place.quantiles[level] - place.quantiles[_MEDIAN]) for place in places], AT_ONE_SPOT
        )
        found.append(middle - off if level < _MEDIAN else middle + off)
    return tuple(found)


def _alike(bays: int, mean: float, spread: float) -> float:
    """How far bays go together (0 to 1) when the share of them that is free has this standard deviation."""
    least, most = _ALIKE
    if bays == 1:
        return most
    alone = mean * (1 - mean) / bays
    return min(max((spread**2 / alone - 1) / (bays - 1), least), most)


def _some(bays: int, a: float, b: float) -> float:
    """The chance of at least one of so many beta-binomial bays."""
    log_none = math.lgamma(bays + b) + math.lgamma(a + b) - math.lgamma(bays + a + b) - math.lgamma(b)
    return -math.expm1(log_none)


def _counts(bays: int, a: float, b: float, wanted: int) -> list[float]:
    """The chances of 0, 1, ... free ones of so many beta-binomial bays: `wanted` of them, or all that there are."""
    log_p = math.lgamma(bays + b) + math.lgamma(a + b) - math.lgamma(bays + a + b) - math.lgamma(b)
    found = [math.exp(log_p)]
    for free in range(min(wanted - 1, bays)):
        log_p += math.log((bays - free) * (free + a) / ((free + 1) * (bays - free - 1 + b)))
        found.append(math.exp(log_p))
    return found


def _anchored(counts: Sequence[float], some: float) -> list[float]:
    """The same with another chance of at least one; what is free beyond that keeps its shape."""
    scale = some / max(1 - counts[0], 1e-12)
    return [1 - some, *(chance * scale for chance in counts[1:])]


def _quantiles(counts: Sequence[float]) -> tuple[float, ...]:
    found, total, free = [], counts[0], 0
    for level in LEVELS:
        while total < level and free < len(counts) - 1:
            free += 1
            total += counts[free]
        found.append(float(free))
    return tuple(found)


def _odds(chance: float) -> float:
    """Log odds of a chance that is held away from certainty."""
    held = min(max(chance, 1e-6), 1 - 1e-6)
    return math.log(held / (1 - held))


def _chance(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))
