"""Free bays in several places near each other, which are seldom full alone: places of one street, streets of a radius.

Neighbours fill together, so 1 - (1 - p)(1 - q)... promises too much. Each place is taken to have few free bays when a
normal variable is low, of which a part is common to all places around (a Gaussian copula with one factor): the nearer
they are to each other, the larger that part. How large is judged, not measured: half of the variance for places at one
spot, a third as much at half a kilometre. The chance of a free bay is never below that of the best place, nor above
what independent ones would give.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from occupancy.forecast.outlook import P_EDGE
from occupancy.forecast.panel import Floats

AT_ONE_SPOT = 0.5
"""The correlation of places at one spot."""
FADES_WITHIN_M = 450.0
"""Metres over which it falls to 1 / e."""
_APART = 1.36
"""Two points of a disc are on average so many times as far from each other as one is from its middle."""
_POINTS = 64
_NORMAL = NormalDist()
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(_POINTS)
_WEIGHTS = _WEIGHTS / math.sqrt(2 * math.pi)


def alike_within(distances_m: Sequence[float]) -> float:
    """How far the streets at these distances from a point go together, 0..1."""
    if not distances_m:
        return 0.0
    return AT_ONE_SPOT * math.exp(-_APART * sum(distances_m) / len(distances_m) / FADES_WITHIN_M)


def any_of(chances: Sequence[float], alike: float) -> float:
    """The chance that at least one place has a free bay, by the chance of each and how far they go together."""
    best = max(chances, default=0.0)
    full_below = [_edge(1 - chance, alike) for chance in chances if chance > 0]
    if best == 1 or len(full_below) < 2:
        return best
    none = 0.0
    for common, weight in zip(_common(alike), _WEIGHTS.tolist(), strict=True):
        none += weight * math.prod([math.erfc(common - edge) / 2 for edge in full_below])
    independent = 1 - math.prod(1 - chance for chance in chances)
    return max(min(1 - none, 1 - P_EDGE, independent), best)


def at_least(wanted: int, counts: Sequence[Sequence[float]], alike: float) -> float:
    """The chance of so many free bays (from 1 on) in all places together. `counts` of each are the chances that 0, 1,
    ... of its bays are free: `wanted` of them, or all that there are."""
    together: Floats = np.eye(1, wanted).repeat(_POINTS, axis=0)
    for own in counts:
        edges = [_edge(fewer, alike) for fewer in np.cumsum(own)]
        fewer = [[math.erfc(common - edge) / 2 for edge in edges] for common in _common(alike)]
        free = np.diff(fewer, prepend=0.0)
        added = np.zeros_like(together)
        for bays in range(min(wanted, len(own))):
            added[:, bays:] += free[:, bays : bays + 1] * together[:, : wanted - bays]
        together = added
    return float(1 - _WEIGHTS @ together.sum(1))


def apart_together(distances: Sequence[float], alike: float) -> float:
    """How far all places together are from their median, where each is so far from its own."""
    alone = sum(distance**2 for distance in distances)
    return math.sqrt((1 - alike) * alone + alike * sum(distances) ** 2)


# What is common to places makes each lie below its edge with the chance erfc(common - edge) / 2, in these units:


def _edge(chance: float, alike: float) -> float:
    """Below which a place lies with this chance, whatever is common."""
    if chance <= 0:
        return -math.inf
    return math.inf if chance >= 1 else _NORMAL.inv_cdf(chance) / math.sqrt(2 * (1 - alike))


@lru_cache(maxsize=16)
def _common(alike: float) -> list[float]:
    """What may be common, by node."""
    found: list[float] = (_NODES * math.sqrt(alike / (2 * (1 - alike)))).tolist()
    return found
